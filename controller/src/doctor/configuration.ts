/** Settings that are wrong. */
import { examination, type Found } from './examination.ts';
import type { Patient } from './patient.ts';

export const configuration = examination({
  failure: 'CONFIGURATION_FAULT',
  gather: async ({ faults }) => faults,
  judge: judgeConfiguration,
});

export function judgeConfiguration(faults: Patient['faults']): Found[] {
  return faults.map((fault) =>
    'where' in fault
      ? { code: 'IDENTITY_FAULT', why: `${fault.where}: expected ${fault.expected}` }
      : {
          code: 'CONFIGURATION_FAULT',
          why: `${fault.name} is ${JSON.stringify(fault.value)}: expected ${fault.expected}`,
        },
  );
}
