/** All SQL of the data held about people, and of the retention settings. */

import type { Role } from '@preau/contract/account.ts';
import { defaultPrivacy, type PersonHeld, type PrivacySettings } from '@preau/contract/privacy.ts';
import { liveStates } from '@preau/contract/session.ts';
import { sql } from 'kysely';
import type { Rows } from '#src/platform/database.ts';
import type { Tables } from '#src/platform/tables.ts';

async function selectNamed(rows: Rows, name: string): Promise<unknown> {
  const row = await rows
    .selectFrom('city')
    .select('body')
    .where('name', '=', name)
    .executeTakeFirst();
  return row === undefined ? undefined : JSON.parse(row.body);
}

export async function saveNamed(
  rows: Rows,
  name: 'privacy' | 'audit_verified' | 'compaction',
  body: object,
  now: number,
): Promise<void> {
  const values = { body: JSON.stringify(body), updated_at: now };
  await rows
    .insertInto('city')
    .values({ name, ...values })
    .onConflict((conflict) => conflict.column('name').doUpdateSet(values))
    .execute();
}

export async function selectPrivacy(rows: Rows): Promise<PrivacySettings> {
  return {
    ...defaultPrivacy,
    ...((await selectNamed(rows, 'privacy')) as Partial<PrivacySettings> | undefined),
  };
}

/** True for the first caller of a day. */
export async function claimDay(rows: Rows, now: number, dayMs: number): Promise<boolean> {
  await rows
    .insertInto('city')
    .values({ name: 'retention', body: '{}', updated_at: 0 })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute();
  return (
    (
      await rows
        .updateTable('city')
        .set({ updated_at: now })
        .where('name', '=', 'retention')
        .where('updated_at', '<=', now - dayMs)
        .executeTakeFirst()
    ).numUpdatedRows > 0n
  );
}

/** Whether the database's file is still to be rewritten without what was erased. */
export const selectCompactionDue = async (rows: Rows): Promise<boolean> =>
  ((await selectNamed(rows, 'compaction')) as { due?: boolean } | undefined)?.due === true;

export const selectVerified = async (rows: Rows): Promise<unknown> =>
  selectNamed(rows, 'audit_verified');

const people = (rows: Rows) =>
  rows
    .selectFrom('accounts as a')
    .leftJoin('sites as s', 's.id', 'a.site_id')
    .select([
      'a.id',
      'a.login',
      'a.display_name',
      'a.role',
      'a.site_id',
      's.name as site_name',
      'a.disabled_at',
      'a.erased_at',
    ])
    .select((e) => [
      e
        .selectFrom('sessions as x')
        .select((f) => f.fn.countAll<number>().as('n'))
        .whereRef('x.account_id', '=', 'a.id')
        .as('sessions'),
      e
        .selectFrom('sessions as x')
        .select((f) => f.fn.countAll<number>().as('n'))
        .whereRef('x.account_id', '=', 'a.id')
        .where('x.state', 'in', [...liveStates])
        .as('live'),
      e
        .selectFrom('sign_ins as x')
        .select((f) => f.fn.max<number>('x.created_at').as('at'))
        .whereRef('x.account_id', '=', 'a.id')
        .as('signed_in'),
    ]);

type PersonRow = Awaited<ReturnType<ReturnType<typeof people>['execute']>>[number];

const toPerson = (row: PersonRow): PersonHeld => ({
  id: row.id,
  login: row.login,
  displayName: row.display_name,
  role: row.role as Role,
  siteId: row.site_id,
  siteName: row.site_name,
  leftAt: row.disabled_at,
  erasedAt: row.erased_at,
  sessions: Number(row.sessions ?? 0),
  liveSessions: Number(row.live ?? 0),
  lastSignInAt: row.signed_in === null ? null : Number(row.signed_in),
});

export async function selectHeld(rows: Rows, ids: readonly string[]): Promise<PersonHeld[]> {
  const found: PersonHeld[] = [];
  for (let at = 0; at < ids.length; at += 500)
    found.push(
      ...(
        await people(rows)
          .where('a.id', 'in', ids.slice(at, at + 500))
          .execute()
      ).map(toPerson),
    );
  return found;
}

/** `siteIds` null: the whole city. */
export async function searchHeld(
  rows: Rows,
  search: string,
  siteIds: readonly string[] | null,
): Promise<PersonHeld[]> {
  if (siteIds?.length === 0) return [];
  const like = `%${search
    .trim()
    .toLowerCase()
    .replace(/[\\%_]/g, '')}%`;
  let query = people(rows)
    .where((w) =>
      w.or([
        w(w.fn<string>('lower', ['a.display_name']), 'like', like),
        w('a.login', 'like', like),
      ]),
    )
    .where('a.erased_at', 'is', null)
    .orderBy('a.display_name')
    .orderBy('a.id')
    .limit(30);
  if (siteIds !== null) query = query.where('a.site_id', 'in', [...siteIds]);
  return (await query.execute()).map(toPerson);
}

export async function selectLeavers(
  rows: Rows,
  filter: { before: number; siteIds: readonly string[] | null; limit: number },
): Promise<PersonHeld[]> {
  if (filter.siteIds?.length === 0) return [];
  let query = people(rows)
    .where('a.role', '=', 'pupil')
    .where('a.disabled_at', '<', filter.before)
    .where('a.erased_at', 'is', null)
    .orderBy('s.name')
    .orderBy('a.display_name')
    .orderBy('a.id')
    .limit(filter.limit);
  if (filter.siteIds !== null) query = query.where('a.site_id', 'in', [...filter.siteIds]);
  return (await query.execute()).map(toPerson);
}

/** Columns left out of an export, because whoever has them could sign in. */
const isSecret = (column: string): boolean =>
  /hash|secret|token|password|sealed|public_key|credential|counter|attachment|provider_session|^body$/.test(
    column,
  );

/** Every table with an `account_id` column, so that tables added later are exported and erased
 * automatically. */
export async function tablesOfAccounts(
  rows: Rows,
): Promise<{ name: keyof Tables; columns: string[] }[]> {
  const tables = await rows.introspection.getTables();
  return tables
    .filter(
      (table) => !table.isView && table.columns.some((column) => column.name === 'account_id'),
    )
    .map((table) => ({
      name: table.name as keyof Tables,
      columns: table.columns.map((column) => column.name),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

const plainValue = (value: unknown): unknown =>
  Buffer.isBuffer(value) ? value.toString('base64') : value;

const shownOf = (row: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(row)
      .filter(([column]) => !isSecret(column))
      .map(([column, value]) => [column, plainValue(value)]),
  );

/** All rows stored under this account, table by table, without secrets. */
export async function selectEverything(rows: Rows, id: string): Promise<Record<string, unknown>> {
  const account = await rows
    .selectFrom('accounts')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst();
  const everything: Record<string, unknown> = {
    account: account === undefined ? null : shownOf(account),
  };
  for (const { name } of await tablesOfAccounts(rows)) {
    const found = await sql<
      Record<string, unknown>
    >`select * from ${sql.table(name)} where account_id = ${id} limit 100000`.execute(rows);
    everything[name] = found.rows.map(shownOf);
  }
  everything['groups'] = await rows
    .selectFrom('groups as g')
    .innerJoin('group_members as m', 'm.group_id', 'g.id')
    .select(['g.id', 'g.kind', 'g.name'])
    .where('m.account_id', '=', id)
    .execute();
  everything['rules'] = (
    await rows
      .selectFrom('rule_versions')
      .selectAll()
      .where('body', 'like', `%"accountId":"${id}"%`)
      .execute()
  ).map(({ changed_by_name: _name, ...rule }) => rule);
  everything['rolloutsBy'] = await rows
    .selectFrom('rollouts')
    .select(['id', 'name', 'created_at'])
    .where((w) => w.or([w('created_by', '=', id), w('approved_by', '=', id)]))
    .execute();
  return everything;
}
