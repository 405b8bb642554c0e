/** All SQL of people as the console shows them: paged lists, roles, photos. */
import type { Role } from '@preau/contract/account.ts';
import { fold } from '@preau/contract/fold.ts';
import type { PersonRow } from '@preau/contract/identity.ts';
import type { Rows } from '#src/platform/database.ts';

export interface PeopleSearch {
  id?: string;
  search: string | null;
  siteIds: readonly string[] | null;
  siteId: string | null;
  role: string | null;
  provider: string | null;
  disabled: boolean;
  after: string | null;
  limit: number;
}
export async function selectPeoplePage(rows: Rows, search: PeopleSearch): Promise<PersonRow[]> {
  let query = rows
    .selectFrom('accounts as a')
    .leftJoin('sites as s', 's.id', 'a.site_id')
    .leftJoin('account_photos as p', 'p.account_id', 'a.id')
    .select([
      'a.id',
      'a.login',
      'a.display_name',
      'a.role',
      'a.site_id',
      'a.site_ids',
      's.name as site_name',
      'a.provider',
      'a.mail',
      'a.disabled_at',
      'a.role_by_hand',
      'p.account_id as photo_of',
    ])
    .where('a.erased_at', 'is', null)
    .orderBy('a.display_name')
    .orderBy('a.id')
    .limit(search.limit);
  for (const word of (search.search ?? '')
    .split(/\s+/)
    .filter((part) => part !== '')
    .slice(0, 5)) {
    const like = (text: string) => `%${text.replace(/[\\%_]/g, '')}%`;
    // SQLite folds the case of ASCII letters only: a name with an accent is found as typed, by its
    // login, in lower case, or with a capital first letter.
    const ways = [
      like(word.toLowerCase()),
      like(word),
      like(word.charAt(0).toUpperCase() + word.slice(1)),
    ];
    const plain = like(fold(word));
    query = query.where((where) =>
      where.or([
        where('a.login', 'like', plain),
        ...ways.flatMap((way) => [
          where('a.display_name', 'like', way),
          where('s.name', 'like', way),
        ]),
        where(where.fn<string>('lower', ['a.display_name']), 'like', like(word.toLowerCase())),
        where(where.fn<string>('lower', ['s.name']), 'like', like(word.toLowerCase())),
      ]),
    );
  }
  if (search.id !== undefined) query = query.where('a.id', '=', search.id);
  if (search.siteIds !== null) query = query.where('a.site_id', 'in', [...search.siteIds]);
  if (search.siteId !== null) query = query.where('a.site_id', '=', search.siteId);
  if (search.role !== null) query = query.where('a.role', '=', search.role);
  if (search.provider !== null) query = query.where('a.provider', '=', search.provider);
  query = search.disabled ? query.where('a.disabled_at', 'is not', null) : query;
  if (search.after !== null) {
    const from = await rows
      .selectFrom('accounts')
      .select(['id', 'display_name'])
      .where('id', '=', search.after)
      .executeTakeFirst();
    if (from !== undefined)
      query = query.where((where) =>
        where.or([
          where('a.display_name', '>', from.display_name),
          where.and([where('a.display_name', '=', from.display_name), where('a.id', '>', from.id)]),
        ]),
      );
  }
  const found = await query.execute();
  const ids = found.map((row) => row.id);
  const [groups, totp, keys] =
    ids.length === 0
      ? [[], [], []]
      : [
          await rows
            .selectFrom('group_members as m')
            .innerJoin('groups as g', 'g.id', 'm.group_id')
            .select(['m.account_id', 'g.name'])
            .where('m.account_id', 'in', ids)
            .orderBy('g.name')
            .execute(),
          await rows
            .selectFrom('totp_secrets')
            .select('account_id')
            .where('account_id', 'in', ids)
            .where('confirmed_at', 'is not', null)
            .execute(),
          await rows
            .selectFrom('passkeys')
            .select('account_id')
            .where('account_id', 'in', ids)
            .execute(),
        ];
  const factors = new Set([...totp, ...keys].map((row) => row.account_id));
  return found.map((row) => ({
    id: row.id,
    login: row.login,
    displayName: row.display_name,
    role: row.role as Role,
    siteId: row.site_id,
    siteName: row.site_name,
    siteIds: row.site_ids === null ? null : (JSON.parse(row.site_ids) as string[]),
    provider: row.provider,
    mail: row.mail,
    groups: groups.flatMap((group) => (group.account_id === row.id ? [group.name] : [])),
    disabledAt: row.disabled_at,
    roleByHand: row.role_by_hand === 1,
    secondFactor: factors.has(row.id),
    hasPhoto: row.photo_of !== null,
  }));
}
export async function selectPersonRow(rows: Rows, id: string): Promise<PersonRow | undefined> {
  const [person] = await selectPeoplePage(rows, {
    id,
    search: null,
    siteIds: null,
    siteId: null,
    role: null,
    provider: null,
    disabled: false,
    after: null,
    limit: 1,
  });
  return person;
}
export async function updateRole(
  rows: Rows,
  id: string,
  change: { role: Role; siteId: string | null; siteIds: readonly string[] | null; byHand: boolean },
): Promise<void> {
  await rows
    .updateTable('accounts')
    .set({
      role: change.role,
      site_id: change.siteId,
      site_ids: change.siteIds === null ? null : JSON.stringify(change.siteIds),
      role_by_hand: change.byHand ? 1 : 0,
    })
    .where('id', '=', id)
    .execute();
}
export async function selectAdministratorIds(rows: Rows): Promise<string[]> {
  return (
    await rows
      .selectFrom('accounts')
      .select('id')
      .where('role', '=', 'administrator')
      .where('disabled_at', 'is', null)
      .execute()
  ).map((row) => row.id);
}

export async function keepPhoto(
  rows: Rows,
  accountId: string,
  photo: Buffer | null,
): Promise<void> {
  if (photo === null)
    await rows.deleteFrom('account_photos').where('account_id', '=', accountId).execute();
  else
    await rows
      .insertInto('account_photos')
      .values({ account_id: accountId, jpeg: photo })
      .onConflict((on) => on.column('account_id').doUpdateSet({ jpeg: photo }))
      .execute();
}
export async function selectPhoto(rows: Rows, accountId: string): Promise<Buffer | undefined> {
  return (
    await rows
      .selectFrom('account_photos')
      .select('jpeg')
      .where('account_id', '=', accountId)
      .executeTakeFirst()
  )?.jpeg;
}
