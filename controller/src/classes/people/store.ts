/** All SQL of importing people: reading known people, writing changes. */
import type { ImportRole } from '@preau/contract/people-import.ts';
import type { Rows } from '#src/platform/database.ts';
import { newId } from '#src/platform/secrets.ts';
import type { KnownPerson } from './plan-shapes.ts';

const slice = 400;
const rolesOf: Readonly<Record<string, ImportRole>> = {
  pupil: 'pupil',
  teacher: 'teacher',
  contact: 'teacher',
};

const peopleRows = (rows: Rows) =>
  rows
    .selectFrom('accounts')
    .select([
      'id',
      'site_id',
      'role',
      'display_name',
      'login',
      'external_id',
      'provider',
      'attributes',
      'disabled_at',
    ])
    .where('role', 'in', Object.keys(rolesOf))
    .where('erased_at', 'is', null);
type Raw = {
  id: string;
  site_id: string | null;
  role: string;
  display_name: string;
  login: string;
  external_id: string | null;
  provider: string;
  attributes: string;
  disabled_at: number | null;
};

async function withClasses(rows: Rows, people: readonly Raw[]): Promise<KnownPerson[]> {
  const found: { account_id: string; id: string; name: string }[] = [];
  for (let at = 0; at < people.length; at += slice) {
    found.push(
      ...(await rows
        .selectFrom('group_members as m')
        .innerJoin('groups as g', 'g.id', 'm.group_id')
        .select(['m.account_id', 'g.id', 'g.name'])
        .where('g.kind', '=', 'class')
        .where(
          'm.account_id',
          'in',
          people.slice(at, at + slice).map(({ id }) => id),
        )
        .execute()),
    );
  }
  const byPerson = Map.groupBy(found, ({ account_id }) => account_id);
  return people.map((row) => ({
    id: row.id,
    siteId: row.site_id ?? '',
    role: rolesOf[row.role] ?? 'pupil',
    name: row.display_name,
    login: row.login,
    externalId: row.external_id,
    byDirectory: row.provider !== 'local',
    disabled: row.disabled_at !== null,
    level: (JSON.parse(row.attributes) as { level?: string[] }).level?.[0] ?? null,
    classes: (byPerson.get(row.id) ?? []).map(({ id, name }) => ({ id, name })),
  }));
}

export async function selectKnownPeople(rows: Rows, siteId: string): Promise<KnownPerson[]> {
  return withClasses(rows, await peopleRows(rows).where('site_id', '=', siteId).execute());
}

/** Local accounts with these identifiers, outside these schools. */
export async function selectKnownElsewhere(
  rows: Rows,
  externalIds: readonly string[],
  siteIds: ReadonlySet<string>,
): Promise<KnownPerson[]> {
  const found =
    externalIds.length === 0
      ? []
      : await peopleRows(rows)
          .where('provider', '=', 'local')
          .where('external_id', 'in', [...externalIds])
          .execute();
  return withClasses(
    rows,
    found.filter(({ site_id }) => !siteIds.has(site_id ?? '')),
  );
}

export async function insertClassesOf(
  rows: Rows,
  classes: readonly { siteId: string; name: string }[],
): Promise<string[]> {
  const values = classes.map(({ siteId, name }) => ({
    id: newId('grp'),
    kind: 'class',
    name,
    site_id: siteId,
    external_id: null,
  }));
  for (let at = 0; at < values.length; at += slice)
    await rows
      .insertInto('groups')
      .values(values.slice(at, at + slice))
      .execute();
  return values.map(({ id }) => id);
}

export async function insertMembers(
  rows: Rows,
  members: readonly { groupId: string; accountId: string }[],
): Promise<void> {
  if (members.length > 0)
    await rows
      .insertInto('group_members')
      .values(
        members.map(({ groupId, accountId }) => ({ group_id: groupId, account_id: accountId })),
      )
      .onConflict((c) => c.doNothing())
      .execute();
}

export interface AccountChange {
  accountId: string;
  siteId: string;
  level: string | null;
  newName: string | null;
  externalId: string | null;
  enable: boolean;
}

/** Null fields stay unchanged. */
export async function updatePerson(rows: Rows, change: AccountChange): Promise<void> {
  const row = await rows
    .selectFrom('accounts')
    .select(['attributes', 'external_id', 'provider'])
    .where('id', '=', change.accountId)
    .executeTakeFirst();
  if (row === undefined) return;
  const attributes =
    change.level === null
      ? row.attributes
      : JSON.stringify({
          ...(JSON.parse(row.attributes) as Record<string, string[]>),
          level: [change.level],
        });
  await rows
    .updateTable('accounts')
    .set({
      site_id: change.siteId,
      attributes,
      ...(change.newName === null ? {} : { display_name: change.newName }),
      // A directory's own identifier must not be replaced.
      ...(change.externalId === null || row.external_id !== null || row.provider !== 'local'
        ? {}
        : { external_id: change.externalId }),
      ...(change.enable ? { disabled_at: null } : {}),
    })
    .where('id', '=', change.accountId)
    .execute();
}

/** False when they were disabled already. */
export async function disablePerson(rows: Rows, accountId: string, now: number): Promise<boolean> {
  const { numUpdatedRows } = await rows
    .updateTable('accounts')
    .set({ disabled_at: now })
    .where('id', '=', accountId)
    .where('disabled_at', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}
