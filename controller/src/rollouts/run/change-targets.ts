/** Writes the decided changes of targets. */

import { isFinal } from '@preau/contract/rollout-states.ts';
import type { Topic } from '@preau/contract/topics.ts';
import type { Rows } from '#src/platform/database.ts';
import { publishDesiredStates } from '#src/servers/desired/desired-state.ts';

import { nextGenerations } from '#src/servers/store.ts';
import { freshAttempt } from '../targets/fresh-attempt.ts';
import {
  type Count,
  changeTarget,
  type StoredTarget,
  saveCounts,
  type TargetSet,
} from '../targets/store.ts';
import type { TargetChange } from './decision.ts';
import { offerLeaseMs } from './leases.ts';
import { type OrderWriter, orderWriter } from './order-writer.ts';
import type { RolloutDeps, Snapshot } from './read-facts.ts';

/** Locks are always taken in the order rollout → servers → targets → counters, so that transactions
 * cannot deadlock. Returns the topics to wake. */
export async function changeTargets(
  deps: RolloutDeps,
  rows: Rows,
  snapshot: Snapshot,
  changes: readonly TargetChange[],
): Promise<Topic[]> {
  const now = deps.clock.now();
  const steps = changes.flatMap((change) => stepOf(snapshot, change));
  const generations = await nextGenerations(
    rows,
    steps.filter(changesOrder).map(({ target }) => target.serverId),
  );
  const write = await orderWriter(
    rows,
    snapshot,
    steps.filter(({ change }) => change.offer !== undefined).map(({ target }) => target),
  );
  const counts: Count[] = [];
  let changed = false;
  for (const step of steps) {
    // False when the target was changed concurrently; the next evaluation reads its new state.
    const done = await changeTarget(rows, step.target, rowOf(step, write, now), now, counts);
    changed ||= done;
  }
  const topics = await publishDesiredStates(deps, rows, generations);
  await saveCounts(rows, counts);
  return changed ? [...topics, `rollout:${snapshot.rollout.id}`] : topics;
}

/** A change, and its target with the attempt and action that the change gives it. */
interface Step {
  change: TargetChange;
  target: StoredTarget;
}

function stepOf({ targets }: Snapshot, change: TargetChange): Step[] {
  const target = targets.get(change.serverId);
  if (target === undefined) return [];
  const attempt = change.newAttempt === true ? target.attempt + 1 : target.attempt;
  const { version, action = target.action } = change;
  return [{ change, target: { ...target, version, attempt, action } }];
}

const changesOrder = ({ change, target }: Step) =>
  change.offer !== undefined || change.terms !== undefined || target.order !== null;

function rowOf({ change, target }: Step, write: OrderWriter, now: number): TargetSet {
  const { order, action, attempt } = target;
  const deadlineAt = change.deadlineAt ?? target.deadlineAt;
  return {
    state: change.to,
    reason: change.reason ?? null,
    opensAt: change.opensAt ?? null,
    ...(change.notBefore === undefined ? {} : { notBefore: change.notBefore }),
    ...(change.deadlineAt === undefined ? {} : { deadlineAt }),
    action,
    attempt,
    ...(change.newAttempt === true ? freshAttempt : {}),
    ...(change.offer === undefined
      ? {}
      : offered(target, write(target, change.offer, deadlineAt), now)),
    ...(change.terms === undefined || order === null
      ? {}
      : { order: { ...order, ...change.terms, deadlineAt } }),
    ...(isFinal(change.to) ? { finishedAt: now } : {}),
  };
}

function offered(
  target: StoredTarget,
  { order, before }: ReturnType<OrderWriter>,
  now: number,
): TargetSet {
  return {
    orderId: order.orderId,
    order,
    lastSeq: 0,
    leaseUntil: now + offerLeaseMs,
    offeredAt: now,
    bytesDone: 0,
    bytesTotal: null,
    items: [],
    code: null,
    message: null,
    badge: null,
    ...(target.action === 'install' && target.before === null ? { before } : {}),
  };
}
