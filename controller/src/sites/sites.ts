/** Overview of schools, and adding one. */
import { AppError } from '@preau/contract/errors.ts';
import type { ServerSummary } from '@preau/contract/server.ts';
import type { SiteDraft, SiteSummary } from '@preau/contract/site.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { raiseStamp } from '#src/platform/stamps/store.ts';
import { countPeopleBySite, insertSite, selectGroups, selectSites, uaiIsTaken } from './store.ts';

/** The worst health of its servers; `none` without servers. Pure. */
function siteHealth(servers: readonly Pick<ServerSummary, 'health'>[]): SiteSummary['health'] {
  if (servers.length === 0) return 'none';
  if (servers.some((server) => server.health === 'quarantined')) return 'quarantined';
  if (servers.some((server) => server.health === 'offline')) return 'offline';
  return servers.some((server) => server.health === 'failing') ? 'failing' : 'online';
}

export async function listSites(
  deps: Pick<Platform, 'database'>,
  servers: readonly ServerSummary[],
  liveSessions: ReadonlyMap<string, number>,
): Promise<SiteSummary[]> {
  const people = await countPeopleBySite(deps.database);
  const groups = await selectGroups(deps.database);
  const groupIds = new Map<string, string[]>();
  for (const group of groups)
    for (const siteId of group.siteIds)
      groupIds.set(siteId, [...(groupIds.get(siteId) ?? []), group.id]);
  const bySite = Map.groupBy(servers, (server) => server.siteId);
  return (await selectSites(deps.database)).map((site) => {
    const own = bySite.get(site.id) ?? [];
    return {
      ...site,
      health: siteHealth(own),
      groupIds: groupIds.get(site.id) ?? [],
      servers: own.length,
      liveSessions: liveSessions.get(site.id) ?? 0,
      failedSteps: own.filter((server) => server.health === 'failing').length,
      people: people.get(site.id) ?? 0,
    };
  });
}

/** Refuses with ALREADY_EXISTS when the UAI code is taken. */
export async function createSite(
  deps: Pick<Platform, 'database' | 'clock' | 'wakeups'>,
  actor: Actor,
  draft: SiteDraft,
): Promise<SiteSummary> {
  const site = await deps.database.transaction().execute(async (rows) => {
    if (await uaiIsTaken(rows, draft.uai)) throw new AppError('ALREADY_EXISTS', { uai: draft.uai });
    const site = await insertSite(rows, draft, deps.clock.now());
    await raiseStamp(rows, 'policy', deps.clock.now());
    await recordEffect(deps, rows, actor, {
      action: 'site.created',
      subjectId: site.id,
      subjectName: site.name,
      siteId: site.id,
    });
    return site;
  });
  deps.wakeups.wake(['sites', 'audit']);
  return {
    ...site,
    health: 'none',
    groupIds: [],
    servers: 0,
    liveSessions: 0,
    failedSteps: 0,
    people: 0,
  };
}
