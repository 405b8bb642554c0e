/** Decides the next changes of a rollout: overdue targets, trips, gates, offers, the end. Pure:
 * takes facts and a time, returns a decision. The same facts give the same decision; once a
 * decision is carried out, deciding again changes nothing. */

import type { CancelKind } from '@preau/contract/order.ts';
import {
  isFinal,
  isInFlight,
  isNotStarted,
  isWaiting,
  type TargetState,
} from '@preau/contract/rollout-states.ts';
import {
  change,
  type Decision,
  nothing,
  type TargetChange,
  type WaveChange,
  withNextEvaluation,
} from './decision.ts';
import type { RolloutFacts, TargetFacts, WaveFacts } from './facts.ts';
import { catchUpUntil, hold, overdue } from './leases.ts';
import { offers, reachedWaves, retime } from './offers.ts';
import { trip } from './trip.ts';
import { moveWaves } from './waves.ts';

export function advance(facts: RolloutFacts, now: number): Decision {
  switch (facts.state) {
    case 'scheduled':
      return begin(facts, now);
    case 'running':
      return facts.braked
        ? { ...nothing, rollout: { to: 'paused', pauseReason: 'brake' } }
        : run(facts, now);
    case 'paused':
      // The brake also stops timeouts: when most of the fleet is silent, the servers are not at
      // fault.
      return facts.pauseReason === 'brake' || facts.braked
        ? nothing
        : withNextEvaluation(
            { ...nothing, targets: [...overdue(facts, now, false), ...hold(facts)] },
            facts,
            now,
          );
    case 'cancelling':
      return cancel(facts, now);
    case 'rolling_back':
      return facts.braked ? nothing : rollBack(facts, now);
    default:
      return nothing;
  }
}

function begin(facts: RolloutFacts, now: number): Decision {
  const at = Math.max(facts.startAt ?? 0, facts.arrivalEnds ?? 0);
  return at > now || facts.braked
    ? { ...nothing, evaluateAt: Math.max(at, now + 60_000) }
    : { ...nothing, rollout: { to: 'running' } };
}

function run(facts: RolloutFacts, now: number): Decision {
  const ending = facts.superseded ? giveWay(facts) : null;
  if (ending !== null) return ending;
  const late = overdue(facts, now, true);
  if (late.length > 0) return { ...nothing, targets: late };
  const current = facts.waves.find(isActive);
  const stopped = current === undefined ? null : stopWave(facts, current);
  if (stopped !== null) return stopped;
  const step = facts.superseded ? null : moveWaves(facts, current, now);
  if (step !== null) return step;
  if (facts.targets.every((target) => isFinal(target.state)) && !facts.waves.some(isUnfinished))
    return { ...nothing, rollout: { to: verdict(facts) } };
  return withNextEvaluation(
    { ...nothing, targets: [...retime(facts, now), ...offers(facts, now, reachedWaves(facts))] },
    facts,
    now,
  );
}

/** A superseded rollout offers nothing more and ends when its last order has ended. */
function giveWay(facts: RolloutFacts): Decision | null {
  const left = facts.targets.filter((target) => isWaiting(target.state));
  if (left.length > 0)
    return { ...nothing, targets: left.map((target) => change(target, 'superseded')) };
  return facts.targets.some((target) => isInFlight(target.state))
    ? null
    : { ...nothing, rollout: { to: 'superseded' } };
}

function stopWave(facts: RolloutFacts, wave: WaveFacts): Decision | null {
  const note = trip(facts, wave);
  return note === null
    ? null
    : {
        ...nothing,
        waves: [{ number: wave.number, to: 'tripped' }],
        rollout:
          facts.draft.onTrip === 'roll_back'
            ? { to: 'rolling_back', note }
            : { to: 'paused', pauseReason: 'threshold', note },
      };
}

const isActive = ({ state }: WaveFacts) => state === 'open' || state === 'soaking';
const isUnfinished = (wave: WaveFacts) => wave.state === 'pending' || isActive(wave);
/** Marks the unfinished waves as skipped. */
const skipUnfinished = (facts: RolloutFacts): WaveChange[] =>
  facts.waves.filter(isUnfinished).map(({ number }) => ({ number, to: 'skipped' }));

const verdict = (facts: RolloutFacts) =>
  facts.targets.some(
    (target) =>
      target.state === 'failed' || target.state === 'timed_out' || target.state === 'rejected',
  )
    ? 'completed_with_failures'
    : 'completed';

function cancel(facts: RolloutFacts, now: number): Decision {
  const told = facts.targets.flatMap((target) => stop(target, facts.cancelKind ?? 'finish'));
  const targets = [...told, ...(facts.braked ? [] : overdueBesides(told, facts, now))];
  if (targets.length > 0 || facts.targets.some((target) => isInFlight(target.state)))
    return withNextEvaluation({ ...nothing, targets }, facts, now);
  return {
    ...nothing,
    waves: skipUnfinished(facts),
    rollout: { to: 'cancelled' },
  };
}

/** Cancels at once where nobody works on the order or nobody can be told, and tells the others. If
 * an agent carries out a cancelled order anyway, its report updates the inventory. */
function stop(target: TargetFacts, kind: CancelKind): TargetChange[] {
  if (isFinal(target.state)) return [];
  const mayFinish = target.state === 'offered' && kind === 'finish';
  if (isWaiting(target.state) || mayFinish || target.state === 'unknown' || target.server.gone)
    return [change(target, 'cancelled')];
  return target.order !== null && target.order.cancel !== kind
    ? [change(target, target.state, { terms: { ...target.order, cancel: kind } })]
    : [];
}

/** What is overdue among the targets that are not changed already. */
const overdueBesides = (
  changed: readonly TargetChange[],
  facts: RolloutFacts,
  now: number,
): TargetChange[] =>
  overdue(facts, now, true).filter(
    (late) => !changed.some((other) => other.serverId === late.serverId),
  );

function rollBack(facts: RolloutFacts, now: number): Decision {
  const told = facts.targets.flatMap((target) => restore(facts, target, now));
  const targets = [...told, ...overdueBesides(told, facts, now)];
  if (targets.length > 0) return { ...nothing, targets };
  if (facts.targets.every((target) => isFinal(target.state))) {
    return {
      ...nothing,
      waves: skipUnfinished(facts),
      rollout: {
        to: facts.targets.some(
          (target) =>
            target.action === 'restore' &&
            target.state !== 'rolled_back' &&
            target.state !== 'cancelled',
        )
          ? 'failed'
          : 'rolled_back',
      },
    };
  }
  // A rollback covers all waves at once, within the budget, and waits for no window.
  return withNextEvaluation(
    { ...nothing, targets: offers(facts, now, new Set(facts.waves.map((wave) => wave.number))) },
    facts,
    now,
  );
}

/** Cancels what has not begun, and queues a restore for what was, or may have been, changed. */
function restore(facts: RolloutFacts, target: TargetFacts, now: number): TargetChange[] {
  if (target.action === 'restore') return [];
  if (isWaiting(target.state)) return [change(target, 'cancelled')];
  // An offered order may have begun before the server says so: it answers, or its lease ends.
  if (isInFlight(target.state) && target.state !== 'unknown')
    return isNotStarted(target.state) && target.order !== null && target.order.cancel === null
      ? [change(target, target.state, { terms: { ...target.order, cancel: 'finish' } })]
      : [];
  const inScope = facts.rollbackWave === null || target.wave === facts.rollbackWave;
  if (inScope && target.canRestore && mayHaveChanged(target.state))
    return [
      change(target, 'queued', {
        action: 'restore',
        newAttempt: true,
        deadlineAt: catchUpUntil(facts, now),
      }),
    ];
  return target.state === 'unknown' ? [change(target, 'cancelled')] : [];
}

const mayHaveChanged = (state: TargetState): boolean =>
  state === 'succeeded' || state === 'failed' || state === 'timed_out' || state === 'unknown';
