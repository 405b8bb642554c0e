/** Whether this machine's clock is right: it must not jump, must not lie before what the database
 * remembers, and must agree with the clocks of others. */
import { budget } from '../budget.ts';
import type { Clock } from '../clock.ts';
import { type Finding, well } from './check.ts';

const { clockMs, jumpToldMs } = budget.health;

/** No Préau ran before. */
const earliest = Date.UTC(2026, 0, 1);

export interface ClockWatch {
  /** When the database was last looked at, by whichever process; 0: never. */
  lookedBefore: (at: number) => void;
  /** What another clock says now. */
  heard: (whose: string, at: number) => void;
  finding: () => Finding;
}

/** `monotonic` counts ms and never jumps. */
export function watchClock(clock: Clock, monotonic = () => performance.now()): ClockWatch {
  let offset = clock.now() - monotonic();
  let told: { why: string; until: number } | null = null;
  const others = new Map<string, { differenceMs: number; heardAt: number }>();

  const note = (why: string) => {
    told = { why, until: monotonic() + jumpToldMs };
  };
  return {
    lookedBefore: (at) => {
      const backMs = at - clock.now();
      if (backMs > clockMs) note(`it has gone back by ${inWords(backMs)} since the last look`);
    },
    heard: (whose, at) =>
      others.set(whose, { differenceMs: clock.now() - at, heardAt: monotonic() }),
    finding: () => {
      const now = monotonic();
      const jumpMs = clock.now() - now - offset;
      if (Math.abs(jumpMs) > clockMs) {
        note(`it has jumped ${jumpMs > 0 ? 'forward' : 'back'} by ${inWords(Math.abs(jumpMs))}`);
        offset = clock.now() - now;
      } else offset += jumpMs;
      if (clock.now() < earliest) return wrong(`it says ${new Date(clock.now()).toISOString()}`);
      for (const [whose, { differenceMs, heardAt }] of others)
        if (now - heardAt < jumpToldMs && Math.abs(differenceMs) > clockMs)
          return wrong(
            `it is ${inWords(Math.abs(differenceMs))} ${differenceMs > 0 ? 'ahead of' : 'behind'} the ` +
              `clock of ${whose}`,
          );
      return told === null || now > told.until ? well : wrong(told.why);
    },
  };
}

const wrong = (why: string): Finding => ({ state: 'degraded', code: 'CLOCK_WRONG', why });

const inWords = (ms: number): string => {
  const minutes = Math.round(ms / 60_000);
  return minutes < 2
    ? `${Math.round(ms / 1000)} s`
    : minutes < 120
      ? `${minutes} min`
      : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};
