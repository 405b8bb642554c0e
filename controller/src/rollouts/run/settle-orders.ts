/** Applies an agent's report on its orders: updates the state of each target and records the
 * outcome. Applying a report twice changes nothing more. */

import type { ReportedOrder } from '@preau/contract/order.ts';
import { isFinal } from '@preau/contract/rollout-states.ts';
import type { Topic } from '@preau/contract/topics.ts';
import type { AgentActor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { publishDesiredState } from '#src/servers/desired/desired-state.ts';
import { nextGeneration } from '#src/servers/store.ts';
import { changeTarget, type StoredTarget, selectTargetsByOrder } from '../targets/store.ts';
import { selectWaves } from '../waves/store.ts';
import { runLeaseMs } from './leases.ts';
import { saveOutcomes } from './outcomes.ts';
import { type Settlement, settle } from './settle.ts';
import { saveEvidence, saveLog } from './store.ts';

type Deps = Pick<Platform, 'config' | 'clock' | 'secrets'>;

/** Called in the transaction of the report, which holds the server's row. Returns the topics to
 * wake, and the generation of the desired state written because an order ended, or null. */
export async function settleOrders(
  deps: Deps,
  rows: Rows,
  actor: AgentActor,
  reported: readonly ReportedOrder[],
): Promise<{ topics: Topic[]; generation: number | null }> {
  if (reported.length === 0) return { topics: [], generation: null };
  const now = deps.clock.now();
  const topics = new Set<Topic>();
  let over = false;
  // Only the server's own orders are matched: knowing an order's id must not let it report for
  // another server.
  const targets = await selectTargetsByOrder(
    rows,
    actor.id,
    reported.map((order) => order.orderId),
  );
  for (const order of reported) {
    const target = targets.get(order.orderId);
    if (target === undefined) continue;
    const settlement = settle(
      { ...target, installUntil: target.order?.installUntil ?? null },
      order,
      await waveIsOpen(rows, target),
      now,
    );
    if (settlement.kind !== 'known') topics.add('rollouts');
    const { moved, ended } = await apply(rows, { target, order, settlement }, now);
    if (ended) await saveOutcomes(deps, rows, actor, target, order);
    over ||= ended;
    if (moved) topics.add(`rollout:${target.rolloutId}`);
  }
  // The installed version is now part of the desired state, and the finished order is not.
  const generation = over ? await nextGeneration(rows, actor.id) : null;
  if (generation !== null) {
    await publishDesiredState(deps, rows, actor.id, generation);
    topics.add('servers').add('applications').add('portal').add('audit');
  }
  return { topics: [...topics], generation };
}

interface Heard {
  target: StoredTarget;
  order: ReportedOrder;
  settlement: Settlement;
}

/** Applies a settlement to its target. `moved`: the target has a new state. `ended`: the order is
 * over, and its outcome must be recorded. */
async function apply(
  rows: Rows,
  { target, order, settlement }: Heard,
  now: number,
): Promise<{ moved: boolean; ended: boolean }> {
  switch (settlement.kind) {
    case 'known':
      await extendLease(rows, target, order, now);
      return { moved: false, ended: false };
    case 'stale':
      await saveEvidence(rows, {
        rolloutId: target.rolloutId,
        serverId: target.serverId,
        orderId: order.orderId,
        seq: order.seq,
        text: `${settlement.why}: ${order.code ?? ''} ${order.message}`.trim().slice(0, 500),
        now,
      });
      // The verdict stands, but what was installed anyway must reach the inventory.
      return {
        moved: false,
        ended:
          order.attempt === target.attempt &&
          isFinal(order.state) &&
          (await changeTarget(rows, target, { lastSeq: order.seq }, now)),
      };
    case 'noted':
      return {
        moved: false,
        ended: await changeTarget(
          rows,
          target,
          { badge: settlement.badge, lastSeq: order.seq },
          now,
        ),
      };
    case 'moved': {
      const moved = await move(rows, target, order, settlement, now);
      return { moved, ended: moved && isFinal(settlement.to) };
    }
  }
}

/** A repeated report is a sign of life: a long installation may have nothing new to report. */
async function extendLease(
  rows: Rows,
  target: StoredTarget,
  order: ReportedOrder,
  now: number,
): Promise<void> {
  if (
    target.leaseUntil !== null &&
    !isFinal(target.state) &&
    order.seq === target.lastSeq &&
    target.leaseUntil - now < runLeaseMs / 2
  )
    await changeTarget(rows, target, { leaseUntil: now + runLeaseMs }, now);
}

async function move(
  rows: Rows,
  target: StoredTarget,
  order: ReportedOrder,
  { to, badge }: Extract<Settlement, { kind: 'moved' }>,
  now: number,
): Promise<boolean> {
  const ends = isFinal(to);
  const changed = await changeTarget(
    rows,
    target,
    {
      state: to,
      lastSeq: order.seq,
      items: order.items,
      bytesDone: order.bytesDone,
      bytesTotal: order.bytesTotal,
      code: order.code,
      message: order.message === '' ? null : order.message,
      reason: null,
      badge,
      leaseUntil: ends ? null : now + runLeaseMs,
      ...(ends ? { finishedAt: now } : {}),
    },
    now,
  );
  if (changed && order.log !== '')
    await saveLog(rows, target.rolloutId, target.serverId, order.log);
  return changed;
}

const waveIsOpen = async (rows: Rows, target: StoredTarget): Promise<boolean> => {
  if (target.state !== 'timed_out') return true;
  const wave = (await selectWaves(rows, target.rolloutId)).find(
    (candidate) => candidate.number === target.wave,
  );
  return wave?.state === 'open' || wave?.state === 'soaking';
};
