/** All SQL of servers being added. Only open additions can change. */
import {
  type Addition,
  type AdditionState,
  type AdditionSummary,
  openAdditionStates,
} from '@preau/contract/fleet.ts';
import type { Rows } from '#src/platform/database.ts';

const columns = (rows: Rows) =>
  rows
    .selectFrom('server_additions as x')
    .innerJoin('sites as s', 's.id', 'x.site_id')
    .selectAll('x')
    .select('s.name as site_name');
type Row = Awaited<ReturnType<ReturnType<typeof columns>['execute']>>[number];

const toSummary = (row: Row): AdditionSummary => ({
  id: row.id,
  siteId: row.site_id,
  siteName: row.site_name,
  serverName: row.server_name,
  host: row.host,
  port: row.port,
  login: row.login,
  hostKey: row.host_key,
  state: row.state as AdditionState,
  serverId: row.server_id,
  failureCode: row.failure_code,
  createdAt: row.created_at,
  endedAt: row.ended_at,
});

export async function insertAddition(
  rows: Rows,
  addition: {
    id: string;
    siteId: string;
    serverName: string;
    host: string;
    port: number;
    login: string;
    hostKey: string;
    createdBy: string;
    now: number;
    aliveUntil: number;
  },
): Promise<void> {
  await rows
    .insertInto('server_additions')
    .values({
      id: addition.id,
      site_id: addition.siteId,
      server_name: addition.serverName,
      host: addition.host,
      port: addition.port,
      login: addition.login,
      host_key: addition.hostKey,
      state: 'connecting',
      log: '',
      code_hash: null,
      server_id: null,
      failure_code: null,
      alive_until: addition.aliveUntil,
      created_by: addition.createdBy,
      created_at: addition.now,
      ended_at: null,
    })
    .execute();
}

export async function selectAddition(rows: Rows, id: string): Promise<Addition | undefined> {
  const row = await columns(rows).where('x.id', '=', id).executeTakeFirst();
  return row && { ...toSummary(row), log: row.log };
}

/** Newest first. */
export async function selectAdditions(rows: Rows, limit: number): Promise<AdditionSummary[]> {
  return (
    await columns(rows).orderBy('x.created_at', 'desc').orderBy('x.id').limit(limit).execute()
  ).map(toSummary);
}

/** False when the addition is already over; the caller must then stop its work. */
export async function saveProgress(
  rows: Rows,
  id: string,
  progress: {
    state?: AdditionState;
    log?: string;
    codeHash?: string;
    serverId?: string;
    aliveUntil: number;
  },
): Promise<boolean> {
  const done = await rows
    .updateTable('server_additions')
    .set({
      alive_until: progress.aliveUntil,
      ...(progress.state === undefined ? {} : { state: progress.state }),
      ...(progress.log === undefined ? {} : { log: progress.log }),
      ...(progress.codeHash === undefined ? {} : { code_hash: progress.codeHash }),
      ...(progress.serverId === undefined ? {} : { server_id: progress.serverId }),
    })
    .where('id', '=', id)
    .where('state', 'in', [...openAdditionStates])
    .executeTakeFirst();
  return Number(done.numUpdatedRows) === 1;
}

/** Ends the addition, and expires its enrolment code if unused. False when it was already over. */
export async function endAddition(
  rows: Rows,
  id: string,
  end: {
    state: 'done' | 'failed' | 'cancelled';
    failureCode: string | null;
    log?: string;
    now: number;
  },
): Promise<boolean> {
  const done = await rows
    .updateTable('server_additions')
    .set({
      state: end.state,
      failure_code: end.failureCode,
      ended_at: end.now,
      alive_until: null,
      ...(end.log === undefined ? {} : { log: end.log }),
    })
    .where('id', '=', id)
    .where('state', 'in', [...openAdditionStates])
    .executeTakeFirst();
  if (Number(done.numUpdatedRows) !== 1) return false;
  await rows
    .updateTable('enrolment_codes')
    .set({ expires_at: end.now })
    .where('used_at', 'is', null)
    .where('hash', '=', (e) =>
      e.selectFrom('server_additions').select('code_hash').where('id', '=', id),
    )
    .execute();
  return true;
}

/** Open additions whose controller has not given a sign of life in time. */
export async function selectAbandoned(rows: Rows, now: number): Promise<string[]> {
  return (
    await rows
      .selectFrom('server_additions')
      .select('id')
      .where('state', 'in', [...openAdditionStates])
      .where('alive_until', '<', now)
      .execute()
  ).map((row) => row.id);
}

/** The server that was enrolled with a code, and whether it has reported. */
export async function selectEnrolledWith(
  rows: Rows,
  codeHash: string,
): Promise<{ serverId: string; reported: boolean } | undefined> {
  const row = await rows
    .selectFrom('enrolment_codes as c')
    .innerJoin('servers as v', 'v.id', 'c.server_id')
    .select(['v.id', 'v.last_seen_at'])
    .where('c.hash', '=', codeHash)
    .executeTakeFirst();
  return row && { serverId: row.id, reported: row.last_seen_at !== null };
}

export async function selectSitesOfAdditions(
  rows: Rows,
  ids: readonly string[],
): Promise<string[]> {
  const found = await rows
    .selectFrom('server_additions')
    .select('site_id')
    .distinct()
    .where('id', 'in', [...ids])
    .execute();
  return found.map((row) => row.site_id);
}
