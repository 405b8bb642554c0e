/** Reads the input of a plan: the catalogue and the fleet. */

import type { Recipes } from '@preau/contract/application.ts';
import { AppError } from '@preau/contract/errors.ts';
import type { RolloutDraft } from '@preau/contract/rollout-draft.ts';

import { offlineAfterMs } from '@preau/contract/server.ts';
import { expandRequirements } from '#src/applications/requirements.ts';
import { selectApplications } from '#src/applications/store.ts';
import type { Rows } from '#src/platform/database.ts';
import { selectSites } from '#src/sites/store.ts';
import type { PlanFacts, PlannedApplication } from './plan.ts';
import { selectFleet, selectGroupSites, selectKnownApplications, selectVersions } from './store.ts';
import { withdrawn } from './withdrawn.ts';

/** The applications of the draft and all their requirements, in the order of installation; removals
 * come last. Refuses with NOT_FOUND, WITHDRAWN, REQUIREMENTS_CIRCULAR, REQUIREMENT_MISSING. */
export async function plannedApplications(
  rows: Rows,
  draft: Pick<RolloutDraft, 'items'>,
): Promise<PlannedApplication[]> {
  const catalogue = await selectApplications(rows);
  const elsewhere = draft.items.filter(
    (item) => !catalogue.some(({ id }) => id === item.applicationId),
  );
  const left = elsewhere.length === 0 ? [] : await selectApplications(rows, { among: 'withdrawn' });
  const byId = new Map([...catalogue, ...left].map((application) => [application.id, application]));
  const missing = draft.items.find((item) => !byId.has(item.applicationId));
  if (missing !== undefined)
    throw new AppError('NOT_FOUND', { application: missing.applicationId });
  // A withdrawn application can still be removed from servers.
  const gone = left.filter(({ id }) =>
    elsewhere.some((item) => item.applicationId === id && item.want === 'present'),
  );
  if (gone.length > 0) throw withdrawn(gone);
  const asked = new Map(draft.items.map((item) => [item.applicationId, item]));
  const expansion = expandRequirements(
    catalogue,
    draft.items.filter((item) => item.want === 'present').map((item) => item.applicationId),
  );
  if ('refused' in expansion) throw new AppError(expansion.refused, { path: expansion.path });
  const versions = await selectVersions(
    rows,
    draft.items.flatMap((item) => (item.versionId === undefined ? [] : [item.versionId])),
  );
  const planned = (
    id: string,
    want: 'present' | 'absent',
    becauseOf: string | null,
  ): PlannedApplication => {
    const application = byId.get(id);
    if (application === undefined) throw new AppError('NOT_FOUND', { application: id });
    const versionId = asked.get(id)?.versionId;
    if (versionId === undefined)
      return {
        application,
        versionId: application.versionId,
        version: application.version,
        want,
        becauseOf,
      };
    const version = versions.get(versionId);
    if (version === undefined || version.applicationId !== id)
      throw new AppError('NOT_FOUND', { version: versionId });
    if (version.withdrawn && want === 'present')
      throw withdrawn([{ slug: application.slug, version: version.version }]);
    return {
      application: { ...application, recipes: JSON.parse(version.recipes) as Recipes },
      versionId,
      version: version.version,
      want,
      becauseOf,
    };
  };
  return [
    ...expansion.order
      .filter(({ id }) => asked.get(id)?.want !== 'absent')
      .map(({ id, becauseOf }) => planned(id, 'present', becauseOf)),
    ...draft.items
      .filter((item) => item.want === 'absent')
      .reverse()
      .map((item) => planned(item.applicationId, 'absent', null)),
  ];
}

export async function readPlanFacts(
  rows: Rows,
  draft: RolloutDraft,
  applications: PlannedApplication[],
  now: number,
): Promise<PlanFacts> {
  const known = await selectKnownApplications(
    rows,
    applications.map((planned) => planned.application.id),
  );
  const installed = new Map<string, Map<string, { versionId: string; version: string | null }>>();
  for (const { serverId, applicationId, versionId, version, state } of known) {
    if (state !== 'installed') continue;
    installed.set(
      serverId,
      (
        installed.get(serverId) ?? new Map<string, { versionId: string; version: string | null }>()
      ).set(applicationId, { versionId, version }),
    );
  }
  return {
    sites: (await selectSites(rows)).map(({ id, name }) => ({ id, name })),
    servers: (await selectFleet(rows))
      .filter((server) => !server.retired)
      .map((server) => ({
        ...server,
        online: server.lastSeenAt !== null && now - server.lastSeenAt < offlineAfterMs,
        installed: installed.get(server.id) ?? new Map(),
      })),
    applications,
    groupSites: new Set(await selectGroupSites(rows, draft.where.groupIds)),
  };
}
