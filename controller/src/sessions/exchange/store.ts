/** All SQL of transfers. Every change of state is a compare-and-set. */
import type { OfferedFile, Transfer } from '@preau/contract/exchange.ts';
import { liveStates } from '@preau/contract/session.ts';
import type { Selectable } from 'kysely';
import type { Rows } from '#src/platform/database.ts';
import { newId } from '#src/platform/secrets.ts';
import type { Tables } from '#src/platform/tables.ts';

export interface StoredTransfer extends Transfer {
  sessionId: string;
  accountId: string;
  serverId: string;
  sha256: string | null;
}

const toStored = (row: Selectable<Tables['transfers']>): StoredTransfer => ({
  id: row.id,
  direction: row.direction as Transfer['direction'],
  kind: row.kind as Transfer['kind'],
  name: row.name,
  bytes: row.bytes,
  state: row.state as Transfer['state'],
  failureCode: row.failure_code,
  createdAt: row.created_at,
  sessionId: row.session_id,
  accountId: row.account_id,
  serverId: row.server_id,
  sha256: row.sha256,
});

/** What people may see of a stored transfer. */
export const publicTransfer = ({
  id,
  direction,
  kind,
  name,
  bytes,
  state,
  failureCode,
  createdAt,
}: StoredTransfer): Transfer => ({
  id,
  direction,
  kind,
  name,
  bytes,
  state,
  failureCode,
  createdAt,
});

export const newTransferId = (): string => newId('trf');

export async function insertTransfer(
  rows: Rows,
  transfer: Pick<
    StoredTransfer,
    | 'id'
    | 'sessionId'
    | 'accountId'
    | 'serverId'
    | 'direction'
    | 'kind'
    | 'name'
    | 'bytes'
    | 'sha256'
    | 'state'
  >,
  now: number,
): Promise<void> {
  const { id, sessionId, accountId, serverId, ...rest } = transfer;
  await rows
    .insertInto('transfers')
    .values({
      id,
      session_id: sessionId,
      account_id: accountId,
      server_id: serverId,
      ...rest,
      failure_code: null,
      created_at: now,
      updated_at: now,
    })
    .execute();
}

export async function selectTransfer(rows: Rows, id: string): Promise<StoredTransfer | undefined> {
  const row = await rows
    .selectFrom('transfers')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst();
  return row && toStored(row);
}

/** Newest first. */
export async function selectTransfersOf(
  rows: Rows,
  owner: { sessionId: string } | { serverId: string } | { olderThan: number },
): Promise<StoredTransfer[]> {
  const query = rows
    .selectFrom('transfers')
    .selectAll()
    .orderBy('created_at', 'desc')
    .orderBy('id');
  const found = await ('sessionId' in owner
    ? query.where('session_id', '=', owner.sessionId)
    : 'serverId' in owner
      ? query.where('server_id', '=', owner.serverId).where('state', 'in', ['asked', 'here'])
      : query.where('created_at', '<', owner.olderThan)
  ).execute();
  return found.map(toStored);
}

/** `own`: how many transfers of this person are under way, without those ready for download.
 * `bytes`: the total size of everybody's transfers that are stored or expected. */
export async function countPending(
  rows: Rows,
  accountId: string,
): Promise<{ own: number; bytes: number }> {
  const pending = rows.selectFrom('transfers').where('state', 'in', ['asked', 'here']);
  const own = await pending
    .select((e) => e.fn.countAll<number>().as('n'))
    .where('account_id', '=', accountId)
    .where((w) => w.or([w('state', '=', 'asked'), w('direction', '=', 'in')]))
    .executeTakeFirstOrThrow();
  const all = await pending
    .select((e) => e.fn.sum<number | null>('bytes').as('bytes'))
    .executeTakeFirstOrThrow();
  return { own: Number(own.n), bytes: Number(all.bytes ?? 0) };
}

/** False when it is no longer in state `from`: another caller was first. */
export async function moveTransfer(
  rows: Rows,
  id: string,
  from: Transfer['state'],
  to: { state: Transfer['state']; sha256?: string; bytes?: number; failure_code?: string },
  now: number,
): Promise<boolean> {
  return (
    (
      await rows
        .updateTable('transfers')
        .set({ ...to, updated_at: now })
        .where('id', '=', id)
        .where('state', '=', from)
        .executeTakeFirst()
    ).numUpdatedRows > 0n
  );
}

/** Incoming transfers that are done or failed, whose bytes can be deleted. */
export async function selectSpent(rows: Rows): Promise<string[]> {
  const found = await rows
    .selectFrom('transfers')
    .select('id')
    .where('direction', '=', 'in')
    .where('state', 'in', ['done', 'failed'])
    .where('sha256', 'is not', null)
    .execute();
  return found.map((row) => row.id);
}

/** The ids among these that have a row; at most 500 ids are looked up. */
export async function selectKnownIds(rows: Rows, ids: readonly string[]): Promise<Set<string>> {
  return new Set(
    (
      await rows.selectFrom('transfers').select('id').where('id', 'in', ids.slice(0, 500)).execute()
    ).map((row) => row.id),
  );
}

export async function forgetBytes(rows: Rows, id: string): Promise<void> {
  await rows.updateTable('transfers').set({ sha256: null }).where('id', '=', id).execute();
}

/** Unfinished transfers whose session is over. */
export async function selectStranded(rows: Rows): Promise<StoredTransfer[]> {
  const found = await rows
    .selectFrom('transfers as t')
    .innerJoin('sessions as s', 's.id', 't.session_id')
    .selectAll('t')
    .where('s.state', 'not in', [...liveStates])
    .where((w) =>
      w.or([
        w('t.state', '=', 'asked'),
        w.and([w('t.direction', '=', 'in'), w('t.state', '=', 'here')]),
      ]),
    )
    .execute();
  return found.map(toStored);
}

export async function selectTransferIdsOf(
  rows: Rows,
  accountIds: readonly string[],
): Promise<string[]> {
  const found = await rows
    .selectFrom('transfers')
    .select('id')
    .where('account_id', 'in', [...accountIds])
    .execute();
  return found.map(({ id }) => id);
}

export async function deleteTransfer(rows: Rows, id: string): Promise<void> {
  await rows.deleteFrom('transfers').where('id', '=', id).execute();
}

export async function selectOffered(rows: Rows, sessionId: string): Promise<OfferedFile[]> {
  const row = await rows
    .selectFrom('sessions')
    .select('offered')
    .where('id', '=', sessionId)
    .executeTakeFirst();
  return JSON.parse(row?.offered ?? '[]') as OfferedFile[];
}
