/** When this agent speaks: at once, when an order is over, or within a moment and together with
 * what else happens; and when it reads what it should be. A thousand servers that are woken at once
 * do not all speak at once, while others still wait to be told; twenty-seven may. */
import { randomInt } from 'node:crypto';
import { reportEveryMs } from '@preau/contract/server.ts';

export const tickMs = 2000;
/** What a moment is in a small city: there nobody waits for anybody. */
const leastMomentMs = 300;

/** When something is told. */
export type Tell = true | 'over' | 'soon';

export interface Pace {
  /** Something has happened. What is told earlier takes with it what was to be told later. */
  tell: (when: Tell) => void;
  /** What this server should be is read at once. */
  read: () => void;
  /** The city rings: it is there, and has something to say. */
  rung: () => void;
  /** It is read within a moment: nobody waits for it. Not at all while a refused state would be
   * refused again. */
  readAtLeisure: () => void;
  refused: () => void;
  accepted: () => void;
  /** Is it to be read in this pass? Answering takes the wish away. */
  takeRead: () => boolean;
  mayReport: () => boolean;
  /** A report is made of what is now: whatever was to be told until now is in it. */
  reporting: () => void;
  heard: () => void;
  /** Asked again at the next tick, then ever later and each server at its own moment, whatever
   * happens meanwhile: a controller that has too much to do must not get more. */
  unheard: () => void;
  stop: () => void;
}

/** `momentMs`: how long a moment is now. `pass`: asks for a pass of the loop. */
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
      // A second order that is over does not put off the first.
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
      if (!toRead) return false;
      toRead = false;
      clearTimeout(reading);
      reading = undefined;
      return true;
    },
    mayReport: () => (toReport || now() - lastReportAt >= reportEveryMs) && now() >= notBefore,
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
