/** The city's time on a machine whose own clock may be wrong: a school's server, or the device in
 * front of a child. It is learnt from the controller's answers and goes on by a clock that never
 * jumps; the machine's clock is left alone. Until the first answer, and while the two agree, it is
 * the machine's. */

export interface CityClock {
  /** Epoch ms, the city's. */
  now: () => number;
  /** The machine's clock minus the city's, in ms, to about a second; null before the first
   * answer. */
  skewMs: () => number | null;
  /** Takes the city's time from the `Date` header of an answer, whose question was sent at `sentAt`
   * by `monotonic`. Times that no controller can have are ignored. */
  heard: (date: string | null | undefined, sentAt: number) => void;
  /** Counts ms and never jumps. */
  monotonic: () => number;
}

/** An answer tells whole seconds, and travels: less than this is no difference. */
const agreeWithinMs = 5000;
/** A time outside of these comes from no controller of ours. */
const earliest = Date.UTC(2026, 0, 1);
const latest = Date.UTC(2100, 0, 1);

export function createCityClock(
  machine: () => number = () => Date.now(),
  monotonic: () => number = () => performance.now(),
): CityClock {
  let learnt: { cityTime: number; at: number } | null = null;
  let last = 0;

  const city = () => (learnt === null ? machine() : learnt.cityTime + (monotonic() - learnt.at));
  const differs = () => Math.abs(machine() - city()) > agreeWithinMs;
  return {
    monotonic,
    now: () => {
      const now = Math.round(differs() ? city() : machine());
      // Small corrections never let time go back; a real one must.
      last = now < last && last - now < agreeWithinMs ? last : now;
      return last;
    },
    skewMs: () => (learnt === null ? null : Math.round(machine() - city())),
    heard: (date, sentAt) => {
      // The header has whole seconds: half of one is the best guess.
      const cityTime = Date.parse(date ?? '') + 500;
      if (!(cityTime > earliest && cityTime < latest)) return;
      const at = monotonic();
      learnt = { cityTime: cityTime + (at - sentAt) / 2, at };
    },
  };
}
