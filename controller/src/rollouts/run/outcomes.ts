/** Records the outcome of an order: inventory, audit events, and the cost of installing. */

import type { ReportedOrder } from '@preau/contract/order.ts';
import { isKept } from '@preau/contract/recipe-kinds.ts';
import { isGood } from '@preau/contract/rollout-states.ts';

import { recordEffect } from '#src/audit/record.ts';
import type { AgentActor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { saveOutcome } from '#src/servers/desired/store.ts';
import type { StoredTarget } from '../targets/store.ts';
import { insertHistory } from './store.ts';

/** Updates the inventory to what is really installed, whatever the verdict on the order. */
export async function saveOutcomes(
  deps: Pick<Platform, 'clock'>,
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
