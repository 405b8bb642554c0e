/** All SQL of requests, of their messages, and of the mail outbox. */
import type { ErrorCode } from '@preau/contract/errors.ts';
import {
  type Decision,
  type RequestDraft,
  type RequestFacts,
  sameProgram,
} from '@preau/contract/request.ts';
import type { Rows } from '#src/platform/database.ts';
import { newId } from '#src/platform/secrets.ts';

export interface StoredRequest extends RequestDraft, RequestFacts {
  id: string;
  siteId: string;
  siteName: string;
  accountId: string;
  askerName: string;
  slug: string | null;
  applicationName: { fr: string; en: string } | null;
  iconHash: string | null;
  decision: Decision;
  decidedBy: string | null;
  decidedByName: string | null;
  reason: string | null;
  ruleId: string | null;
  rolloutId: string | null;
  problem: string | null;
  createdAt: number;
  updatedAt: number;
  /** Time of the latest change that they have not seen, epoch ms. */
  newsAt: number | null;
  messages: number;
}

/** A rollout in one of these states may still install the application. */
const bringing = ['awaiting_approval', 'approved', 'scheduled', 'running', 'paused'];

const requests = (rows: Rows) =>
  rows
    .selectFrom('requests as q')
    .innerJoin('accounts as p', 'p.id', 'q.account_id')
    .innerJoin('sites as s', 's.id', 'q.site_id')
    .leftJoin('applications as a', 'a.id', 'q.application_id')
    .leftJoin('accounts as d', 'd.id', 'q.decided_by')
    .leftJoin('rollouts as r', 'r.id', 'q.rollout_id')
    .selectAll('q')
    .select([
      'p.display_name as asker_name',
      's.name as site_name',
      'a.slug',
      'a.name_fr',
      'a.name_en',
      'a.icon_hash',
      'd.display_name as decided_by_name',
      'r.state as rollout_state',
    ])
    .select((e) =>
      e
        .selectFrom('request_messages as m')
        .select((f) => f.fn.countAll<number>().as('n'))
        .whereRef('m.request_id', '=', 'q.id')
        .as('messages'),
    );
type Row = Awaited<ReturnType<ReturnType<typeof requests>['execute']>>[number];

const toRequest = (row: Row): StoredRequest => ({
  id: row.id,
  siteId: row.site_id,
  siteName: row.site_name,
  accountId: row.account_id,
  askerName: row.asker_name,
  applicationId: row.application_id,
  name: row.name,
  purpose: row.purpose,
  link: row.link,
  wantedBy: row.wanted_by,
  wish: row.wish as RequestDraft['wish'],
  slug: row.slug,
  applicationName:
    row.name_fr === null || row.name_en === null ? null : { fr: row.name_fr, en: row.name_en },
  iconHash: row.icon_hash,
  decision: row.decision as Decision,
  decidedBy: row.decided_by,
  decidedByName: row.decided_by_name,
  reason: row.reason,
  ruleId: row.rule_id,
  rolloutId: row.rollout_id,
  problem: row.problem,
  installing: row.rollout_state !== null && bringing.includes(row.rollout_state),
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  readyAt: row.ready_at,
  newsAt: row.news_at,
  messages: Number(row.messages ?? 0),
});

export async function insertRequest(
  rows: Rows,
  request: RequestDraft & { siteId: string; accountId: string; now: number },
): Promise<string> {
  const id = newId('req');
  await rows
    .insertInto('requests')
    .values({
      id,
      site_id: request.siteId,
      account_id: request.accountId,
      application_id: request.applicationId,
      name: request.name,
      purpose: request.purpose,
      link: request.link,
      wanted_by: request.wantedBy,
      wish: request.wish,
      decision: 'open',
      created_at: request.now,
      updated_at: request.now,
    })
    .execute();
  return id;
}

export async function selectRequest(rows: Rows, id: string): Promise<StoredRequest | undefined> {
  const row = await requests(rows).where('q.id', '=', id).executeTakeFirst();
  return row && toRequest(row);
}

/** Undecided ones first, then the newest. `siteIds` null: the whole city. */
export async function selectRequests(
  rows: Rows,
  filter: { siteIds: readonly string[] | null; open: boolean; limit: number },
): Promise<StoredRequest[]> {
  // PostgreSQL accepts no empty list.
  if (filter.siteIds?.length === 0) return [];
  let query = requests(rows)
    .orderBy((e) => e.case().when('q.decision', 'in', ['open', 'passed_on']).then(0).else(1).end())
    .orderBy('q.created_at', 'desc')
    .orderBy('q.id')
    .limit(filter.limit);
  if (filter.siteIds !== null) query = query.where('q.site_id', 'in', [...filter.siteIds]);
  if (filter.open)
    query = query.where((w) =>
      w.or([
        w('q.decision', 'in', ['open', 'passed_on']),
        w.and([w('q.decision', '=', 'approved'), w('q.ready_at', 'is', null)]),
      ]),
    );
  return (await query.execute()).map(toRequest);
}

export async function selectRequestsOf(rows: Rows, accountId: string): Promise<StoredRequest[]> {
  return (
    await requests(rows)
      .where('q.account_id', '=', accountId)
      .orderBy('q.created_at', 'desc')
      .orderBy('q.id')
      .limit(100)
      .execute()
  ).map(toRequest);
}

/** Undecided requests for the same program at the same school, including this one, oldest first. */
export async function selectAlike(rows: Rows, request: StoredRequest): Promise<StoredRequest[]> {
  const found = await requests(rows)
    .where('q.site_id', '=', request.siteId)
    .where('q.decision', 'in', ['open', 'passed_on'])
    .orderBy('q.created_at')
    .orderBy('q.id')
    .execute();
  return found.map(toRequest).filter((other) => sameProgram(other) === sameProgram(request));
}

/** Approved requests whose application is not yet available to the person. */
export async function selectAwaited(
  rows: Rows,
  of: { siteId: string; applicationId: string } | null = null,
): Promise<StoredRequest[]> {
  let query = requests(rows)
    .where('q.decision', '=', 'approved')
    .where('q.ready_at', 'is', null)
    .where('p.disabled_at', 'is', null)
    .where('q.application_id', 'is not', null)
    .orderBy('q.id');
  if (of !== null)
    query = query
      .where('q.site_id', '=', of.siteId)
      .where('q.application_id', '=', of.applicationId);
  return (await query.execute()).map(toRequest);
}

export interface RequestChange {
  decision?: Decision;
  decided_by?: string | null;
  decided_at?: number;
  reason?: string | null;
  application_id?: string;
  rule_id?: string | null;
  rollout_id?: string | null;
  problem?: ErrorCode | null;
  ready_at?: number;
  news_at?: number;
}

/** False when the request has changed since it was read: another caller was first. */
export async function changeRequest(
  rows: Rows,
  request: Pick<StoredRequest, 'id' | 'decision' | 'readyAt'>,
  change: RequestChange,
  now: number,
): Promise<boolean> {
  let query = rows
    .updateTable('requests')
    .set({ ...change, updated_at: now })
    .where('id', '=', request.id)
    .where('decision', '=', request.decision);
  query =
    request.readyAt === null
      ? query.where('ready_at', 'is', null)
      : query.where('ready_at', '=', request.readyAt);
  return (await query.executeTakeFirst()).numUpdatedRows > 0n;
}

/** News after `upTo` stays unread: they have not seen it. */
export async function markRead(rows: Rows, accountId: string, upTo: number): Promise<void> {
  await rows
    .updateTable('requests')
    .set({ news_at: null })
    .where('account_id', '=', accountId)
    .where('news_at', '<=', upTo)
    .execute();
}

export interface StoredMessage {
  id: string;
  requestId: string;
  accountId: string;
  authorName: string;
  authorSiteId: string | null;
  at: number;
  text: string;
}

export async function insertMessage(
  rows: Rows,
  message: { requestId: string; accountId: string; text: string; now: number },
): Promise<void> {
  await rows
    .insertInto('request_messages')
    .values({
      id: newId('msg'),
      request_id: message.requestId,
      account_id: message.accountId,
      at: message.now,
      text: message.text,
    })
    .execute();
}

/** In the order they were written. */
export async function selectMessages(
  rows: Rows,
  requestIds: readonly string[],
): Promise<StoredMessage[]> {
  if (requestIds.length === 0) return [];
  const found = await rows
    .selectFrom('request_messages as m')
    .innerJoin('accounts as p', 'p.id', 'm.account_id')
    .selectAll('m')
    .select(['p.display_name', 'p.site_id'])
    .where('m.request_id', 'in', [...requestIds])
    .orderBy('m.at')
    .orderBy('m.id')
    .execute();
  return found.map((row) => ({
    id: row.id,
    requestId: row.request_id,
    accountId: row.account_id,
    authorName: row.display_name,
    authorSiteId: row.site_id,
    at: row.at,
    text: row.text,
  }));
}

export async function selectClasses(
  rows: Rows,
  siteId: string,
): Promise<{ id: string; name: string }[]> {
  return rows
    .selectFrom('groups')
    .select(['id', 'name'])
    .where('site_id', '=', siteId)
    .orderBy('name')
    .limit(200)
    .execute();
}

export async function countUndecided(rows: Rows, accountId: string): Promise<number> {
  const row = await rows
    .selectFrom('requests')
    .select((e) => e.fn.countAll<number>().as('n'))
    .where('account_id', '=', accountId)
    .where('decision', 'in', ['open', 'passed_on'])
    .executeTakeFirst();
  return Number(row?.n ?? 0);
}

// ---- mails ----------------------------------------------------------------------------------

const mailKinds = ['request.ready', 'request.refused', 'request.answered'] as const;
export type MailKind = (typeof mailKinds)[number];

/** Queues nothing when the person has no address, or was already notified of this. */
export async function insertMail(
  rows: Rows,
  mail: { accountId: string; kind: MailKind; about: string; now: number },
): Promise<void> {
  const account = await rows
    .selectFrom('accounts')
    .select('mail')
    .where('id', '=', mail.accountId)
    .where('disabled_at', 'is', null)
    .executeTakeFirst();
  if (account?.mail == null) return;
  await rows
    .insertInto('mail_outbox')
    .values({
      id: newId('mai'),
      account_id: mail.accountId,
      kind: mail.kind,
      about: mail.about,
      created_at: mail.now,
      next_at: mail.now,
    })
    .onConflict((conflict) => conflict.columns(['account_id', 'kind', 'about']).doNothing())
    .execute();
}

export interface DueMail {
  id: string;
  kind: MailKind;
  about: string;
  createdAt: number;
  attempts: number;
  nextAt: number;
  address: string | null;
  personName: string;
  language: 'fr' | 'en';
}

export async function selectDueMails(rows: Rows, now: number, limit: number): Promise<DueMail[]> {
  const found = await rows
    .selectFrom('mail_outbox as m')
    .innerJoin('accounts as p', 'p.id', 'm.account_id')
    .selectAll('m')
    .select(['p.mail', 'p.display_name', 'p.language'])
    .where('m.next_at', '<=', now)
    .orderBy('m.next_at')
    .orderBy('m.id')
    .limit(limit)
    .execute();
  return found.map((row) => ({
    id: row.id,
    kind: row.kind as MailKind,
    about: row.about,
    createdAt: row.created_at,
    attempts: row.attempts,
    nextAt: row.next_at ?? now,
    address: row.mail,
    personName: row.display_name,
    language: row.language === 'en' ? 'en' : 'fr',
  }));
}

/** Reserves the mail until `until`; false when another process has it. */
export async function claimMail(
  rows: Rows,
  mail: Pick<DueMail, 'id' | 'nextAt'>,
  until: number,
): Promise<boolean> {
  return (
    (
      await rows
        .updateTable('mail_outbox')
        .set((e) => ({ next_at: until, attempts: e('attempts', '+', 1) }))
        .where('id', '=', mail.id)
        .where('next_at', '=', mail.nextAt)
        .executeTakeFirst()
    ).numUpdatedRows > 0n
  );
}

export async function settleMail(
  rows: Rows,
  id: string,
  outcome: { sent_at: number | null; next_at: number | null; problem: string | null },
): Promise<void> {
  await rows.updateTable('mail_outbox').set(outcome).where('id', '=', id).execute();
}

export async function deleteOldMails(rows: Rows, before: number): Promise<void> {
  await rows
    .deleteFrom('mail_outbox')
    .where('created_at', '<', before)
    .where('next_at', 'is', null)
    .execute();
}

export async function selectSitesOfRequests(rows: Rows, ids: readonly string[]): Promise<string[]> {
  const found = await rows
    .selectFrom('requests')
    .select('site_id')
    .distinct()
    .where('id', 'in', [...ids])
    .execute();
  return found.map((row) => row.site_id);
}
