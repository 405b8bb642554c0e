/** Which server of each school is asked what the plan would do there, and by which key. Pure. */
import { createHash } from 'node:crypto';
import type { DesiredApplication } from '@preau/contract/desired-state.ts';
import type { PlanEntry } from '@preau/contract/rollout-plan.ts';
import { isInstalling, type PlannedApplication } from '../plan.ts';

export interface Question {
  serverId: string;
  siteId: string;
  key: string;
  asked: DesiredApplication[];
}

/** A server that may be asked. `wanted`: the versions that it is to have now, as application id and
 * version id. */
export interface AskableServer {
  id: string;
  siteId: string;
  platform: 'linux' | 'windows';
  online: boolean;
  answers: boolean;
  wanted: readonly { applicationId: string; versionId: string }[];
}

/** The same applications, recipes and wanted set have the same key, so that a server computes an
 * answer once. */
function keyOf(asked: readonly DesiredApplication[], wanted: AskableServer['wanted']): string {
  const text = JSON.stringify([
    asked
      .map(({ applicationId, versionId, recipes }) => [applicationId, versionId, recipes])
      .sort(),
    wanted.map(({ applicationId, versionId }) => `${applicationId} ${versionId}`).sort(),
  ]);
  return createHash('sha256').update(text).digest('hex');
}

/** One question for each school where something is to be installed: to the first of its servers, in
 * the order of `servers`, that is in the plan, online and can answer. */
export function questionsOf(
  plan: { applications: readonly PlannedApplication[]; entries: readonly PlanEntry[] },
  servers: readonly AskableServer[],
  now: number,
): Question[] {
  const questions: Question[] = [];
  for (const [siteId, entries] of Map.groupBy(plan.entries, (entry) => entry.siteId)) {
    const installed = new Set(
      entries.flatMap(({ items }) => items.filter(isInstalling).map((item) => item.applicationId)),
    );
    const planned = new Set(entries.map((entry) => entry.serverId));
    const server = servers.find((one) => planned.has(one.id) && one.online && one.answers);
    if (installed.size === 0 || server === undefined) continue;
    const asked = plan.applications
      .filter(
        ({ application }) =>
          installed.has(application.id) && application.recipes[server.platform] !== undefined,
      )
      .map(
        ({ application, versionId, version }): DesiredApplication => ({
          applicationId: application.id,
          versionId,
          slug: application.slug,
          category: application.category,
          labels: application.labels,
          version,
          recipes: application.recipes,
          askedAt: now,
        }),
      );
    if (asked.length === 0) continue;
    questions.push({ serverId: server.id, siteId, key: keyOf(asked, server.wanted), asked });
  }
  return questions;
}
