/** All SQL of the audit. Events are inserted, then linked into the chain once; after that, only
 * erasing a name and retention may change them. The database refuses everything else (migration
 * 0006). */

import { setImmediate as breathe } from 'node:timers/promises';
import type { AuditEvent } from '@preau/contract/audit.ts';
import type { ChainedEvent, Link, SignedLink } from '@preau/contract/audit-chain.ts';
import type { Rows } from '#src/platform/database.ts';
import { newSalt } from '#src/platform/secrets.ts';
import type { Tables } from '#src/platform/tables.ts';

/** Ids sort by time: 10 base-36 digits of milliseconds, 4 that count within the same millisecond
 * of this process, then random characters. */
function eventIds(): (at: number) => string {
  let last = 0;
  let count = 0;
  return (at) => {
    count = at === last ? count + 1 : 0;
    last = at;
    return `${at.toString(36).padStart(10, '0')}_${count.toString(36).padStart(4, '0')}${newSalt().slice(0, 10)}`;
  };
}
const eventId = eventIds();

export async function insertAuditEvent(rows: Rows, event: Omit<AuditEvent, 'id'>): Promise<void> {
  await rows
    .insertInto('audit_events')
    .values({
      id: eventId(event.at),
      at: event.at,
      action: event.action,
      actor_kind: event.actorKind,
      actor_id: event.actorId,
      actor_name: event.actorName,
      subject_id: event.subjectId,
      subject_name: event.subjectName,
      site_id: event.siteId,
      details: JSON.stringify(event.details),
    })
    .execute();
}

type Row = Pick<
  Tables['audit_events'],
  | 'id'
  | 'at'
  | 'action'
  | 'actor_kind'
  | 'actor_id'
  | 'actor_name'
  | 'subject_id'
  | 'subject_name'
  | 'site_id'
  | 'details'
>;
const eventColumns = [
  'id',
  'at',
  'action',
  'actor_kind',
  'actor_id',
  'actor_name',
  'subject_id',
  'subject_name',
  'site_id',
  'details',
] as const;

const toEvent = (row: Row): AuditEvent => ({
  id: row.id,
  at: row.at,
  action: row.action as AuditEvent['action'],
  actorKind: row.actor_kind as AuditEvent['actorKind'],
  actorId: row.actor_id,
  actorName: row.actor_name,
  subjectId: row.subject_id,
  subjectName: row.subject_name,
  siteId: row.site_id,
  details: JSON.parse(row.details) as Record<string, unknown>,
});

export interface AuditFilter {
  before: string | null;
  limit: number;
  search: string | null;
  siteIds?: readonly string[] | null;
  /** Prefix of the action: `rollout.`, or a whole action. */
  action?: string | null;
  /** Events of an account: what it did, and what was done to it. */
  personId?: string | null;
  from?: number | null;
  until?: number | null;
}

const lookedAtOnce = 20_000;

/** Newest first, strictly before the event `before`. What matches few events would look through
 * years: others have their turn in between. */
export async function selectAuditEvents(rows: Rows, filter: AuditFilter): Promise<AuditEvent[]> {
  if (filter.siteIds?.length === 0) return [];
  const found: AuditEvent[] = [];
  for (let { before } = filter; ; ) {
    const floor = await selectFloor(rows, before);
    const limit = filter.limit - found.length;
    found.push(...(await selectAbove(rows, { ...filter, before, limit }, floor)));
    if (floor === null || found.length >= filter.limit) return found;
    before = floor;
    await breathe();
  }
}

/** The last event of those that are looked at next; null when they are the first ever. */
async function selectFloor(rows: Rows, before: string | null): Promise<string | null> {
  let query = rows
    .selectFrom('audit_events')
    .select('id')
    .orderBy('id', 'desc')
    .offset(lookedAtOnce - 1)
    .limit(1);
  if (before !== null) query = query.where('id', '<', before);
  return (await query.executeTakeFirst())?.id ?? null;
}

async function selectAbove(
  rows: Rows,
  filter: AuditFilter,
  floor: string | null,
): Promise<AuditEvent[]> {
  let query = rows
    .selectFrom('audit_events')
    .select(eventColumns)
    .orderBy('id', 'desc')
    .limit(filter.limit);
  if (floor !== null) query = query.where('id', '>=', floor);
  const { before, siteIds, action, personId, from, until } = filter;
  if (before !== null) query = query.where('id', '<', before);
  if (siteIds != null) query = query.where('site_id', 'in', [...siteIds]);
  if (action != null) query = query.where('action', 'like', `${action.replace(/[\\%]/g, '')}%`);
  if (personId != null)
    query = query.where((where) =>
      where.or([where('actor_id', '=', personId), where('subject_id', '=', personId)]),
    );
  if (from != null) query = query.where('at', '>=', from);
  if (until != null) query = query.where('at', '<', until);
  if (filter.search !== null) {
    const like = `%${filter.search.toLowerCase().replace(/[\\%_]/g, '')}%`;
    query = query.where((where) =>
      where.or([
        where(where.fn<string>('lower', ['actor_name']), 'like', like),
        where(where.fn<string>('lower', ['subject_name']), 'like', like),
        where('action', 'like', like),
      ]),
    );
  }
  return (await query.execute()).map(toEvent);
}

// ---- the chain ------------------------------------------------------------------------------

export interface ChainRow {
  head: Link & { at: number; signature: string | null };
  /** Everything up to this link was removed by retention. */
  removed: Link & { signature: string | null };
}

const toChain = (row: Omit<Tables['audit_chain'], 'id' | 'open'>): ChainRow => ({
  head: { seq: row.seq, hash: row.hash, at: row.at, signature: row.signature },
  removed: { seq: row.removed_seq, hash: row.removed_hash, signature: row.removed_signature },
});
const chainColumns = [
  'seq',
  'hash',
  'at',
  'signature',
  'removed_seq',
  'removed_hash',
  'removed_signature',
] as const;

export async function selectChain(rows: Rows): Promise<ChainRow> {
  return toChain(
    await rows
      .selectFrom('audit_chain')
      .select(chainColumns)
      .where('id', '=', 1)
      .executeTakeFirstOrThrow(),
  );
}

/** Locks the chain: until the transaction ends, nobody else links, erases or removes. Every
 * transaction that does so calls it first, so that none deadlock. */
export async function lockChain(
  rows: Rows,
  open: 'erasure' | 'retention' | null = null,
): Promise<ChainRow> {
  return toChain(
    await rows
      .updateTable('audit_chain')
      .set({ open })
      .where('id', '=', 1)
      .returning(chainColumns)
      .executeTakeFirstOrThrow(),
  );
}

export async function closeChain(rows: Rows): Promise<void> {
  await rows.updateTable('audit_chain').set({ open: null }).where('id', '=', 1).execute();
}

/** Committed events that are not linked yet, in the order of their ids. */
export async function selectPending(rows: Rows, limit: number): Promise<AuditEvent[]> {
  return (
    await rows
      .selectFrom('audit_events')
      .select(eventColumns)
      .where('seq', 'is', null)
      .orderBy('id')
      .limit(limit)
      .execute()
  ).map(toEvent);
}

export async function linkEvent(
  rows: Rows,
  id: string,
  link: Link,
  salts: readonly string[],
  marks: readonly string[],
): Promise<void> {
  await rows
    .updateTable('audit_events')
    .set({ seq: link.seq, hash: link.hash, salts: salts.join('.'), marks: marks.join('.') })
    .where('id', '=', id)
    .where('seq', 'is', null)
    .execute();
}

export async function saveHead(rows: Rows, head: SignedLink): Promise<void> {
  await rows
    .updateTable('audit_chain')
    .set({ seq: head.seq, hash: head.hash, at: head.at, signature: head.signature, open: null })
    .where('id', '=', 1)
    .execute();
}

const toChained = (row: Tables['audit_events']): ChainedEvent => ({
  ...toEvent(row),
  seq: row.seq ?? 0,
  hash: row.hash ?? '',
  salts: (row.salts ?? '').split('.'),
  marks: (row.marks ?? '').split('.'),
});

/** Linked events after `afterSeq`, in the chain's order. */
export async function selectChained(
  rows: Rows,
  afterSeq: number,
  limit: number,
): Promise<ChainedEvent[]> {
  return (
    await rows
      .selectFrom('audit_events')
      .selectAll()
      .where('seq', '>', afterSeq)
      .orderBy('seq')
      .limit(limit)
      .execute()
  ).map(toChained);
}

export async function countEvents(rows: Rows): Promise<{ linked: number; pending: number }> {
  const count = async (pending: boolean) =>
    Number(
      (
        await rows
          .selectFrom('audit_events')
          .select((e) => e.fn.countAll<number>().as('n'))
          .where('seq', pending ? 'is' : 'is not', null)
          .executeTakeFirst()
      )?.n ?? 0,
    );
  return { linked: await count(false), pending: await count(true) };
}

/** The last link that, like all before it, is older than `at`, at most `limit` links after
 * `afterSeq`. Undefined when there is none. */
export async function selectPlaceBefore(
  rows: Rows,
  at: number,
  afterSeq: number,
  limit: number,
): Promise<Link | undefined> {
  const firstYoung = await rows
    .selectFrom('audit_events')
    .select((e) => e.fn.min<number>('seq').as('seq'))
    .where('seq', 'is not', null)
    .where('at', '>=', at)
    .executeTakeFirst();
  const upTo = Math.min(Number(firstYoung?.seq ?? Number.MAX_SAFE_INTEGER) - 1, afterSeq + limit);
  const row = await rows
    .selectFrom('audit_events')
    .select(['seq', 'hash'])
    .where('seq', '>', afterSeq)
    .where('seq', '<=', upTo)
    .orderBy('seq', 'desc')
    .executeTakeFirst();
  return row === undefined || row.seq === null ? undefined : { seq: row.seq, hash: row.hash ?? '' };
}

/** Call only between `lockChain('retention')` and the end of the transaction. */
export async function removeUpTo(rows: Rows, link: Link, signature: string): Promise<number> {
  const { numDeletedRows } = await rows
    .deleteFrom('audit_events')
    .where('seq', '<=', link.seq)
    .executeTakeFirst();
  await rows
    .updateTable('audit_chain')
    .set({
      removed_seq: link.seq,
      removed_hash: link.hash,
      removed_signature: signature,
      open: null,
    })
    .where('id', '=', 1)
    .execute();
  return Number(numDeletedRows);
}

/** Call only between `lockChain('erasure')` and the end of the transaction. */
export async function saveErased(rows: Rows, event: ChainedEvent): Promise<void> {
  await rows
    .updateTable('audit_events')
    .set({
      actor_name: event.actorName,
      subject_name: event.subjectName,
      details: JSON.stringify(event.details),
      salts: event.salts.join('.'),
    })
    .where('id', '=', event.id)
    .execute();
}
