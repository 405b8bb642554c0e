/** How one part of an installation is looked at: facts are gathered within a deadline, then judged by
 * a pure function. Nothing is changed, and nothing that hangs holds up the rest. */

import { within } from '#src/platform/deadlines.ts';
import { oneLine } from '#src/platform/mail.ts';
import type { FindingCode } from './findings.ts';
import type { Patient } from './patient.ts';

export interface Found {
  code: FindingCode;
  /** For whoever looks after the city: names and numbers. Never part of a support bundle. */
  why: string;
  /** Numbers without a name: they are part of a support bundle. */
  counts?: Readonly<Record<string, number>>;
}

export interface Examination {
  /** How many ms it may take. */
  withinMs: number;
  look: (patient: Patient, signal: AbortSignal) => Promise<Found[]>;
}

/** Thrown where a part cannot be looked at because of another one, which has a finding of its own. */
export class NotLookedAt extends Error {
  override name = 'NotLookedAt';
}

/** `failure`: what it means when gathering fails or is not done in time. */
export const examination = <Facts>({
  withinMs = 10_000,
  failure,
  gather,
  judge,
}: {
  withinMs?: number;
  failure: FindingCode;
  gather: (patient: Patient, signal: AbortSignal) => Promise<Facts>;
  judge: (facts: Facts, patient: Pick<Patient, 'config' | 'now' | 'version'>) => Found[];
}): Examination => ({
  withinMs,
  look: async (patient, signal) => {
    let facts: Facts;
    try {
      facts = await within(withinMs, gather(patient, signal));
    } catch (error) {
      if (error instanceof NotLookedAt) throw error;
      return [{ code: failure, why: wordsOf(error) }];
    }
    return judge(facts, patient);
  },
});

/** What failed says most at its root. */
export const wordsOf = (error: unknown): string => {
  if (!(error instanceof Error)) return oneLine(String(error));
  if (error instanceof AggregateError && error.errors.length > 0) return wordsOf(error.errors[0]);
  return error.cause instanceof Error ? wordsOf(error.cause) : oneLine(error.message || error.name);
};
