/** SQL shared by all parts of servers: their rows, their generations, what is installed. */
import type { Boot } from '@preau/contract/asking.ts';
import type { FailedStep, Inventory } from '@preau/contract/report.ts';
import type { ServerChanges } from '@preau/contract/server.ts';
import { isSqlite, type Rows } from '#src/platform/database.ts';
import type { KnownDisplay } from './displays.ts';
import type { PastEpoch } from './reported/clone.ts';

export const cacheOf = (row: { inventory: string | null }) =>
  row.inventory === null ? null : ((JSON.parse(row.inventory) as Inventory).cache ?? null);

export interface ServerRow {
  id: string;
  siteId: string;
  name: string;
  publicKey: string;
  generation: number;
  epoch: string | null;
  seq: number;
  lastSeenAt: number | null;
  failedSteps: FailedStep[];
  labels: string[];
  drainingSince: number | null;
  quarantinedAt: number | null;
  pastEpochs: PastEpoch[];
  silentTold: boolean;
  clockSkewMs: number | null;
  cache: Inventory['cache'];
  /** Its agent answers questions. */
  answers: boolean;
  boot: Boot | null;
  /** Null until it is known. */
  display: KnownDisplay | null;
}

/** Undefined when unknown or retired. */
export async function selectServerRow(rows: Rows, id: string): Promise<ServerRow | undefined> {
  const row = await rows
    .selectFrom('servers')
    .selectAll()
    .where('id', '=', id)
    .where('retired_at', 'is', null)
    .executeTakeFirst();
  return (
    row && {
      id: row.id,
      siteId: row.site_id,
      name: row.name,
      publicKey: row.public_key,
      generation: row.generation,
      epoch: row.epoch,
      seq: row.seq,
      lastSeenAt: row.last_seen_at,
      failedSteps: JSON.parse(row.failed_steps) as FailedStep[],
      labels: JSON.parse(row.labels) as string[],
      drainingSince: row.draining_since,
      quarantinedAt: row.quarantined_at,
      pastEpochs: JSON.parse(row.past_epochs) as PastEpoch[],
      silentTold: row.silent_told === 1,
      clockSkewMs: row.clock_skew_ms,
      cache: cacheOf(row),
      answers: row.answers === 1,
      boot: row.boot === null ? null : (JSON.parse(row.boot) as Boot),
      display: row.display === null ? null : (JSON.parse(row.display) as KnownDisplay),
    }
  );
}

export async function saveDisplay(
  rows: Rows,
  serverId: string,
  display: KnownDisplay,
): Promise<void> {
  await rows
    .updateTable('servers')
    .set({ display: JSON.stringify(display) })
    .where('id', '=', serverId)
    .execute();
}

/** Sorted by id, which is the order of locking. Unknown and retired servers are left out. */
export async function selectServerRows(
  rows: Rows,
  filter: { ids: readonly string[] } | { siteId: string },
): Promise<
  (Pick<ServerRow, 'id' | 'siteId' | 'name' | 'labels' | 'drainingSince'> & {
    /** Null: the agent cannot restart the machine. */
    bootId: string | null;
  })[]
> {
  const query = rows
    .selectFrom('servers')
    .select(['id', 'site_id', 'name', 'labels', 'draining_since', 'boot'])
    .where('retired_at', 'is', null)
    .orderBy('id');
  const found: Awaited<ReturnType<typeof query.execute>> = [];
  if ('siteId' in filter)
    found.push(
      ...(await query
        .where('site_id', '=', filter.siteId)
        .where('quarantined_at', 'is', null)
        .execute()),
    );
  // Databases limit how many values one statement takes.
  else
    for (let at = 0; at < filter.ids.length; at += 500)
      found.push(
        ...(await query.where('id', 'in', [...filter.ids].sort().slice(at, at + 500)).execute()),
      );
  return found.map((row) => ({
    id: row.id,
    siteId: row.site_id,
    name: row.name,
    labels: JSON.parse(row.labels) as string[],
    drainingSince: row.draining_since,
    bootId: row.boot === null ? null : (JSON.parse(row.boot) as Boot).bootId,
  }));
}

/** Only the columns needed to verify a signed call, because the whole row includes the inventory.
 * Undefined when unknown or retired. */
export async function selectServerKey(
  rows: Rows,
  id: string,
): Promise<Pick<ServerRow, 'id' | 'siteId' | 'name' | 'publicKey' | 'quarantinedAt'> | undefined> {
  const row = await rows
    .selectFrom('servers')
    .select(['id', 'site_id', 'name', 'public_key', 'quarantined_at'])
    .where('id', '=', id)
    .where('retired_at', 'is', null)
    .executeTakeFirst();
  return (
    row && {
      id: row.id,
      siteId: row.site_id,
      name: row.name,
      publicKey: row.public_key,
      quarantinedAt: row.quarantined_at,
    }
  );
}

/** Locks the server's row until the transaction ends, on PostgreSQL too. */
export async function nextGeneration(rows: Rows, serverId: string): Promise<number> {
  const row = await rows
    .updateTable('servers')
    .set((e) => ({ generation: e('generation', '+', 1) }))
    .where('id', '=', serverId)
    .returning('generation')
    .executeTakeFirstOrThrow();
  return row.generation;
}

/** Changes something only when the database is older than what the server has applied, because it
 * was restored: raises its generation so far that the next one is above everything the agent may
 * have accepted. A server that is still at work on a state reports the one before it, hence one
 * more. */
export async function raiseGeneration(
  rows: Rows,
  server: Pick<ServerRow, 'id' | 'generation'>,
  reported: number,
): Promise<void> {
  if (reported <= server.generation) return;
  await rows
    .updateTable('servers')
    .set({ generation: reported + 1 })
    .where('id', '=', server.id)
    .where('generation', '<', reported + 1)
    .execute();
}

/** Locks the rows of all these servers in the order of their ids, so that concurrent transactions
 * cannot deadlock. */
export async function nextGenerations(
  rows: Rows,
  serverIds: readonly string[],
): Promise<Map<string, number>> {
  if (serverIds.length === 0) return new Map();
  const ids = [...serverIds];
  // An update of many rows locks them in an arbitrary order, so they are locked first. SQLite has
  // only one writer at a time.
  if (!isSqlite(rows))
    await rows
      .selectFrom('servers')
      .select('id')
      .where('id', 'in', ids)
      .orderBy('id')
      .forUpdate()
      .execute();
  const found = await rows
    .updateTable('servers')
    .set((e) => ({ generation: e('generation', '+', 1) }))
    .where('id', 'in', ids)
    .returning(['id', 'generation'])
    .execute();
  return new Map(found.map((row) => [row.id, row.generation]));
}

export async function saveServerChanges(
  rows: Rows,
  serverId: string,
  changes: ServerChanges,
): Promise<void> {
  const set = {
    ...(changes.name === undefined ? {} : { name: changes.name }),
    ...(changes.roles === undefined ? {} : { roles: JSON.stringify(changes.roles) }),
    ...(changes.labels === undefined ? {} : { labels: JSON.stringify([...changes.labels].sort()) }),
    ...(changes.maxSessions === undefined ? {} : { max_sessions: changes.maxSessions }),
  };
  if (Object.keys(set).length > 0)
    await rows.updateTable('servers').set(set).where('id', '=', serverId).execute();
}

export async function saveDraining(
  rows: Rows,
  serverId: string,
  since: number | null,
): Promise<void> {
  await rows
    .updateTable('servers')
    .set({ draining_since: since })
    .where('id', '=', serverId)
    .execute();
}

/** False when it is already quarantined or retired. */
export async function markQuarantined(rows: Rows, serverId: string, now: number): Promise<boolean> {
  const done = await rows
    .updateTable('servers')
    .set({ quarantined_at: now })
    .where('id', '=', serverId)
    .where('retired_at', 'is', null)
    .where('quarantined_at', 'is', null)
    .executeTakeFirst();
  return Number(done.numUpdatedRows) === 1;
}

/** Counts servers in service that have the application, are to have it, or have not yet reported
 * its removal. */
export async function countServersHaving(rows: Rows, applicationId: string): Promise<number> {
  const found = await rows
    .selectFrom('server_applications as a')
    .innerJoin('servers as s', 's.id', 'a.server_id')
    .select((e) => e.fn.countAll<number>().as('n'))
    .where('a.application_id', '=', applicationId)
    .where('s.retired_at', 'is', null)
    .where((w) => w.or([w('a.wanted', '=', 1), w('a.state', '!=', 'removed')]))
    .executeTakeFirst();
  return Number(found?.n ?? 0);
}

export async function selectInstalledAtSite(rows: Rows, siteId: string): Promise<Set<string>> {
  const found = await rows
    .selectFrom('server_applications as i')
    .innerJoin('servers as v', 'v.id', 'i.server_id')
    .select('i.application_id')
    .where('v.site_id', '=', siteId)
    .where('v.retired_at', 'is', null)
    .where('v.quarantined_at', 'is', null)
    .where('i.state', '=', 'installed')
    .where('i.wanted', '=', 1)
    .execute();
  return new Set(found.map((row) => row.application_id));
}

/** Includes retired servers. */
export async function selectSitesOfServers(rows: Rows, ids: readonly string[]): Promise<string[]> {
  const found = await rows
    .selectFrom('servers')
    .select('site_id')
    .distinct()
    .where('id', 'in', [...ids])
    .execute();
  return found.map((row) => row.site_id);
}
