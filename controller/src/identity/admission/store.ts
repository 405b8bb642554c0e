/** All SQL of accounts that belong to a provider, and of its groups. */
import type { Role } from '@preau/contract/account.ts';
import type { Rows } from '#src/platform/database.ts';
import { newId } from '#src/platform/secrets.ts';
import type { VouchedGroup } from './vouch.ts';

export interface KnownPerson {
  id: string;
  externalId: string;
  login: string;
  displayName: string;
  role: Role;
  roleByHand: boolean;
  siteId: string | null;
  mail: string | null;
  attributes: string;
  disabled: boolean;
}
const known = (rows: Rows, provider: string) =>
  rows
    .selectFrom('accounts')
    .select([
      'id',
      'external_id',
      'login',
      'display_name',
      'role',
      'role_by_hand',
      'site_id',
      'mail',
      'attributes',
      'disabled_at',
    ])
    .where('provider', '=', provider)
    .where('external_id', 'is not', null);
const toKnown = (
  row: Awaited<ReturnType<ReturnType<typeof known>['execute']>>[number],
): KnownPerson => ({
  id: row.id,
  externalId: row.external_id ?? '',
  login: row.login,
  displayName: row.display_name,
  role: row.role as Role,
  roleByHand: row.role_by_hand === 1,
  siteId: row.site_id,
  mail: row.mail,
  attributes: row.attributes,
  disabled: row.disabled_at !== null,
});
export async function selectKnownPerson(
  rows: Rows,
  provider: string,
  externalId: string,
): Promise<KnownPerson | undefined> {
  const row = await known(rows, provider).where('external_id', '=', externalId).executeTakeFirst();
  return row && toKnown(row);
}
export const selectKnownPeople = async (rows: Rows, provider: string): Promise<KnownPerson[]> =>
  (await known(rows, provider).execute()).map(toKnown);
/** Logins that begin like this one, to find a free one; empty when this login is itself free, the
 * usual case. */
export async function selectLoginsLike(rows: Rows, login: string): Promise<Set<string>> {
  if ((await selectAccountIdByLogin(rows, login)) === undefined) return new Set();
  return new Set(
    (
      await rows
        .selectFrom('accounts')
        .select('login')
        .where((where) =>
          where.or([
            where('login', '=', login),
            where('login', 'like', `${login.replace(/[\\%_]/g, '')}%`),
          ]),
        )
        .execute()
    ).map((row) => row.login),
  );
}
export async function updatePerson(
  rows: Rows,
  id: string,
  change: {
    displayName: string;
    role: Role;
    siteId: string | null;
    mail: string | null;
    attributes: string;
  },
): Promise<void> {
  await rows
    .updateTable('accounts')
    .set({
      display_name: change.displayName,
      role: change.role,
      site_id: change.siteId,
      mail: change.mail,
      attributes: change.attributes,
      disabled_at: null,
    })
    .where('id', '=', id)
    .execute();
}
export async function disablePeople(
  rows: Rows,
  ids: readonly string[],
  now: number,
): Promise<void> {
  for (let at = 0; at < ids.length; at += 500)
    await rows
      .updateTable('accounts')
      .set({ disabled_at: now })
      .where('id', 'in', ids.slice(at, at + 500))
      .where('disabled_at', 'is', null)
      .execute();
}
export async function selectSitesByUai(rows: Rows): Promise<Map<string, string>> {
  return new Map(
    (await rows.selectFrom('sites').select(['id', 'uai']).execute()).map((row) => [
      row.uai,
      row.id,
    ]),
  );
}

/** Maps the provider's ids of its groups to ours. */
export async function selectProviderGroups(
  rows: Rows,
  provider: string,
): Promise<Map<string, string>> {
  return new Map(
    (
      await rows
        .selectFrom('groups')
        .select(['id', 'external_id'])
        .where('provider', '=', provider)
        .execute()
    ).map((row) => [row.external_id ?? '', row.id]),
  );
}
export async function insertProviderGroup(
  rows: Rows,
  provider: string,
  group: VouchedGroup,
  siteId: string | null,
): Promise<string> {
  const id = newId('grp');
  // Two concurrent sign-ins may both create the group: the first insert wins.
  await rows
    .insertInto('groups')
    .values({
      id,
      kind: group.kind,
      name: group.name,
      site_id: siteId,
      provider,
      external_id: group.externalId,
    })
    .onConflict((on) => on.columns(['provider', 'external_id']).doNothing())
    .execute();
  return (
    await rows
      .selectFrom('groups')
      .select('id')
      .where('provider', '=', provider)
      .where('external_id', '=', group.externalId)
      .executeTakeFirstOrThrow()
  ).id;
}
/** Which groups of this provider people are in; `accountId` null: memberships of everybody. */
export async function selectMemberships(
  rows: Rows,
  provider: string,
  accountId: string | null,
): Promise<{ accountId: string; groupId: string }[]> {
  const query = rows
    .selectFrom('group_members as m')
    .innerJoin('groups as g', 'g.id', 'm.group_id')
    .select(['m.account_id', 'm.group_id'])
    .where('g.provider', '=', provider);
  return (
    await (accountId === null ? query : query.where('m.account_id', '=', accountId)).execute()
  ).map((row) => ({ accountId: row.account_id, groupId: row.group_id }));
}
export async function changeMemberships(
  rows: Rows,
  accountId: string,
  add: readonly string[],
  remove: readonly string[],
): Promise<void> {
  if (remove.length > 0)
    await rows
      .deleteFrom('group_members')
      .where('account_id', '=', accountId)
      .where('group_id', 'in', [...remove])
      .execute();
  if (add.length > 0)
    await rows
      .insertInto('group_members')
      .values(add.map((group_id) => ({ group_id, account_id: accountId })))
      .onConflict((on) => on.doNothing())
      .execute();
}

export async function selectAccountIdByLogin(
  rows: Rows,
  login: string,
): Promise<string | undefined> {
  return (
    await rows.selectFrom('accounts').select('id').where('login', '=', login).executeTakeFirst()
  )?.id;
}
