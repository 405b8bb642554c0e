/** Work that runs one at a time: whoever asks while it runs gets one more run after it, however
 * many ask. */
import { setTimeout as pause } from 'node:timers/promises';

export interface RunAgain<K> {
  /** Runs `key`'s work, now or after the run that is under way. Resolves when no run of this key is
   * left to do; never rejects. */
  ask: (key: K) => Promise<void>;
  /** No run begins any more. Resolves when those under way are over. */
  close: () => Promise<void>;
}

export interface Pace {
  /** Milliseconds before a run: what is asked meanwhile is part of it. */
  settleMs?: number;
  /** Milliseconds after a run, by how long it took. */
  restMs?: (tookMs: number) => number;
}

/** `K` void: there is one piece of work. Else each key's work runs by itself. `failed` is given what
 * the work throws. */
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
