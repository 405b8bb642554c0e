/** What looking at one part finds. */
import type { ErrorCode } from '@preau/contract/errors.ts';
import type { HealthPart, HealthState } from '@preau/contract/health.ts';

export type Finding =
  | { state: 'ok' }
  | {
      state: Exclude<HealthState, 'ok'>;
      code: ErrorCode;
      /** For technicians, in the words of what failed. */
      why: string;
    };

export interface Check {
  part: HealthPart;
  /** What a failure means whose error says nothing of its own, and what silence means. */
  failure: ErrorCode;
  silence: ErrorCode;
  look: () => Promise<Finding>;
}

export const well: Finding = { state: 'ok' };
