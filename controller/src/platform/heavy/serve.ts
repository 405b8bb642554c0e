/** The inside of a thread for heavy work. */
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { AppError } from '@preau/contract/errors.ts';
import type { HeavyTask } from './heavy-work.ts';
import type { FromWorker, ToWorker } from './messages.ts';

/** Below the thread that serves everybody; 0 names the calling thread. */
const niceness = 10;

export interface Outside<Output, Question, Answer> {
  /** One question at a time. */
  ask: (question: Question) => Promise<Answer>;
  early: (output: Output) => void;
}

/** Does the work of this thread, once. Nothing happens in the main thread, where tests may import
 * the module. */
export async function serve<Input, Output, Question, Answer>(
  _task: Pick<HeavyTask<Input, Output, Question, Answer>, 'types'>,
  work: (input: Input, outside: Outside<Output, Question, Answer>) => Output | Promise<Output>,
): Promise<void> {
  if (parentPort === null) return;
  const port = parentPort;
  const tell = (message: FromWorker<Output, Question>) => port.postMessage(message);
  try {
    setPriority(0, niceness);
  } catch {
    // A system that does not allow it: the work then competes on equal terms.
  }
  try {
    const output = await work(workerData as Input, {
      early: (known) => tell({ kind: 'early', output: known }),
      ask: (question) =>
        new Promise<Answer>((resolve) => {
          port.once('message', ({ answer }: ToWorker<Answer>) => resolve(answer));
          tell({ kind: 'ask', question });
        }),
    });
    tell({ kind: 'done', output });
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    tell({ kind: 'refused', code: error.code, details: error.details });
  }
}
