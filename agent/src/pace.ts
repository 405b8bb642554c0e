/** Decides when the agent reports and when it reads its desired state. A report goes out at once,
 * soon after an order has ended, or after a random delay together with other changes. The delay
 * grows with the city: a thousand servers woken together must not all report at once while others
 * still wait for their wake-up. */
import { randomInt } from 'node:crypto';
import { reportEveryMs } from '@preau/contract/server.ts';

export const tickMs = 2000;
/** The delay in a small city, where reports need not be spread over time. */
const leastMomentMs = 300;
/** Whatever the controller asks for: after this it is asked again. */
const longestPauseMs = 300_000;

/** When to report: at once; soon after an order has ended; or after a random delay. */
type Tell = true | 'over' | 'soon';

export interface Pace {
  /** Something has happened; `when` says how soon to report it. A report sent earlier covers it
   * too. */
  tell: (when: Tell) => void;
  /** Reads the desired state at once. */
  read: () => void;
  /** A wake-up from the controller: it is reachable and has something new. */
  rung: () => void;
  /** Reads the desired state after a random delay, as nobody waits for it. Does nothing for a while
   * after a state was refused, because it would be refused again. */
  readAtLeisure: () => void;
  refused: () => void;
  accepted: () => void;
  /** Whether to read the desired state in this pass; clears the request. */
  takeRead: () => boolean;
  mayReport: () => boolean;
  /** A report of the current state is being made: it covers everything that was due until now. */
  reporting: () => void;
  heard: () => void;
  /** The report did not arrive. Retries after random, growing delays, whatever happens meanwhile:
   * an overloaded controller must not get more calls. */
  unheard: () => void;
  /** The controller asks for a pause of so many ms. Unlike a failure, a wake-up does not end it. */
  slowDown: (ms: number) => void;
  stop: () => void;
}

/** `momentMs`: the current delay. `pass`: asks the reconcile loop to run once more. */
export function createPace({
  now,
  momentMs,
  pass,
}: {
  now: () => number;
  momentMs: () => number;
  pass: () => void;
}): Pace {
  let toRead = true;
  let toReport = true;
  let lastReportAt = 0;
  /** Reports in a row that did not arrive, and when the next one may be sent. */
  let failures = 0;
  let notBefore = 0;
  let pausedUntil = 0;
  let readAgainAt = 0;
  let telling: NodeJS.Timeout | undefined;
  let overIsNear = false;
  let reading: NodeJS.Timeout | undefined;

  const someMoments = () => randomInt(momentMs(), 3 * momentMs());
  const tellIn = (ms: number) => setTimeout(() => pace.tell(true), ms);

  const pace: Pace = {
    tell: (when) => {
      const restMs = 2 * (momentMs() - leastMomentMs);
      if (when === true || (when === 'over' && restMs <= 0)) toReport = true;
      // A second order that ends does not postpone the report of the first.
      else if (when === 'over' && !overIsNear) {
        clearTimeout(telling);
        telling = tellIn(randomInt(restMs));
        overIsNear = true;
      } else if (when === 'soon') telling ??= tellIn(someMoments());
      pass();
    },
    read: () => {
      toRead = true;
      pass();
    },
    readAtLeisure: () => {
      if (now() < readAgainAt) return;
      reading ??= setTimeout(() => {
        pace.tell('soon');
        pace.read();
      }, someMoments());
    },
    refused: () => {
      readAgainAt = now() + reportEveryMs;
      toReport = true;
    },
    accepted: () => {
      readAgainAt = 0;
    },
    takeRead: () => {
      if (!toRead || now() < pausedUntil) return false;
      toRead = false;
      clearTimeout(reading);
      reading = undefined;
      return true;
    },
    mayReport: () =>
      (toReport || now() - lastReportAt >= reportEveryMs) &&
      now() >= Math.max(notBefore, pausedUntil),
    reporting: () => {
      toReport = false;
      clearTimeout(telling);
      telling = undefined;
      overIsNear = false;
    },
    heard: () => {
      lastReportAt = now();
      failures = 0;
    },
    unheard: () => {
      failures += 1;
      toReport = true;
      notBefore =
        now() + randomInt(tickMs, Math.min(tickMs * 2 ** (failures - 1), reportEveryMs) + 1);
    },
    slowDown: (ms) => {
      pausedUntil = now() + Math.min(ms, longestPauseMs);
    },
    rung: () => {
      notBefore = 0;
      pace.tell('soon');
      pace.read();
    },
    stop: () => {
      clearTimeout(telling);
      clearTimeout(reading);
    },
  };
  return pace;
}
