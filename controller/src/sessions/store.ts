/** All SQL of sessions themselves. Every change of state is a compare-and-set. */
import {
  type EndReason,
  liveStates,
  type Session,
  type SessionRow,
  type SessionState,
} from '@preau/contract/session.ts';
import type { Rows } from '#src/platform/database.ts';
import { newId } from '#src/platform/secrets.ts';

/** A session with the columns that verbs need beyond the public view. */
export interface StoredSession extends Session {
  accountId: string;
  serverId: string;
  siteId: string;
  attachSerial: number;
  attachmentSerial: number;
  attachment: string | null;
  deadlineAt: number | null;
}

const columns = (rows: Rows) =>
  rows
    .selectFrom('sessions as s')
    .innerJoin('applications as a', 'a.id', 's.application_id')
    .selectAll('s')
    .select(['a.slug', 'a.name_fr', 'a.name_en']);

type Row = Awaited<ReturnType<ReturnType<typeof columns>['execute']>>[number];

const toSession = (row: Row): Session => ({
  id: row.id,
  applicationId: row.application_id,
  applicationSlug: row.slug,
  applicationName: { fr: row.name_fr, en: row.name_en },
  state: row.state as SessionState,
  startedAt: row.started_at,
  openedAt: row.opened_at,
  graceUntil: row.grace_until,
  endsAt: row.ends_at,
  endedAt: row.ended_at,
  endReason: row.end_reason as EndReason | null,
  failureCode: row.failure_code,
});

const toStored = (row: Row): StoredSession => ({
  ...toSession(row),
  accountId: row.account_id,
  serverId: row.server_id,
  siteId: row.site_id,
  attachSerial: row.attach_serial,
  attachmentSerial: row.attachment_serial,
  attachment: row.attachment,
  deadlineAt: row.deadline_at,
});

/** What people may see of a stored session. */
export const publicView = (stored: StoredSession): Session => ({
  id: stored.id,
  applicationId: stored.applicationId,
  applicationSlug: stored.applicationSlug,
  applicationName: stored.applicationName,
  state: stored.state,
  startedAt: stored.startedAt,
  openedAt: stored.openedAt,
  graceUntil: stored.graceUntil,
  endsAt: stored.endsAt,
  endedAt: stored.endedAt,
  endReason: stored.endReason,
  failureCode: stored.failureCode,
});

export async function insertSession(
  rows: Rows,
  session: {
    accountId: string;
    applicationId: string;
    serverId: string;
    siteId: string;
    language: string;
    now: number;
    deadlineAt: number;
    address: string | null;
  },
): Promise<string> {
  const id = newId('ses');
  await rows
    .insertInto('sessions')
    .values({
      id,
      account_id: session.accountId,
      application_id: session.applicationId,
      server_id: session.serverId,
      site_id: session.siteId,
      state: 'starting',
      language: session.language,
      attachment: null,
      tunnel_seen_at: null,
      started_at: session.now,
      deadline_at: session.deadlineAt,
      ready_at: null,
      opened_at: null,
      grace_until: null,
      ended_at: null,
      end_reason: null,
      failure_code: null,
      address: session.address,
      ends_at: null,
      ends_because: null,
      touched_at: session.now,
    })
    .execute();
  return id;
}

export async function selectSession(rows: Rows, id: string): Promise<StoredSession | undefined> {
  const row = await columns(rows).where('s.id', '=', id).executeTakeFirst();
  return row && toStored(row);
}

export async function selectLiveSession(
  rows: Rows,
  accountId: string,
  applicationId: string,
): Promise<StoredSession | undefined> {
  const row = await columns(rows)
    .where('s.account_id', '=', accountId)
    .where('s.application_id', '=', applicationId)
    .where('s.state', 'in', [...liveStates])
    .executeTakeFirst();
  return row && toStored(row);
}

export async function selectLiveSessionsOf(
  rows: Rows,
  owner: { accountId: string } | { serverId: string },
): Promise<StoredSession[]> {
  const query = columns(rows).where('s.state', 'in', [...liveStates]);
  const found = await ('accountId' in owner
    ? query.where('s.account_id', '=', owner.accountId)
    : query.where('s.server_id', '=', owner.serverId)
  ).execute();
  return found.map(toStored);
}

export async function countLiveSessionsOf(rows: Rows, accountId: string): Promise<number> {
  const row = await rows
    .selectFrom('sessions')
    .select((e) => e.fn.countAll<number>().as('n'))
    .where('account_id', '=', accountId)
    .where('state', 'in', [...liveStates])
    .executeTakeFirst();
  return Number(row?.n ?? 0);
}

export async function selectLastUsed(rows: Rows, accountId: string): Promise<Map<string, number>> {
  const found = await rows
    .selectFrom('sessions')
    .select(['application_id', (e) => e.fn.max<number>('started_at').as('at')])
    .where('account_id', '=', accountId)
    .groupBy('application_id')
    .execute();
  return new Map(found.map((row) => [row.application_id, Number(row.at)]));
}

/** Sessions to act on: start overdue, grace over, tunnel silent since `tunnelBefore`. */
/** `id`: that one only, if it is due. */
export async function selectDueSessions(
  rows: Rows,
  now: number,
  tunnelBefore: number,
  id: string | null = null,
): Promise<StoredSession[]> {
  const found = await columns(rows)
    .$if(id !== null, (query) => query.where('s.id', '=', id))
    .where((w) =>
      w.or([
        w.and([w('s.state', '=', 'starting'), w('s.deadline_at', '<', now)]),
        w.and([w('s.state', 'in', ['ready', 'disconnected']), w('s.grace_until', '<', now)]),
        w.and([w('s.state', '=', 'active'), w('s.tunnel_seen_at', '<', tunnelBefore)]),
      ]),
    )
    .execute();
  return found.map(toStored);
}

/** False when the session is no longer in one of the states `from`: another caller was first. */
export async function moveSession(
  rows: Rows,
  id: string,
  from: readonly SessionState[],
  to: {
    state: SessionState;
    ready_at?: number;
    grace_until?: number | null;
    ended_at?: number;
    end_reason?: EndReason;
    failure_code?: string;
    tunnel_seen_at?: number | null;
    attachment?: null;
    deadline_at?: null;
    offered?: '[]';
  },
  serial?: number,
): Promise<boolean> {
  let query = rows
    .updateTable('sessions')
    .set(to)
    .where('id', '=', id)
    .where('state', 'in', [...from]);
  if (serial !== undefined) query = query.where('attach_serial', '=', serial);
  return (await query.executeTakeFirst()).numUpdatedRows > 0n;
}

export async function markOpened(rows: Rows, id: string, at: number): Promise<boolean> {
  return (
    (
      await rows
        .updateTable('sessions')
        .set({ opened_at: at })
        .where('id', '=', id)
        .where('opened_at', 'is', null)
        .executeTakeFirst()
    ).numUpdatedRows > 0n
  );
}

/** Saves which files the session offers to the person's device. False when nothing changed. */
export async function saveOffered(rows: Rows, id: string, offered: string): Promise<boolean> {
  return (
    (
      await rows
        .updateTable('sessions')
        .set({ offered })
        .where('id', '=', id)
        .where('offered', '!=', offered)
        .executeTakeFirst()
    ).numUpdatedRows > 0n
  );
}

/** `touched`: when somebody last pressed a key or moved a pointer there. */
/** Returns the ids of those that count as disconnected. */
export async function touchTunnels(
  rows: Rows,
  ids: readonly string[],
  now: number,
  touched: ReadonlyMap<string, number> = new Map(),
): Promise<string[]> {
  for (const [id, at] of touched)
    await rows.updateTable('sessions').set({ touched_at: at }).where('id', '=', id).execute();
  if (ids.length === 0) return [];
  await rows
    .updateTable('sessions')
    .set({ tunnel_seen_at: now })
    .where('id', 'in', [...ids])
    .where('state', '=', 'active')
    .execute();
  const left = await rows
    .selectFrom('sessions')
    .select('id')
    .where('id', 'in', [...ids])
    .where('state', '=', 'disconnected')
    .execute();
  return left.map(({ id }) => id);
}

export async function selectSessionRows(
  rows: Rows,
  filter: { state: 'live' | 'over' | null; limit: number; siteIds?: readonly string[] | null },
): Promise<SessionRow[]> {
  let query = columns(rows)
    .innerJoin('accounts as p', 'p.id', 's.account_id')
    .innerJoin('sites as i', 'i.id', 's.site_id')
    .innerJoin('servers as v', 'v.id', 's.server_id')
    .select(['p.display_name as person_name', 'i.name as site_name', 'v.name as server_name'])
    .orderBy('s.started_at', 'desc')
    .limit(filter.limit);
  if (filter.siteIds != null) query = query.where('s.site_id', 'in', [...filter.siteIds]);
  if (filter.state === 'live') query = query.where('s.state', 'in', [...liveStates]);
  if (filter.state === 'over') query = query.where('s.state', 'in', ['ended', 'failed']);
  return (await query.execute()).map((row) => ({
    ...toSession(row),
    accountId: row.account_id,
    personName: row.person_name,
    siteName: row.site_name,
    serverName: row.server_name,
  }));
}

/** A live session with everything needed to evaluate the rules for it. */
export interface SessionToCheck extends StoredSession {
  role: string;
  category: string;
  labels: string[];
  address: string | null;
  touchedAt: number | null;
  personSiteId: string | null;
}

export async function selectSessionsToCheck(rows: Rows): Promise<SessionToCheck[]> {
  const found = await columns(rows)
    .innerJoin('accounts as p', 'p.id', 's.account_id')
    .select(['p.role', 'p.site_id as person_site_id', 'a.category', 'a.labels'])
    .where('s.state', 'in', [...liveStates])
    .execute();
  return found.map((row) => ({
    ...toStored(row),
    role: row.role,
    category: row.category,
    labels: JSON.parse(row.labels) as string[],
    address: row.address,
    touchedAt: row.touched_at,
    personSiteId: row.person_site_id,
  }));
}

/** Saves when the session will end and why; null: no end in sight. */
export async function saveEnd(
  rows: Rows,
  id: string,
  end: { at: number; because: EndReason } | null,
): Promise<void> {
  await rows
    .updateTable('sessions')
    .set({ ends_at: end?.at ?? null, ends_because: end?.because ?? null })
    .where('id', '=', id)
    .where('state', 'in', [...liveStates])
    .execute();
}

export async function countLiveBySite(rows: Rows): Promise<Map<string, number>> {
  const found = await rows
    .selectFrom('sessions')
    .select(['site_id', (e) => e.fn.countAll<number>().as('n')])
    .where('state', 'in', [...liveStates])
    .groupBy('site_id')
    .execute();
  return new Map(found.map((row) => [row.site_id, Number(row.n)]));
}

/** Deletes sessions that are over and started in this span, with their tickets. Returns how
 * many. */
export async function deleteSessionsOver(rows: Rows, from: number, until: number): Promise<number> {
  const over = rows
    .selectFrom('sessions')
    .select('id')
    .where('started_at', '>=', from)
    .where('started_at', '<', until)
    .where('state', 'in', ['ended', 'failed']);
  await rows.deleteFrom('tickets').where('session_id', 'in', over).execute();
  const deleted = await rows
    .deleteFrom('sessions')
    .where('started_at', '>=', from)
    .where('started_at', '<', until)
    .where('state', 'in', ['ended', 'failed'])
    .executeTakeFirst();
  return Number(deleted.numDeletedRows);
}

export async function selectSitesOfSessions(rows: Rows, ids: readonly string[]): Promise<string[]> {
  const found = await rows
    .selectFrom('sessions')
    .select('site_id')
    .distinct()
    .where('id', 'in', [...ids])
    .execute();
  return found.map((row) => row.site_id);
}
