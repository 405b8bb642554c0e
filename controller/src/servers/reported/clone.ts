/** Detects two machines with one identity: a disk was copied, or a snapshot started beside its
 * original. Each run of an agent has a random epoch and numbers its reports; a run that has ended
 * sends no further reports. So when an earlier run sends new reports after a later run has begun,
 * both are alive.
 *
 * One such report is no proof: the last report of a run may arrive after the first of the next. An
 * agent sends one report at a time, so at most one can be late; a second one comes from a second
 * machine. */

export interface PastEpoch {
  epoch: string;
  /** The highest sequence number received from it. */
  seq: number;
  /** How many new reports it sent after a later run had begun. */
  spoke: number;
}

/** `accept`: a new report of the present run, or the first of a new run. `stale`: late or repeated,
 * changes nothing. `past`: the earlier runs to store. */
export type ReportCheck = { verdict: 'accept' | 'stale' | 'clone'; past: readonly PastEpoch[] };

const remembered = 8;
const spokeTooOften = 2;

/** Pure; never throws. */
export function checkReport(
  known: { epoch: string | null; seq: number; past: readonly PastEpoch[] },
  report: { epoch: string; seq: number },
): ReportCheck {
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
