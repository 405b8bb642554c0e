/** Decides how an agent's report on an order changes its target. Pure. Repeated and out-of-order
 * reports change no verdict; a late success counts only while the wave is open. */
import type { ReportedOrder } from '@preau/contract/order.ts';
import { isFinal, type TargetState, targetMoves } from '@preau/contract/rollout-states.ts';

export interface SettledTarget {
  state: TargetState;
  action: 'install' | 'restore';
  attempt: number;
  lastSeq: number;
  /** End of the window in which its order may begin; epoch ms. */
  installUntil: number | null;
}

export type Settlement =
  /** Reported before: nothing to do. */
  | { kind: 'known' }
  /** From another attempt, or not an allowed transition: stored as evidence. */
  | { kind: 'stale'; why: string }
  /** The verdict stands; the target gets a badge that says what really happened. */
  | { kind: 'noted'; badge: 'late' | 'installed_after_cancel' }
  | { kind: 'moved'; to: TargetState; badge: 'late' | 'recovered' | 'window_overrun' | null };

const good = (state: ReportedOrder['state']) =>
  state === 'succeeded' || state === 'already_installed';

/** `waveIsOpen`: whether a success after a timeout still counts. `now` in epoch ms. */
export function settle(
  target: SettledTarget,
  report: ReportedOrder,
  waveIsOpen: boolean,
  now: number,
): Settlement {
  if (report.attempt !== target.attempt)
    return { kind: 'stale', why: `attempt ${report.attempt}, now ${target.attempt}` };
  // A repeated report from a server whose target had become `unknown`: it is back.
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
