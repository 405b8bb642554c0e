/** Runs work one run at a time. Any number of requests during a run cause one more run after it. */
import { setTimeout as pause } from 'node:timers/promises';

export interface RunAgain<K> {
  /** Runs the work of `key`, now or after the current run. Resolves when no run of this key is
   * pending; never rejects. */
  ask: (key: K) => Promise<void>;
  /** Starts no further runs. Resolves when the current ones have ended. */
  close: () => Promise<void>;
}

export interface Pace {
  /** Delay before a run, in ms: requests during the delay are covered by that run. */
  settleMs?: number;
  /** Pause after a run, in ms, given its duration. */
  restMs?: (tookMs: number) => number;
}

/** With `K` void there is a single piece of work; otherwise the work of each key runs
 * independently. `failed` receives the errors that the work throws. */
export function runAgain<K = void>(
  work: (key: K) => Promise<unknown>,
  failed: (error: unknown, key: K) => void,
  { settleMs = 0, restMs = () => 0 }: Pace = {},
): RunAgain<K> {
  const asked = new Set<K>();
  const running = new Map<K, Promise<void>>();
  const closing = new AbortController();
  const { signal } = closing;
  const wait = async (ms: number) => {
    if (ms > 0) await pause(ms, undefined, { signal }).catch(() => undefined);
  };
  const run = async (key: K) => {
    while (asked.has(key) && !signal.aborted) {
      await wait(settleMs);
      if (signal.aborted) break;
      asked.delete(key);
      const started = performance.now();
      await work(key).catch((error: unknown) => failed(error, key));
      await wait(restMs(performance.now() - started));
    }
    running.delete(key);
  };
  return {
    ask: (key) => {
      if (signal.aborted) return Promise.resolve();
      asked.add(key);
      const known = running.get(key);
      if (known !== undefined) return known;
      const begun = run(key);
      running.set(key, begun);
      return begun;
    },
    close: async () => {
      closing.abort();
      await Promise.all(running.values());
    },
  };
}
