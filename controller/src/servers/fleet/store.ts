/** All SQL for servers in lists and on pages, and for choosing one for a session. */

import type { InstalledApplication, Recipes } from '@preau/contract/application.ts';
import type { Boot } from '@preau/contract/asking.ts';
import type { Fleet } from '@preau/contract/fleet.ts';
import { packagesOf } from '@preau/contract/recipe-kinds.ts';
import type { FailedStep, Health, Inventory } from '@preau/contract/report.ts';
import type { ServerRestart } from '@preau/contract/restart.ts';
import { offlineAfterMs, type Server, type ServerSummary } from '@preau/contract/server.ts';
import { liveStates } from '@preau/contract/session.ts';
import type { Rows } from '#src/platform/database.ts';
import { selectLastRestarts } from '../restarts/store.ts';

const serverColumns = (rows: Rows) =>
  rows
    .selectFrom('servers as v')
    .innerJoin('sites as s', 's.id', 'v.site_id')
    .selectAll('v')
    .select('s.name as site_name')
    .select((e) =>
      e
        .selectFrom('sessions as x')
        .select((f) => f.fn.countAll<number>().as('n'))
        .whereRef('x.server_id', '=', 'v.id')
        .where('x.state', 'in', [...liveStates])
        .as('live'),
    );

type ListedRow = Awaited<ReturnType<ReturnType<typeof serverColumns>['execute']>>[number];

/** Extracted from the JSON text, because parsing the inventories of 2,700 servers for a list is
 * slow. */
const agentVersionOf = (inventory: string | null): string | null =>
  /"agentVersion":"([^"\\]*)"/.exec(inventory ?? '')?.[1] ?? null;

/** How long the outcome of a restart is shown, in ms. */
const shownMs = 2 * 86_400_000;

const toSummary = (
  row: ListedRow,
  now: number,
  restarts: ReadonlyMap<string, ServerRestart>,
): ServerSummary => {
  const boot = row.boot === null ? null : (JSON.parse(row.boot) as Boot);
  const failing = (JSON.parse(row.failed_steps) as FailedStep[]).length > 0;
  const online = row.last_seen_at !== null && now - row.last_seen_at < offlineAfterMs;
  return {
    id: row.id,
    siteId: row.site_id,
    siteName: row.site_name,
    name: row.name,
    roles: JSON.parse(row.roles) as ServerSummary['roles'],
    labels: JSON.parse(row.labels) as string[],
    drainingSince: row.draining_since,
    quarantinedAt: row.quarantined_at,
    agentVersion: agentVersionOf(row.inventory),
    health:
      row.retired_at !== null
        ? 'retired'
        : row.quarantined_at !== null
          ? 'quarantined'
          : !online
            ? 'offline'
            : failing
              ? 'failing'
              : 'online',
    generation: row.generation,
    appliedGeneration: row.applied_generation,
    lastSeenAt: row.last_seen_at,
    vitals: row.health === null ? null : (JSON.parse(row.health) as Health),
    clockSkewMs: row.clock_skew_ms,
    restartNeeded: boot?.restartNeeded ?? null,
    canRestart: boot !== null,
    restart: restarts.get(row.id) ?? null,
    liveSessions: Number(row.live ?? 0),
    maxSessions: row.max_sessions,
  };
};

export async function selectServers(
  rows: Rows,
  now: number,
  siteId?: string,
): Promise<ServerSummary[]> {
  let query = serverColumns(rows)
    .where('v.retired_at', 'is', null)
    .orderBy('s.name')
    .orderBy('v.name');
  if (siteId !== undefined) query = query.where('v.site_id', '=', siteId);
  const restarts = await selectLastRestarts(rows, now - shownMs);
  return (await query.execute()).map((row) => toSummary(row, now, restarts));
}

export async function selectServer(
  rows: Rows,
  id: string,
  now: number,
): Promise<Server | undefined> {
  const row = await serverColumns(rows).where('v.id', '=', id).executeTakeFirst();
  if (row === undefined) return undefined;
  const known = await selectCataloguePackages(rows);
  const inventory = row.inventory === null ? null : (JSON.parse(row.inventory) as Inventory);
  const applications = await rows
    .selectFrom('server_applications as s')
    .innerJoin('applications as a', 'a.id', 's.application_id')
    .select([
      's.application_id',
      'a.slug',
      'a.name_fr',
      'a.name_en',
      'a.icon_hash',
      's.wanted',
      's.state',
      's.version',
      's.error',
      's.updated_at',
    ])
    .where('s.server_id', '=', id)
    .orderBy('a.name_fr')
    .execute();
  return {
    ...toSummary(row, now, await selectLastRestarts(rows, now - shownMs, id)),
    display: row.display === null ? null : (JSON.parse(row.display) as Server['display']),
    inventory,
    knownPackages: (inventory?.chosen ?? [])
      .map(({ name }) => name)
      .filter((name) => known.has(name)),
    failedSteps: JSON.parse(row.failed_steps) as FailedStep[],
    applications: applications.map((entry) => ({
      applicationId: entry.application_id,
      slug: entry.slug,
      name: { fr: entry.name_fr, en: entry.name_en },
      iconHash: entry.icon_hash,
      wanted: entry.wanted === 1,
      state: entry.state as InstalledApplication['state'],
      version: entry.version,
      error:
        entry.error === null
          ? null
          : (JSON.parse(entry.error) as { code: string; message: string }),
      updatedAt: entry.updated_at,
    })),
  };
}

/** Debian packages that some recipe of the catalogue installs. */
async function selectCataloguePackages(rows: Rows): Promise<Set<string>> {
  const found = await rows.selectFrom('application_versions').select('recipes').execute();
  return new Set(found.flatMap((row) => packagesOf((JSON.parse(row.recipes) as Recipes).linux)));
}

/** Facts for choosing where a session starts. */
export async function selectCandidates(
  rows: Rows,
  siteId: string,
  applicationId: string,
): Promise<
  {
    serverId: string;
    lastSeenAt: number | null;
    roles: string[];
    draining: boolean;
    restarting: boolean;
    installed: boolean;
    liveSessions: number;
    maxSessions: number;
  }[]
> {
  const found = await serverColumns(rows)
    .leftJoin('server_applications as i', (join) =>
      join
        .onRef('i.server_id', '=', 'v.id')
        .on('i.application_id', '=', applicationId)
        .on('i.state', '=', 'installed')
        .on('i.wanted', '=', 1),
    )
    .select('i.application_id as installed_id')
    .select((e) =>
      e
        .selectFrom('restarts as r')
        .select((f) => f.fn.countAll<number>().as('n'))
        .whereRef('r.server_id', '=', 'v.id')
        .where('r.state', 'in', ['told', 'restarting'])
        .as('restarts'),
    )
    .where('v.site_id', '=', siteId)
    .where('v.retired_at', 'is', null)
    .where('v.quarantined_at', 'is', null)
    .execute();
  return found.map((row) => ({
    serverId: row.id,
    lastSeenAt: row.last_seen_at,
    roles: JSON.parse(row.roles) as string[],
    draining: row.draining_since !== null,
    restarting: Number(row.restarts ?? 0) > 0,
    installed: row.installed_id !== null,
    liveSessions: Number(row.live ?? 0),
    maxSessions: row.max_sessions,
  }));
}

const needsRestart = (boot: string | null): boolean =>
  boot !== null && (JSON.parse(boot) as Boot).restartNeeded !== null;

/** `siteIds` null: the whole city. */
export async function selectFleet(
  rows: Rows,
  now: number,
  siteIds: readonly string[] | null,
): Promise<Fleet> {
  let query = rows
    .selectFrom('servers')
    .select(['inventory', 'labels', 'draining_since', 'quarantined_at', 'last_seen_at', 'boot'])
    .where('retired_at', 'is', null);
  if (siteIds !== null) query = query.where('site_id', 'in', [...siteIds]);
  const found = await query.execute();
  const versions = new Map<string | null, number>();
  const labels = new Map<string, number>();
  for (const row of found) {
    const version = /"agentVersion":"([^"\\]*)"/.exec(row.inventory ?? '')?.[1] ?? null;
    versions.set(version, (versions.get(version) ?? 0) + 1);
    for (const label of JSON.parse(row.labels) as string[])
      labels.set(label, (labels.get(label) ?? 0) + 1);
  }
  return {
    servers: found.length,
    silent: found.filter(
      (row) =>
        row.quarantined_at === null &&
        (row.last_seen_at === null || now - row.last_seen_at >= offlineAfterMs),
    ).length,
    draining: found.filter((row) => row.draining_since !== null).length,
    quarantined: found.filter((row) => row.quarantined_at !== null).length,
    toRestart: found.filter((row) => needsRestart(row.boot)).length,
    agentVersions: [...versions]
      .map(([version, servers]) => ({ version, servers }))
      .sort((a, b) => b.servers - a.servers),
    labels: [...labels]
      .map(([label, servers]) => ({ label, servers }))
      .sort((a, b) => a.label.localeCompare(b.label)),
  };
}
