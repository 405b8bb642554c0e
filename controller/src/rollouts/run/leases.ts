/** Leases and deadlines of targets. Pure. */

import {
  isFinal,
  isInFlight,
  isNotStarted,
  isWaiting,
  type TargetState,
} from '@preau/contract/rollout-states.ts';
import { change, type TargetChange } from './decision.ts';
import type { RolloutFacts } from './facts.ts';

/** An order that no agent has accepted is withdrawn. */
export const offerLeaseMs = 90_000;
/** An order that was accepted and is not reported on becomes `unknown`. Agents report every 20 s. */
export const runLeaseMs = 180_000;
const dayMs = 86_400_000;

/** Servers that are offline at first have so long to come back. */
export const catchUpUntil = (facts: RolloutFacts, now: number) =>
  (facts.startedAt ?? now) + facts.draft.catchUpDays * dayMs;

/** Targets whose lease or deadline has passed. While paused, what has not started keeps its time
 * (`counting` false). */
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

/** While paused, whatever has not begun to install is held where it is. */
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
