/** Ends work that may hang. */
import type { Log } from './log.ts';

/** Resolves with the work, rejects with it, or rejects after `ms`, whichever comes first. The work
 * itself goes on: nothing can stop it. */
export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${Math.round(ms)} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

export interface Step {
  what: string;
  close: () => unknown;
}

/** Closes one part after the other. One that hangs or fails keeps none of the rest from being
 * closed: it is logged and left behind after `stepMs`, and all together after `allMs`. Never
 * rejects; returns what did not close. */
export async function closeInOrder(
  log: Pick<Log, 'warn'>,
  steps: readonly Step[],
  { stepMs, allMs }: { stepMs: number; allMs: number },
): Promise<string[]> {
  const deadline = performance.now() + allMs;
  const left: string[] = [];
  for (const { what, close } of steps) {
    try {
      // A part that closes at once is closed even when the time is over.
      const ms = Math.max(Math.min(stepMs, deadline - performance.now()), 10);
      await within(ms, Promise.resolve(close()));
    } catch (error) {
      left.push(what);
      log.warn({ err: error, what }, 'not closed in time');
    }
  }
  return left;
}
