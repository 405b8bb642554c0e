/** All SQL of accounts and groups. */

import type { Account, Group, Person, Role } from '@preau/contract/account.ts';
import { isSqlite, type Rows } from '#src/platform/database.ts';
import { newId } from '#src/platform/secrets.ts';

export interface NewAccount {
  login: string;
  displayName: string;
  role: Role;
  siteId: string | null;
  passwordHash: string | null;
  /** The provider that vouches for them, and its id for them; local when left out. */
  provider?: string;
  externalId?: string | null;
  mail?: string | null;
  attributes?: Person['attributes'];
}

export async function insertAccounts(
  rows: Rows,
  accounts: readonly NewAccount[],
  now: number,
): Promise<string[]> {
  const first = await takeNumbers(rows, accounts.length);
  const values = accounts.map((account, index) => ({
    id: newId('acc'),
    number: first + index,
    login: account.login,
    display_name: account.displayName,
    role: account.role,
    site_id: account.siteId,
    password_hash: account.passwordHash,
    created_at: now,
    provider: account.provider ?? 'local',
    external_id: account.externalId ?? null,
    mail: account.mail ?? null,
    attributes: JSON.stringify(account.attributes ?? {}),
    disabled_at: null,
    site_ids: null,
  }));
  for (let at = 0; at < values.length; at += 500)
    await rows
      .insertInto('accounts')
      .values(values.slice(at, at + 500))
      .execute();
  return values.map((value) => value.id);
}

/** Takes as many numbers as are needed and returns the first. */
async function takeNumbers(rows: Rows, count: number): Promise<number> {
  const { next } = await rows
    .updateTable('account_numbers')
    .set((e) => ({ next: e('next', '+', count) }))
    .returning('next')
    .executeTakeFirstOrThrow();
  return next - count;
}

export async function insertGroup(
  rows: Rows,
  group: Omit<Group, 'id'>,
  memberIds: readonly string[],
): Promise<string> {
  const id = newId('grp');
  await rows
    .insertInto('groups')
    .values({ id, kind: group.kind, name: group.name, site_id: group.siteId, external_id: null })
    .execute();
  for (let at = 0; at < memberIds.length; at += 500)
    await rows
      .insertInto('group_members')
      .values(
        memberIds.slice(at, at + 500).map((accountId) => ({ group_id: id, account_id: accountId })),
      )
      .execute();
  return id;
}

export const accountsWithSite = (rows: Rows) =>
  rows
    .selectFrom('accounts')
    .leftJoin('sites', 'sites.id', 'accounts.site_id')
    .select([
      'accounts.id',
      'accounts.login',
      'accounts.display_name',
      'accounts.role',
      'accounts.site_id',
      'accounts.site_ids',
      'sites.name as site_name',
    ]);

type AccountRow = {
  id: string;
  login: string;
  display_name: string;
  role: string;
  site_id: string | null;
  site_ids: string | null;
  site_name: string | null;
};
export const toAccount = (row: AccountRow): Account => ({
  id: row.id,
  login: row.login,
  displayName: row.display_name,
  role: row.role as Role,
  siteId: row.site_id,
  siteName: row.site_name,
  siteIds: row.site_ids === null ? null : (JSON.parse(row.site_ids) as string[]),
});

export async function selectAccount(rows: Rows, id: string): Promise<Account | undefined> {
  const row = await accountsWithSite(rows).where('accounts.id', '=', id).executeTakeFirst();
  return row && toAccount(row);
}

/** Locks the account's row until the transaction ends. SQLite has only one writer at a time. */
export async function lockAccount(rows: Rows, id: string): Promise<void> {
  if (!isSqlite(rows))
    await rows
      .selectFrom('accounts')
      .select('id')
      .where('id', '=', id)
      .forNoKeyUpdate()
      .executeTakeFirst();
}

/** Whether somebody has this login, and the password hash of a local account that may sign in;
 * null: it has none. */
export async function selectLogin(
  rows: Rows,
  login: string,
): Promise<{ id: string; passwordHash: string | null } | undefined> {
  const row = await rows
    .selectFrom('accounts')
    .select(['id', 'password_hash', 'provider', 'disabled_at'])
    .where('login', '=', login)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const isLocal = row.provider === 'local' && row.disabled_at === null;
  return { id: row.id, passwordHash: isLocal ? row.password_hash : null };
}
export async function selectPasswordHashOf(rows: Rows, id: string): Promise<string | null> {
  return (
    (
      await rows
        .selectFrom('accounts')
        .select('password_hash')
        .where('id', '=', id)
        .executeTakeFirst()
    )?.password_hash ?? null
  );
}

/** What evaluating the rules needs to know of an account, in one query. */
export async function selectPerson(
  rows: Rows,
  account: { id: string; role: Role; siteId: string | null },
): Promise<Person> {
  const found = await rows
    .selectFrom('accounts as a')
    .leftJoin('group_members as m', 'm.account_id', 'a.id')
    .select(['a.attributes', 'm.group_id'])
    .where('a.id', '=', account.id)
    .execute();
  return {
    id: account.id,
    role: account.role,
    siteId: account.siteId,
    groupIds: found.flatMap((row) => (row.group_id === null ? [] : [row.group_id])),
    attributes: attributesOf(found[0]?.attributes),
  };
}

/** Everybody who may sign in, as rules see them, with their names; `siteIds` null: the whole
 * city. */
export async function selectPeople(
  rows: Rows,
  siteIds: readonly string[] | null,
): Promise<(Person & { displayName: string; login: string })[]> {
  let query = rows
    .selectFrom('accounts')
    .select(['id', 'login', 'display_name', 'role', 'site_id', 'attributes'])
    .where('disabled_at', 'is', null)
    .orderBy('display_name');
  let members = rows.selectFrom('group_members as m').select(['m.account_id', 'm.group_id']);
  if (siteIds !== null) {
    query = query.where('site_id', 'in', [...siteIds]);
    members = members
      .innerJoin('accounts as a', 'a.id', 'm.account_id')
      .where('a.site_id', 'in', [...siteIds]);
  }
  const groups = new Map<string, string[]>();
  for (const { account_id, group_id } of await members.execute()) {
    const known = groups.get(account_id);
    if (known === undefined) groups.set(account_id, [group_id]);
    else known.push(group_id);
  }
  return (await query.execute()).map((row) => ({
    id: row.id,
    login: row.login,
    displayName: row.display_name,
    role: row.role as Role,
    siteId: row.site_id,
    groupIds: groups.get(row.id) ?? [],
    attributes: attributesOf(row.attributes),
  }));
}

const attributesOf = (text: string | undefined): Person['attributes'] =>
  text === undefined || text === '{}' ? noAttributes : (JSON.parse(text) as Person['attributes']);
const noAttributes: Person['attributes'] = {};

/** False when the language was this one already. */
export async function saveLanguage(
  rows: Rows,
  accountId: string,
  language: 'fr' | 'en',
): Promise<boolean> {
  return (
    (
      await rows
        .updateTable('accounts')
        .set({ language })
        .where('id', '=', accountId)
        .where('language', '!=', language)
        .executeTakeFirst()
    ).numUpdatedRows > 0n
  );
}

export async function countSites(rows: Rows, ids: readonly string[]): Promise<number> {
  return (
    await rows
      .selectFrom('sites')
      .select('id')
      .where('id', 'in', [...ids])
      .execute()
  ).length;
}

/** Null stands for accounts that belong to no school. */
export async function selectSitesOfAccounts(
  rows: Rows,
  ids: readonly string[],
): Promise<(string | null)[]> {
  const found = await rows
    .selectFrom('accounts')
    .select('site_id')
    .distinct()
    .where('id', 'in', [...ids])
    .execute();
  return found.map((row) => row.site_id);
}

/** Null stands for groups that belong to no school. */
export async function selectSitesOfGroups(
  rows: Rows,
  ids: readonly string[],
): Promise<(string | null)[]> {
  const found = await rows
    .selectFrom('groups')
    .select('site_id')
    .distinct()
    .where('id', 'in', [...ids])
    .execute();
  return found.map((row) => row.site_id);
}
