/** Leases and deadlines of targets. Pure. */

import { dayMs } from '@preau/contract/days.ts';
import {
  isFinal,
  isInFlight,
  isNotStarted,
  isWaiting,
  type TargetState,
} from '@preau/contract/rollout-states.ts';
import { change, type TargetChange } from './decision.ts';
import type { RolloutFacts } from './facts.ts';

/** An order that no agent accepts within this time is withdrawn. */
export const offerLeaseMs = 90_000;
/** A target whose accepted order is not reported on for this time becomes `unknown`. Agents report
 * every 20 s. */
export const runLeaseMs = 180_000;

/** Until when a server that is offline may come back and still get its order. Epoch ms. */
export const catchUpUntil = (facts: RolloutFacts, now: number) =>
  (facts.startedAt ?? now) + facts.draft.catchUpDays * dayMs;

/** Changes for targets whose lease or deadline has passed. While paused (`counting` false), targets
 * that have not started do not expire. */
export function overdue(facts: RolloutFacts, now: number, counting: boolean): TargetChange[] {
  return facts.targets.flatMap((target) => {
    if (isFinal(target.state)) return [];
    const isLate = target.deadlineAt <= now;
    const leaseEnded = (target.leaseUntil ?? 0) <= now;
    if (target.server.gone) return [change(target, 'cancelled', { reason: 'server_gone' })];
    if (isWaiting(target.state))
      return counting && isLate ? [change(target, 'timed_out', { reason: 'never_came' })] : [];
    if (target.state === 'offered' && leaseEnded)
      return counting
        ? [change(target, 'queued', { newAttempt: true, deadlineAt: catchUpUntil(facts, now) })]
        : [];
    if (isLate && (counting || !isNotStarted(target.state)))
      return [change(target, 'timed_out', { reason: 'deadline' })];
    return leaseEnded && expectsReports(target.state) ? [change(target, 'unknown')] : [];
  });
}

const expectsReports = (state: TargetState) => state !== 'offered' && state !== 'unknown';

/** While paused, orders that have not begun to install may only download. */
export function hold(facts: RolloutFacts): TargetChange[] {
  return facts.targets
    .filter(
      (target) =>
        isInFlight(target.state) &&
        isNotStarted(target.state) &&
        target.order !== null &&
        target.order.phase === 'install' &&
        target.order.cancel === null,
    )
    .map((target) =>
      change(target, target.state, {
        reason: 'held',
        terms: { phase: 'stage', installFrom: null, installUntil: null, cancel: null },
      }),
    );
}
