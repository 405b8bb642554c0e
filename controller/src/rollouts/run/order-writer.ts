/** Builds orders: what a server installs or restores, and what it had before. */

import { createHash } from 'node:crypto';
import type { Recipes } from '@preau/contract/application.ts';
import type { Order, OrderedApplication } from '@preau/contract/order.ts';
import { isKept } from '@preau/contract/recipe-kinds.ts';

import type { Rows } from '#src/platform/database.ts';
import { type KnownApplication, selectKnownApplications, selectVersions } from '../plan/store.ts';
import type { BeforeItem, StoredTarget } from '../targets/store.ts';
import type { OrderTerms } from './decision.ts';
import type { Snapshot } from './read-facts.ts';
import { itemsToRestore } from './restore.ts';

/** Derives the id of an order from its contents, so that the same request has the same id. */
function orderIdOf(order: {
  rolloutId: string;
  serverId: string;
  attempt: number;
  action: string;
  applications: readonly Pick<OrderedApplication, 'versionId' | 'want'>[];
}): string {
  const text = JSON.stringify([
    order.rolloutId,
    order.serverId,
    order.attempt,
    order.action,
    order.applications.map(({ versionId, want }) => [versionId, want]),
  ]);
  return `ord_${createHash('sha256').update(text).digest('base64url').slice(0, 22)}`;
}

export type OrderWriter = (
  target: StoredTarget,
  terms: OrderTerms,
  deadlineAt: number,
) => { order: Order; before: BeforeItem[] };

/** Reads the data for the orders of these targets at once, and returns a function that builds each
 * order. */
export async function orderWriter(
  rows: Rows,
  { rollout, facts }: Snapshot,
  targets: readonly StoredTarget[],
): Promise<OrderWriter> {
  const { plan, draft } = rollout;
  const refused = new Set(
    plan.refusals.map(({ siteId, applicationId }) => `${siteId} ${applicationId}`),
  );
  const known = new Map<string, KnownApplication>();
  if (targets.length > 0)
    for (const item of await selectKnownApplications(
      rows,
      plan.applications.map((planned) => planned.applicationId),
      targets.map((target) => target.serverId),
    ))
      known.set(`${item.serverId} ${item.applicationId}`, item);
  const wantedBy = (target: StoredTarget) =>
    target.action === 'install'
      ? // Removal uses the recipe of the installed version.
        plan.applications
          .filter(
            ({ applicationId, want }) =>
              want === 'absent' || !refused.has(`${target.siteId} ${applicationId}`),
          )
          .map(({ applicationId, versionId, want }) => ({
            applicationId,
            versionId:
              want === 'absent'
                ? (known.get(`${target.serverId} ${applicationId}`)?.versionId ?? versionId)
                : versionId,
            want,
          }))
      : // In reverse order of installation.
        itemsToRestore(rollout, target)
          .reverse()
          .map((item) => ({
            applicationId: item.applicationId,
            versionId: item.versionId ?? item.now,
            want: item.versionId === null ? ('absent' as const) : ('present' as const),
          }));
  const versions = new Map(
    [
      ...(await selectVersions(rows, [
        ...new Set(targets.flatMap((target) => wantedBy(target).map((item) => item.versionId))),
      ])),
    ].map(([id, version]) => [
      id,
      {
        slug: version.slug,
        version: version.version,
        recipes: JSON.parse(version.recipes) as Recipes,
      },
    ]),
  );
  return (target, terms, deadlineAt) => {
    const applications = wantedBy(target).flatMap((item): OrderedApplication[] => {
      const version = versions.get(item.versionId);
      return version === undefined ? [] : [{ ...item, ...version }];
    });
    const before = applications
      .filter((application) => isKept(application.recipes))
      .map(({ applicationId }): BeforeItem => {
        const item = known.get(`${target.serverId} ${applicationId}`);
        return {
          applicationId,
          versionId: item?.wanted === true && item.state === 'installed' ? item.versionId : null,
        };
      });
    const { attempt, action, serverId } = target;
    return {
      order: {
        orderId: orderIdOf({ rolloutId: rollout.id, serverId, attempt, action, applications }),
        attempt,
        applications,
        ...terms,
        expectedMs: terms.installUntil === null ? 0 : facts.expectedMs,
        deadlineAt,
        kibibytesPerSecond: draft.budget.kibibytesPerSecond,
      },
      before,
    };
  };
}
