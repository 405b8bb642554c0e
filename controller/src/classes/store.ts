/** All SQL of classes and their pupils. A class is a group of the kind `class`; its pupils are
 * its members with the role `pupil`. */
import { sql } from 'kysely';
import type { Rows } from '#src/platform/database.ts';
import { newId } from '#src/platform/secrets.ts';

export interface ClassRow {
  id: string;
  name: string;
  siteId: string;
  siteName: string;
  provider: string;
}

const classRows = (rows: Rows) =>
  rows
    .selectFrom('groups as g')
    .innerJoin('sites as s', 's.id', 'g.site_id')
    .select(['g.id', 'g.name', 'g.site_id', 's.name as site_name', 'g.provider'])
    .where('g.kind', '=', 'class');
type RawClass = {
  id: string;
  name: string;
  site_id: string | null;
  site_name: string;
  provider: string;
};
const toClass = (row: RawClass): ClassRow => ({
  id: row.id,
  name: row.name,
  siteId: row.site_id ?? '',
  siteName: row.site_name,
  provider: row.provider,
});

/** By school, then by name; `siteIds` null: the whole city. */
export async function selectClasses(
  rows: Rows,
  siteIds: readonly string[] | null,
): Promise<ClassRow[]> {
  if (siteIds !== null && siteIds.length === 0) return [];
  const query = classRows(rows).orderBy('s.name').orderBy('g.name').orderBy('g.id');
  return (
    await (siteIds === null ? query : query.where('g.site_id', 'in', [...siteIds])).execute()
  ).map(toClass);
}

export async function selectClass(rows: Rows, id: string): Promise<ClassRow | undefined> {
  const row = await classRows(rows).where('g.id', '=', id).executeTakeFirst();
  return row && toClass(row);
}

export async function selectClassCounts(
  rows: Rows,
  siteIds: readonly string[] | null,
): Promise<Map<string, { pupils: number; badges: number; pictures: number }>> {
  const query = rows
    .selectFrom('group_members as m')
    .innerJoin('groups as g', 'g.id', 'm.group_id')
    .innerJoin('accounts as a', 'a.id', 'm.account_id')
    .leftJoin('badges as b', 'b.account_id', 'a.id')
    .leftJoin('picture_passwords as p', 'p.account_id', 'a.id')
    .select((e) => [
      'm.group_id',
      e.fn.countAll<number>().as('pupils'),
      sql<number>`sum(case when b.serial is not null and b.voided_at is null then 1 else 0 end)`.as(
        'badges',
      ),
      e.fn.count<number>('p.account_id').as('pictures'),
    ])
    .where('g.kind', '=', 'class')
    .where('a.role', '=', 'pupil')
    .where('a.disabled_at', 'is', null)
    .groupBy('m.group_id');
  const found = await (siteIds === null
    ? query
    : query.where('g.site_id', 'in', [...siteIds])
  ).execute();
  return new Map(
    found.map((row) => [
      row.group_id,
      { pupils: Number(row.pupils), badges: Number(row.badges), pictures: Number(row.pictures) },
    ]),
  );
}

export interface PupilRow {
  id: string;
  login: string;
  displayName: string;
  siteId: string | null;
  badge: { serial: number; issuedAt: number; issuedOn: string; voidedAt: number | null } | null;
  hasPictures: boolean;
}

const pupilRows = (rows: Rows) =>
  rows
    .selectFrom('accounts as a')
    .leftJoin('badges as b', 'b.account_id', 'a.id')
    .leftJoin('picture_passwords as p', 'p.account_id', 'a.id')
    .select([
      'a.id',
      'a.login',
      'a.display_name',
      'a.site_id',
      'b.serial',
      'b.issued_at',
      'b.issued_on',
      'b.voided_at',
      'p.set_at',
    ])
    .where('a.role', '=', 'pupil')
    .where('a.disabled_at', 'is', null);
type RawPupil = {
  id: string;
  login: string;
  display_name: string;
  site_id: string | null;
  serial: number | null;
  issued_at: number | null;
  issued_on: string | null;
  voided_at: number | null;
  set_at: number | null;
};
const toPupil = (row: RawPupil): PupilRow => ({
  id: row.id,
  login: row.login,
  displayName: row.display_name,
  siteId: row.site_id,
  hasPictures: row.set_at !== null,
  badge:
    row.serial === null
      ? null
      : {
          serial: row.serial,
          issuedAt: row.issued_at ?? 0,
          issuedOn: row.issued_on ?? '',
          voidedAt: row.voided_at,
        },
});

/** Pupils of a class, in French alphabetical order, independent of the database's collation. */
export async function selectPupils(rows: Rows, groupId: string): Promise<PupilRow[]> {
  return (
    await pupilRows(rows)
      .innerJoin('group_members as m', 'm.account_id', 'a.id')
      .where('m.group_id', '=', groupId)
      .orderBy('a.id')
      .execute()
  )
    .map(toPupil)
    .sort((a, b) => a.displayName.localeCompare(b.displayName, 'fr'));
}

/** Undefined also when the account is disabled or not a pupil’s. */
export async function selectPupil(rows: Rows, id: string): Promise<PupilRow | undefined> {
  const row = await pupilRows(rows).where('a.id', '=', id).executeTakeFirst();
  return row && toPupil(row);
}

/** Pupils of a school by any part of their name, with the classes they are in. */
export async function searchPupils(
  rows: Rows,
  siteId: string,
  words: readonly string[],
  limit: number,
): Promise<{ id: string; displayName: string; classes: string[]; groupIds: string[] }[]> {
  const people = await rows
    .selectFrom('accounts as a')
    .select(['a.id', 'a.display_name'])
    .where('a.site_id', '=', siteId)
    .where('a.role', '=', 'pupil')
    .where('a.disabled_at', 'is', null)
    .where((where) =>
      where.and(
        words.map((word) =>
          where(where.fn<string>('lower', ['a.display_name']), 'like', `%${word}%`),
        ),
      ),
    )
    .orderBy('a.display_name')
    .limit(limit)
    .execute();
  if (people.length === 0) return [];
  const groups = await rows
    .selectFrom('group_members as m')
    .innerJoin('groups as g', 'g.id', 'm.group_id')
    .select(['m.account_id', 'g.id', 'g.name'])
    .where('g.kind', '=', 'class')
    .where(
      'm.account_id',
      'in',
      people.map(({ id }) => id),
    )
    .orderBy('g.name')
    .execute();
  const byPerson = Map.groupBy(groups, (group) => group.account_id);
  return people.map((person) => {
    const own = byPerson.get(person.id) ?? [];
    return {
      id: person.id,
      displayName: person.display_name,
      classes: own.map(({ name }) => name),
      groupIds: own.map(({ id }) => id),
    };
  });
}

export async function insertClass(rows: Rows, siteId: string, name: string): Promise<string> {
  const id = newId('grp');
  await rows
    .insertInto('groups')
    .values({ id, kind: 'class', name, site_id: siteId, external_id: null })
    .execute();
  return id;
}

export async function updateClassName(rows: Rows, id: string, name: string): Promise<void> {
  await rows.updateTable('groups').set({ name }).where('id', '=', id).execute();
}

/** Moves a person to this class; `groupId` null: removes them from every class. Groups that are
 * not classes stay as they are. */
export async function setClass(
  rows: Rows,
  accountId: string,
  groupId: string | null,
): Promise<void> {
  await rows
    .deleteFrom('group_members')
    .where('account_id', '=', accountId)
    .where('group_id', 'in', rows.selectFrom('groups').select('id').where('kind', '=', 'class'))
    .execute();
  if (groupId !== null)
    await rows
      .insertInto('group_members')
      .values({ group_id: groupId, account_id: accountId })
      .execute();
}

export async function deleteMember(
  rows: Rows,
  groupId: string,
  accountId: string,
): Promise<boolean> {
  return (
    (
      await rows
        .deleteFrom('group_members')
        .where('group_id', '=', groupId)
        .where('account_id', '=', accountId)
        .executeTakeFirst()
    ).numDeletedRows > 0n
  );
}

export async function isMember(rows: Rows, groupId: string, accountId: string): Promise<boolean> {
  return (
    (await rows
      .selectFrom('group_members')
      .select('account_id')
      .where('group_id', '=', groupId)
      .where('account_id', '=', accountId)
      .executeTakeFirst()) !== undefined
  );
}

export async function selectSiteNames(
  rows: Rows,
): Promise<{ id: string; name: string; uai: string; settings: string }[]> {
  return rows
    .selectFrom('sites')
    .select(['id', 'name', 'uai', 'settings'])
    .orderBy('name')
    .execute();
}

/** Which of these logins are taken. */
export async function selectTakenLogins(
  rows: Rows,
  names: readonly string[],
): Promise<Set<string>> {
  const taken = new Set<string>();
  for (let at = 0; at < names.length; at += 500)
    for (const { login } of await rows
      .selectFrom('accounts')
      .select('login')
      .where('login', 'in', names.slice(at, at + 500))
      .execute())
      taken.add(login);
  return taken;
}
