/** SQL of the homes of erased people, which every server erases. */
import { type DesiredState, maxErasedHomes } from '@preau/contract/desired-state.ts';
import type { HomesWaiting } from '@preau/contract/privacy.ts';
import type { Rows } from '#src/platform/database.ts';

const lastErased = (rows: Rows) =>
  rows.selectFrom('erased_homes').select((e) => e.fn.max<number>('number').as('last'));
const lastNumber = async (rows: Rows): Promise<number> =>
  Number((await lastErased(rows).executeTakeFirst())?.last ?? 0);

/** In the transaction that erases these accounts. Two erasures at once: the second fails, and is
 * repeated. */
export async function insertErasedHomes(
  rows: Rows,
  accountIds: readonly string[],
  now: number,
): Promise<void> {
  const last = await lastNumber(rows);
  await rows
    .insertInto('erased_homes')
    .values(accountIds.map((home, at) => ({ number: last + 1 + at, home, asked_at: now })))
    .execute();
}

/** What each of these servers has yet to erase. */
export async function selectErasedHomes(
  rows: Rows,
  serverIds: readonly string[],
): Promise<(serverId: string) => Pick<DesiredState, 'erasedHomes'>> {
  const behind = await rows
    .selectFrom('servers')
    .select(['id', 'homes_erased'])
    .where('id', 'in', [...serverIds])
    .where('homes_erased', '<', lastErased(rows))
    .execute();
  const asked = new Map<number, NonNullable<DesiredState['erasedHomes']>>();
  for (const from of new Set(behind.map((row) => row.homes_erased))) {
    const some = await rows
      .selectFrom('erased_homes')
      .select(['number', 'home'])
      .where('number', '>', from)
      .orderBy('number')
      .limit(maxErasedHomes)
      .execute();
    asked.set(from, { upTo: some.at(-1)?.number ?? from, homes: some.map(({ home }) => home) });
  }
  const fromOf = new Map(behind.map((row) => [row.id, row.homes_erased]));
  return (serverId) => {
    const erasedHomes = asked.get(fromOf.get(serverId) ?? -1);
    return erasedHomes === undefined ? {} : { erasedHomes };
  };
}

/** Records that a server has erased the homes up to this number. `changed`: it was news; `more`:
 * others are to be erased there. */
export async function saveHomesErased(
  rows: Rows,
  serverId: string,
  upTo: number,
): Promise<{ changed: boolean; more: boolean }> {
  const last = await lastNumber(rows);
  const reached = Math.min(upTo, last);
  const { numUpdatedRows } = await rows
    .updateTable('servers')
    .set({ homes_erased: reached })
    .where('id', '=', serverId)
    .where('homes_erased', '<', reached)
    .executeTakeFirst();
  return { changed: numUpdatedRows > 0n, more: reached < last };
}

/** All servers in service. */
export async function selectServersInService(rows: Rows): Promise<string[]> {
  const found = await rows
    .selectFrom('servers')
    .select('id')
    .where('retired_at', 'is', null)
    .orderBy('id')
    .execute();
  return found.map(({ id }) => id);
}

export async function selectHomesWaiting(rows: Rows): Promise<HomesWaiting[]> {
  const last = await lastNumber(rows);
  const found = await rows
    .selectFrom('servers as v')
    .innerJoin('sites as s', 's.id', 'v.site_id')
    .select(['v.id', 'v.name', 'v.site_id', 's.name as site_name', 'v.homes_erased'])
    .select('v.last_seen_at')
    .where('v.retired_at', 'is', null)
    .where('v.homes_erased', '<', last)
    .orderBy('s.name')
    .orderBy('v.name')
    .execute();
  return found.map((row) => ({
    serverId: row.id,
    serverName: row.name,
    siteId: row.site_id,
    siteName: row.site_name,
    homes: last - row.homes_erased,
    lastSeenAt: row.last_seen_at,
  }));
}
