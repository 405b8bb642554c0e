/** Two machines with one identity: a disk was copied, or a snapshot started beside its original.
 * Each run of an agent has a random epoch and counts its reports; a run that has ended never speaks
 * again. So when an earlier run goes on counting after a later one was heard, both are alive.
 *
 *  Once is not enough: the last report of a run may arrive after the first of the next. An agent
 * sends one report at a time, so there is at most one such straggler; the second is a second
 * machine. */

export interface PastEpoch {
  epoch: string;
  /** The highest number heard of it. */
  seq: number;
  /** How often it counted on after a later run was heard. */
  spoke: number;
}

/** `accept`: newest of the present run, or the first of a new one. `stale`: late or repeated,
 * changes nothing. */
export type Heard = { verdict: 'accept' | 'stale' | 'clone'; past: readonly PastEpoch[] };

const remembered = 8;
const spokeTooOften = 2;

/** Pure; never throws. */
export function hear(
  known: { epoch: string | null; seq: number; past: readonly PastEpoch[] },
  report: { epoch: string; seq: number },
): Heard {
  const { past } = known;
  if (known.epoch === null) return { verdict: 'accept', past };
  if (report.epoch === known.epoch)
    return { verdict: report.seq > known.seq ? 'accept' : 'stale', past };
  const before = past.find(({ epoch }) => epoch === report.epoch);
  if (before === undefined)
    return {
      verdict: 'accept',
      past: [...past, { epoch: known.epoch, seq: known.seq, spoke: 0 }].slice(-remembered),
    };
  if (report.seq <= before.seq) return { verdict: 'stale', past };
  const now = { ...before, seq: report.seq, spoke: before.spoke + 1 };
  return {
    verdict: now.spoke >= spokeTooOften ? 'clone' : 'stale',
    past: past.map((entry) => (entry === before ? now : entry)),
  };
}
