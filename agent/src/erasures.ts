/** Erases the homes of erased people from this server: one after the other, and again after a while
 * when one could not be erased, so that the city is told only of what is gone. */
import type { DesiredState } from '@preau/contract/desired-state.ts';
import type { Driver } from './drivers/driver.ts';
import { type Failures, maxRetryMs } from './failures.ts';

export interface Erasures {
  /** Returns without waiting. */
  pass: (wanted: DesiredState) => void;
  /** For the report. */
  erased: () => { erasedHomes?: number };
}

/** A session of the person still runs: it ends soon, because its state does not name it. */
const inUseAgainMs = 5000;

export function createErasures({
  driver,
  now,
  failures,
  work,
  tell,
}: {
  driver: Pick<Driver, 'eraseHome'>;
  now: () => number;
  failures: Failures;
  work: (task: () => Promise<void>) => void;
  tell: (when: 'soon') => void;
}): Erasures {
  let upTo = 0;
  let busy = false;
  let retryAt = 0;

  /** True when the home is gone. */
  const erase = async (home: string): Promise<boolean> => {
    try {
      const gone = await driver.eraseHome(home);
      failures.mended('erase_home', home);
      if (!gone) retryAt = Math.max(retryAt, now() + inUseAgainMs);
      return gone;
    } catch (error) {
      const failure = failures.failed('erase_home', home, error, 'yes');
      retryAt = Math.max(retryAt, failure.retryAt ?? now() + maxRetryMs);
      return false;
    }
  };

  return {
    pass: ({ erasedHomes }) => {
      if (erasedHomes === undefined || erasedHomes.upTo <= upTo) return;
      if (busy || now() < retryAt) return;
      busy = true;
      work(async () => {
        let left = 0;
        for (const home of erasedHomes.homes) if (!(await erase(home))) left += 1;
        if (left === 0) upTo = erasedHomes.upTo;
        busy = false;
        tell('soon');
      });
    },
    erased: () => (upTo === 0 ? {} : { erasedHomes: upTo }),
  };
}
