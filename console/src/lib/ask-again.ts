/** Whether and when a call is made once more: after a device has lost its network, while the
 * controller restarts, or when it asked for a moment. What only reads may be asked again; what
 * writes only when it is known not to have arrived. */

/** How one attempt ended. `lost`: without an answer. `code`: of our own refusals; null for an answer
 * that is not the controller's, such as a proxy's own error page. */
export type Ending =
  | 'lost'
  | { status: number; code: string | null; details: Readonly<Record<string, unknown>> };

interface SoFar {
  method: string;
  /** Attempts made. */
  tries: number;
  waitedMs: number;
  /** From 0 to 1: a thousand pages must not come back in the same instant. */
  chance: number;
}

const afterLossMs = 300;
/** A restart of the controller takes seconds, an update of its machine a minute. */
const restartMs = 120_000;
const pauseMs = { first: 500, most: 5000 };
/** A refusal that ends within this time is not worth a sentence. */
const hiddenMs = 2000;

/** The proxy in front answers for a controller that is not there. */
export const isRestart = (ending: Ending): boolean =>
  ending !== 'lost' &&
  (ending.code === 'RESTARTING' ||
    (ending.code === null && [502, 503, 504].includes(ending.status)));

/** Milliseconds until the next attempt; null: there is none. */
export function pauseAfter(ending: Ending, soFar: SoFar): number | null {
  const reads = soFar.method === 'GET';
  if (ending === 'lost') return reads && soFar.tries === 1 ? afterLossMs : null;
  const jitter = 0.5 + soFar.chance;
  if (isRestart(ending)) {
    if (soFar.waitedMs > restartMs || !(reads || ending.details['sent'] === 'no')) return null;
    return Math.min(pauseMs.first * 2 ** (soFar.tries - 1), pauseMs.most) * jitter;
  }
  const { code, details } = ending;
  const wait = Number(details['retryAfterS']) * 1000;
  // The controller refuses so before it begins anything.
  return (code === 'BUSY' || code === 'SLOW_DOWN') && soFar.waitedMs + wait <= hiddenMs
    ? wait * (1 + soFar.chance / 4)
    : null;
}

interface Asking {
  method: string;
  /** Called before each pause. */
  waits?: (ending: Ending) => void;
  pause?: (ms: number) => Promise<void>;
}

/** The last attempt's answer; throws what it threw. `ask` resolves to an answer whatever its
 * status. */
export async function askAgain<T extends Exclude<Ending, 'lost'>>(
  ask: () => Promise<T>,
  { method, waits, pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms)) }: Asking,
): Promise<T> {
  let waitedMs = 0;
  for (let tries = 1; ; tries += 1) {
    const attempt = await ask().then(
      (answer) => ({ answer }),
      (error: unknown) => ({ error }),
    );
    const ending = 'answer' in attempt ? attempt.answer : 'lost';
    const ms = pauseAfter(ending, { method, tries, waitedMs, chance: Math.random() });
    if (ms === null) {
      if ('answer' in attempt) return attempt.answer;
      throw attempt.error;
    }
    waits?.(ending);
    await pause(ms);
    waitedMs += ms;
  }
}
