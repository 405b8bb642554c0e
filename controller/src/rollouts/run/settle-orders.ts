/** What an agent says of its orders: each target is brought to it, and what came of it is written
 * where everyone looks. Running it twice is a no-op. */
import { isKept } from '@preau/contract/application.ts';
import type { ReportedOrder } from '@preau/contract/order.ts';
import { isFinal, isGood } from '@preau/contract/rollout-states.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { AgentActor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { publishDesiredState } from '#src/servers/desired/desired-state.ts';
import { nextGeneration } from '#src/servers/store.ts';
import {
  changeTarget,
  insertHistory,
  type StoredTarget,
  saveEvidence,
  saveLog,
  saveOutcome,
  selectTargetsByOrder,
  selectWaves,
} from '../store.ts';
import { runLeaseMs } from './advance.ts';
import { settle } from './settle.ts';

type Deps = Pick<Platform, 'config' | 'clock' | 'secrets'>;

/** In the transaction of the report, which holds the server's row. Returns the topics to wake, and
 * the generation of the state that was written because an order is over; null: none was. */
export async function settleOrders(
  deps: Deps,
  rows: Rows,
  actor: AgentActor,
  reported: readonly ReportedOrder[],
): Promise<{ topics: string[]; generation: number | null }> {
  if (reported.length === 0) return { topics: [], generation: null };
  const now = deps.clock.now();
  const topics = new Set<string>();
  let over = false;
  // By the server's own orders only: a name is not enough to speak for a neighbour.
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
    if (settlement.kind === 'known') {
      // Nothing new, and a sign of life: a long installation has little to say.
      if (
        target.leaseUntil !== null &&
        !isFinal(target.state) &&
        order.seq === target.lastSeq &&
        target.leaseUntil - now < runLeaseMs / 2
      )
        await changeTarget(rows, target, { leaseUntil: now + runLeaseMs }, now);
      continue;
    }
    topics.add('rollouts');
    if (settlement.kind === 'stale') {
      await saveEvidence(rows, {
        rolloutId: target.rolloutId,
        serverId: actor.id,
        orderId: order.orderId,
        seq: order.seq,
        text: `${settlement.why}: ${order.code ?? ''} ${order.message}`.trim().slice(0, 500),
        now,
      });
      // The verdict stands; what of it was brought all the same is there.
      if (
        order.attempt === target.attempt &&
        isFinal(order.state) &&
        (await changeTarget(rows, target, { lastSeq: order.seq }, now))
      ) {
        await takeOver(deps, rows, actor, target, order);
        over = true;
      }
      continue;
    }
    if (settlement.kind === 'noted') {
      if (!(await changeTarget(rows, target, { badge: settlement.badge, lastSeq: order.seq }, now)))
        continue;
      await takeOver(deps, rows, actor, target, order);
      over = true;
      continue;
    }
    const ends = isFinal(settlement.to);
    const changed = await changeTarget(
      rows,
      target,
      {
        state: settlement.to,
        lastSeq: order.seq,
        items: order.items,
        bytesDone: order.bytesDone,
        bytesTotal: order.bytesTotal,
        code: order.code,
        message: order.message === '' ? null : order.message,
        reason: null,
        badge: settlement.badge,
        leaseUntil: ends ? null : now + runLeaseMs,
        ...(ends ? { finishedAt: now } : {}),
      },
      now,
    );
    if (!changed) continue;
    if (order.log !== '') await saveLog(rows, target.rolloutId, actor.id, order.log);
    if (ends) {
      await takeOver(deps, rows, actor, target, order);
      over = true;
    }
    topics.add(`rollout:${target.rolloutId}`);
  }
  // What was brought is wanted from here on, and the order leaves the desired state.
  const generation = over ? await nextGeneration(rows, actor.id) : null;
  if (generation !== null) {
    await publishDesiredState(deps, rows, actor.id, generation);
    for (const topic of ['servers', 'applications', 'portal', 'audit']) topics.add(topic);
  }
  return { topics: [...topics], generation };
}

const waveIsOpen = async (rows: Rows, target: StoredTarget): Promise<boolean> => {
  if (target.state !== 'timed_out') return true;
  const wave = (await selectWaves(rows, target.rolloutId)).find(
    (candidate) => candidate.number === target.wave,
  );
  return wave?.state === 'open' || wave?.state === 'soaking';
};

/** The inventory follows what is really there, whatever the verdict was. */
async function takeOver(
  deps: Deps,
  rows: Rows,
  actor: AgentActor,
  target: StoredTarget,
  order: ReportedOrder,
): Promise<void> {
  const now = deps.clock.now();
  const asked = new Map(
    (target.order?.applications ?? []).map((application) => [
      application.applicationId,
      application,
    ]),
  );
  for (const item of order.items) {
    const application = asked.get(item.applicationId);
    if (application === undefined) continue;
    const there = item.state === 'installed' || item.state === 'already_installed';
    if (!there && item.state !== 'removed') {
      if (item.state === 'failed')
        await recordEffect(deps, rows, actor, {
          action: 'application.failed',
          subjectId: item.applicationId,
          subjectName: application.slug,
          siteId: actor.siteId,
          details: {
            server: actor.name,
            rollout: target.rolloutId,
            version: application.version,
            code: item.code,
          },
        });
      continue;
    }
    if (isKept(application.recipes))
      await saveOutcome(rows, {
        serverId: actor.id,
        applicationId: item.applicationId,
        versionId: application.versionId,
        wanted: there,
        version: item.version,
        now,
      });
    if (item.state === 'already_installed') continue;
    await recordEffect(deps, rows, actor, {
      action: there ? 'application.installed' : 'application.removed',
      subjectId: item.applicationId,
      subjectName: application.slug,
      siteId: actor.siteId,
      details: {
        server: actor.name,
        rollout: target.rolloutId,
        version: item.version ?? application.version,
      },
    });
    if (there && item.ms !== null && !order.recovered && isGood(order.state))
      await insertHistory(rows, {
        applicationId: item.applicationId,
        versionId: application.versionId,
        serverId: actor.id,
        bytes: item.bytes,
        ms: item.ms,
        at: now,
      });
  }
}
