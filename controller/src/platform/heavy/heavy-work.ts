/** Work that is too heavy for the thread that serves everybody: files that came in, large documents
 * that go out. Each piece of work gets a thread of its own, with a deadline and a bound on memory,
 * and gives everything back when its thread ends. */
import { setTimeout as after } from 'node:timers/promises';
import { type TransferListItem, Worker } from 'node:worker_threads';
import { AppError, errorAsTold } from '@preau/contract/errors.ts';
import PQueue from 'p-queue';
import { budget } from '../budget.ts';
import type { FromWorker, ToWorker } from './messages.ts';

type HeavyKind =
  | 'people_import'
  | 'package_inspection'
  | 'icon_extraction'
  | 'badge_sheet'
  | 'database_compaction';

/** Limits of one piece of work. `memoryMb`: what its thread may keep on its heap. */
interface Limits {
  withinMs: number;
  memoryMb: number;
}
const limitsOf: Readonly<Record<HeavyKind, Limits>> = budget.work.kinds;

/** A kind of work with the types of what goes in, what comes out, and what its thread may ask in
 * between. `worker`: the module of the thread, which calls `serve`. */
export interface HeavyTask<Input, Output, Question = never, Answer = never> {
  kind: HeavyKind;
  worker: URL;
  /** Never set: carries the types. */
  types?: (input: Input, question: Question) => [Output, Answer];
}

interface HeavyOptions<Output, Question, Answer> {
  /** Memory that is handed over instead of copied; it is empty here afterwards. */
  transfer?: readonly TransferListItem[];
  /** Answers a question of the thread; the deadline covers the answer too. */
  answer?: (question: Question) => Promise<Answer>;
  /** Takes what is known before the end. */
  early?: (output: Output) => void;
}

export interface HeavyWork {
  /** Refuses with BUSY when too many wait, with FILE_TOO_COMPLEX when the deadline or the bound on
   * memory ends the work, and with whatever AppError the thread throws. */
  run: <Input, Output, Question, Answer>(
    task: HeavyTask<Input, Output, Question, Answer>,
    input: Input,
    options?: HeavyOptions<Output, Question, Answer>,
  ) => Promise<Output>;
  /** Ends what runs; later work is refused with BUSY. */
  close: () => Promise<void>;
}

export function createHeavyWork(limits = limitsOf): HeavyWork {
  const { atOnce, waiting, retryAfterS } = budget.work;
  const queue = new PQueue({ concurrency: atOnce });
  const running = new Set<Worker>();
  let closed = false;
  const busy = () => new AppError('BUSY', { retryAfterS });
  return {
    run: (task, input, options = {}) => {
      if (closed || queue.size >= waiting) return Promise.reject(busy());
      return queue.add(async () => {
        if (closed) throw busy();
        const worker = new Worker(task.worker, {
          workerData: input,
          transferList: [...(options.transfer ?? [])],
          resourceLimits: { maxOldGenerationSizeMb: limits[task.kind].memoryMb },
          // Nothing of the city's settings is known to the thread.
          env: {},
          stdout: true,
          stderr: true,
        });
        running.add(worker);
        const { withinMs } = limits[task.kind];
        const ended = () => (closed ? busy() : new Error(`${task.kind} gave no result`));
        try {
          return await outcome(worker, task.kind, { withinMs, ended }, options);
        } finally {
          running.delete(worker);
          await worker.terminate();
        }
      });
    },
    close: async () => {
      closed = true;
      await Promise.race([
        Promise.all([...running].map((worker) => worker.terminate())),
        after(budget.work.closeMs, undefined, { ref: false }),
      ]);
    },
  };
}

const tooComplex = (kind: HeavyKind, limit: 'time' | 'memory') =>
  new AppError('FILE_TOO_COMPLEX', { work: kind, limit });

function outcome<Output, Question, Answer>(
  worker: Worker,
  kind: HeavyKind,
  { withinMs, ended }: { withinMs: number; ended: () => Error },
  { answer, early }: HeavyOptions<Output, Question, Answer>,
): Promise<Output> {
  return new Promise<Output>((resolve, reject) => {
    const late = setTimeout(() => reject(tooComplex(kind, 'time')), withinMs);
    const send = (message: ToWorker<Answer>) => worker.postMessage(message);
    worker.on('message', (message: FromWorker<Output, Question>) => {
      if (message.kind === 'done') resolve(message.output);
      else if (message.kind === 'early') early?.(message.output);
      else if (message.kind === 'refused') reject(errorAsTold(message.code, message.details));
      else if (answer === undefined) reject(new Error(`nobody answers ${kind}`));
      else answer(message.question).then((given) => send({ answer: given }), reject);
    });
    worker.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? tooComplex(kind, 'memory') : error),
    );
    worker.once('exit', () => {
      clearTimeout(late);
      reject(ended());
    });
  });
}
