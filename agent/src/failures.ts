/** Failed steps that have not succeeded since: what a report says about them, and when they are
 * retried. */

import { fileSystemFailure } from '@preau/contract/errors/file-system.ts';
import { AppError, type ErrorCode, errors } from '@preau/contract/errors.ts';
import type { FailedStep } from '@preau/contract/report.ts';

export const maxRetryMs = 3_600_000;

export interface Failures {
  /** `if_useful`: retried when the error code is retryable. Delays double from 30 s up to an
   * hour. */
  failed: (
    step: FailedStep['step'],
    element: string,
    error: unknown,
    retry: 'no' | 'if_useful' | 'yes',
  ) => FailedStep;
  mended: (step: FailedStep['step'], element: string) => void;
  mendedAll: (step: FailedStep['step']) => void;
  list: () => FailedStep[];
}

/** Error code and message for a report; INTERNAL for what is neither a refusal nor a failure of this
 * machine's disk. */
export function reasonOf(error: unknown): { code: ErrorCode; message: string } {
  if (error instanceof AppError)
    return {
      code: error.code,
      message: String(error.details['why'] ?? errors[error.code].en).slice(0, 2000),
    };
  return {
    code: fileSystemFailure(error) ?? 'INTERNAL',
    message: String(error instanceof Error ? error.message : error).slice(0, 2000),
  };
}

export function createFailures(
  now: () => number,
  log: { warn: (facts: object, text: string) => void },
): Failures {
  const known = new Map<string, FailedStep>();
  return {
    failed: (step, element, error, retry) => {
      const key = `${step} ${element}`;
      const attempt = (known.get(key)?.attempt ?? 0) + 1;
      const { code, message } = reasonOf(error);
      const again = retry === 'yes' || (retry === 'if_useful' && errors[code].retryable);
      const entry = {
        step,
        code,
        element: element.slice(0, 200),
        message,
        attempt,
        at: now(),
        retryAt: again ? now() + Math.min(30_000 * 2 ** (attempt - 1), maxRetryMs) : null,
      };
      known.set(key, entry);
      log.warn({ ...entry }, 'step failed');
      return entry;
    },
    mended: (step, element) => {
      known.delete(`${step} ${element}`);
    },
    mendedAll: (step) => {
      for (const key of known.keys()) if (key.startsWith(`${step} `)) known.delete(key);
    },
    list: () => [...known.values()].slice(-100),
  };
}
