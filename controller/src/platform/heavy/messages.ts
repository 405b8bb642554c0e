/** What the serving thread and a thread for heavy work say to each other. */
import type { ErrorCode } from '@preau/contract/errors.ts';

export type FromWorker<Output, Question> =
  | { kind: 'early'; output: Output }
  | { kind: 'done'; output: Output }
  | { kind: 'ask'; question: Question }
  | { kind: 'refused'; code: ErrorCode; details: Record<string, unknown> };

export interface ToWorker<Answer> {
  answer: Answer;
}
