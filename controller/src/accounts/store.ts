/** All SQL of accounts, groups and sign-ins. */
import type { Account, Group, Person, Role } from '@preau/contract/account.ts';
import type { Rows } from '#src/platform/database.ts';
import { newId } from '#src/platform/secrets.ts';

export interface NewAccount {
  login: string;
  displayName: string;
  role: Role;
  siteId: string | null;
  passwordHash: string | null;
}

export async function insertAccounts(rows: Rows, accounts: readonly NewAccount[], now: number): Promise<string[]> {
  const values = accounts.map((account) => ({
    id: newId('acc'),
    login: account.login,
    display_name: account.displayName,
    role: account.role,
    site_id: account.siteId,
    password_hash: account.passwordHash,
    created_at: now,
  }));
  for (let at = 0; at < values.length; at += 500) await rows.insertInto('accounts').values(values.slice(at, at + 500)).execute();
  return values.map((value) => value.id);
}

export async function insertGroup(rows: Rows, group: Omit<Group, 'id'>, memberIds: readonly string[]): Promise<string> {
  const id = newId('grp');
  await rows.insertInto('groups').values({ id, kind: group.kind, name: group.name, site_id: group.siteId }).execute();
  for (let at = 0; at < memberIds.length; at += 500)
    await rows.insertInto('group_members').values(memberIds.slice(at, at + 500).map((accountId) => ({ group_id: id, account_id: accountId }))).execute();
  return id;
}

const accountsWithSite = (rows: Rows) =>
  rows.selectFrom('accounts').leftJoin('sites', 'sites.id', 'accounts.site_id').select(['accounts.id', 'accounts.login', 'accounts.display_name', 'accounts.role', 'accounts.site_id', 'sites.name as site_name']);

type AccountRow = { id: string; login: string; display_name: string; role: string; site_id: string | null; site_name: string | null };
const toAccount = (row: AccountRow): Account => ({ id: row.id, login: row.login, displayName: row.display_name, role: row.role as Role, siteId: row.site_id, siteName: row.site_name });

export async function selectAccount(rows: Rows, id: string): Promise<Account | undefined> {
  const row = await accountsWithSite(rows).where('accounts.id', '=', id).executeTakeFirst();
  return row && toAccount(row);
}

export async function selectPasswordHash(rows: Rows, login: string): Promise<{ id: string; passwordHash: string | null } | undefined> {
  const row = await rows.selectFrom('accounts').select(['id', 'password_hash']).where('login', '=', login).executeTakeFirst();
  return row && { id: row.id, passwordHash: row.password_hash };
}

export async function insertSignIn(rows: Rows, signIn: { tokenHash: string; accountId: string; now: number; expiresAt: number }): Promise<void> {
  await rows.insertInto('sign_ins').values({ token_hash: signIn.tokenHash, account_id: signIn.accountId, created_at: signIn.now, expires_at: signIn.expiresAt }).execute();
}

export async function selectSignedIn(rows: Rows, tokenHash: string, now: number): Promise<Account | undefined> {
  const row = await accountsWithSite(rows).innerJoin('sign_ins', 'sign_ins.account_id', 'accounts.id').where('sign_ins.token_hash', '=', tokenHash).where('sign_ins.expires_at', '>', now).executeTakeFirst();
  return row && toAccount(row);
}

export async function deleteSignIn(rows: Rows, tokenHash: string): Promise<void> {
  await rows.deleteFrom('sign_ins').where('token_hash', '=', tokenHash).execute();
}

export async function deleteExpiredSignIns(rows: Rows, now: number): Promise<void> {
  await rows.deleteFrom('sign_ins').where('expires_at', '<', now).execute();
}

export async function selectGroupIds(rows: Rows, accountId: string): Promise<string[]> {
  return (await rows.selectFrom('group_members').select('group_id').where('account_id', '=', accountId).execute()).map((row) => row.group_id);
}

/** What the publication decision needs to know of an account. */
export async function selectPerson(rows: Rows, account: { id: string; role: Role; siteId: string | null }): Promise<Person> {
  return { id: account.id, role: account.role, siteId: account.siteId, groupIds: await selectGroupIds(rows, account.id) };
}

export async function searchAudiences(rows: Rows, search: string): Promise<{ people: Account[]; groups: Group[] }> {
  const like = `%${search.toLowerCase().replace(/[\\%_]/g, '')}%`;
  const people = await accountsWithSite(rows)
    .where((where) => where.or([where(where.fn<string>('lower', ['accounts.display_name']), 'like', like), where('accounts.login', 'like', like)]))
    .orderBy('accounts.display_name').limit(20).execute();
  const groups = await rows.selectFrom('groups').leftJoin('sites', 'sites.id', 'groups.site_id').select(['groups.id', 'groups.kind', 'groups.name', 'groups.site_id', 'sites.name as site_name'])
    .where((where) => where.or([where(where.fn<string>('lower', ['groups.name']), 'like', like), where(where.fn<string>('lower', ['sites.name']), 'like', like)]))
    .orderBy('groups.name').limit(20).execute();
  return {
    people: people.map(toAccount),
    groups: groups.map((row) => ({ id: row.id, kind: row.kind as Group['kind'], name: row.site_name === null ? row.name : `${row.name}, ${row.site_name}`, siteId: row.site_id })),
  };
}
