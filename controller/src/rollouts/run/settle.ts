/** What an agent's word about an order does to its target. Pure. Anything late, repeated or out of
 * order changes no verdict. */
import type { ReportedOrder } from '@preau/contract/order.ts';
import { isFinal, type TargetState, targetMoves } from '@preau/contract/rollout-states.ts';

export interface SettledTarget {
  state: TargetState;
  action: 'install' | 'restore';
  attempt: number;
  lastSeq: number;
  /** End of the window its order may begin in. */
  installUntil: number | null;
}

export type Settlement =
  /** Reported before: nothing to do. */
  | { kind: 'known' }
  /** Not of the present attempt, or not a legal move: kept as evidence. */
  | { kind: 'stale'; why: string }
  /** The verdict stands; the truth about the server is noted. */
  | { kind: 'noted'; badge: 'late' | 'installed_after_cancel' }
  | { kind: 'moved'; to: TargetState; badge: 'late' | 'recovered' | 'window_overrun' | null };

const good = (state: ReportedOrder['state']) =>
  state === 'succeeded' || state === 'already_installed';

/** `waveIsOpen`: a verdict that is late may still count. `now` in epoch ms. */
export function settle(
  target: SettledTarget,
  report: ReportedOrder,
  waveIsOpen: boolean,
  now: number,
): Settlement {
  if (report.attempt !== target.attempt)
    return { kind: 'stale', why: `attempt ${report.attempt}, now ${target.attempt}` };
  // Reported before, by a server that was unknown meanwhile: it is back.
  const isBack = target.state === 'unknown' && report.seq === target.lastSeq;
  if (report.seq <= target.lastSeq && !isBack) return { kind: 'known' };
  if (target.state === 'cancelled')
    return good(report.state)
      ? { kind: 'noted', badge: 'installed_after_cancel' }
      : { kind: 'stale', why: `${report.state} after cancelled` };
  if (target.state === 'timed_out') {
    if (!good(report.state)) return { kind: 'stale', why: `${report.state} after timed_out` };
    return waveIsOpen
      ? { kind: 'moved', to: finalOf(target, report), badge: 'late' }
      : { kind: 'noted', badge: 'late' };
  }
  const to = finalOf(target, report);
  if (isFinal(target.state) || (to !== target.state && !targetMoves[target.state].includes(to)))
    return { kind: 'stale', why: `${report.state} after ${target.state}` };
  const overran = good(report.state) && target.installUntil !== null && now > target.installUntil;
  return {
    kind: 'moved',
    to,
    badge: report.recovered && good(report.state) ? 'recovered' : overran ? 'window_overrun' : null,
  };
}

function finalOf(target: SettledTarget, report: ReportedOrder): TargetState {
  return target.action === 'restore' && good(report.state) ? 'rolled_back' : report.state;
}
