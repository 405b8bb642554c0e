/** All SQL about what is held of people, for how long, and of statistics. */

import type { Role } from '@preau/contract/account.ts';
import { erasedName } from '@preau/contract/audit-chain.ts';
import {
  defaultPrivacy,
  type PersonHeld,
  type PrivacySettings,
  smallestGroup,
  type UsageRow,
} from '@preau/contract/privacy.ts';
import { liveStates } from '@preau/contract/session.ts';
import { sql } from 'kysely';
import type { Rows } from '#src/platform/database.ts';
import { newSalt } from '#src/platform/secrets.ts';
import type { Tables } from '#src/platform/tables.ts';

// ---- settings, and what was last verified ---------------------------------------------------------------------------------

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
  name: 'privacy' | 'audit_verified',
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
/** True for the first who asks in a day. */
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
export const selectVerified = async (rows: Rows): Promise<unknown> =>
  selectNamed(rows, 'audit_verified');

// ---- people ---------------------------------------------------------------------------------------------------------------

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

/** `siteIds` null: of the whole city. */
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

export interface Named {
  id: string;
  names: string[];
  siteId: string | null;
}
export async function selectNames(rows: Rows, ids: readonly string[]): Promise<Named[]> {
  const found = await rows
    .selectFrom('accounts')
    .select(['id', 'login', 'display_name', 'mail', 'site_id'])
    .where('id', 'in', [...ids])
    .execute();
  return found.map((row) => ({
    id: row.id,
    siteId: row.site_id,
    names: [row.display_name, row.login, ...(row.mail === null ? [] : [row.mail])],
  }));
}

/** What leaves nobody's hands: not in an export, for it opens doors. */
const isSecret = (column: string): boolean =>
  /hash|secret|token|password|sealed|public_key|credential|counter|attachment|provider_session|^body$/.test(
    column,
  );

/** Every table that says `account_id`, whoever made it: what comes later is exported and erased
 * without being thought of. */
async function tablesOfAccounts(rows: Rows): Promise<{ name: keyof Tables; columns: string[] }[]> {
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

/** Everything that is kept under this account, table by table, without secrets. */
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

// ---- erasing --------------------------------------------------------------------------------------------------------------

/** Kept, for they count or are answered by others: without words of the person. Everything else
 * under an account goes. */
const kept = ['sessions', 'requests', 'request_messages'];
const namedBeside = [
  ['rule_versions', 'changed_by', 'changed_by_name'],
  ['rollouts', 'created_by', 'created_by_name'],
  ['rollouts', 'approved_by', 'approved_by_name'],
  ['scripts', 'created_by', 'created_by_name'],
  ['scripts', 'reviewed_by', 'reviewed_by_name'],
] as const;
/** What stays of an account: that somebody of that role was at that school. */
const staysOfAccount = [
  'id',
  'login',
  'display_name',
  'role',
  'site_id',
  'created_at',
  'provider',
  'attributes',
  'disabled_at',
  'erased_at',
  'language',
];

export async function closeAccounts(
  rows: Rows,
  ids: readonly string[],
  now: number,
): Promise<string[]> {
  const signIns = await rows
    .selectFrom('sign_ins')
    .select('token_hash')
    .where('account_id', 'in', [...ids])
    .execute();
  await rows
    .deleteFrom('sign_ins')
    .where('account_id', 'in', [...ids])
    .execute();
  await rows
    .updateTable('accounts')
    .set((e) => ({ disabled_at: e.fn.coalesce('disabled_at', e.val(now)) }))
    .where('id', 'in', [...ids])
    .execute();
  return signIns.map((row) => row.token_hash);
}

/** The last reading of a directory lists by name who was in it no longer. */
export async function forgetVanished(rows: Rows, names: readonly string[]): Promise<void> {
  for (const { id, vanished_names } of await rows
    .selectFrom('directories')
    .select(['id', 'vanished_names'])
    .execute()) {
    const listed = JSON.parse(vanished_names) as unknown[];
    const left = listed.filter(
      (entry) =>
        !names.some((name) => JSON.stringify(entry).includes(JSON.stringify(name).slice(1, -1))),
    );
    if (left.length < listed.length)
      await rows
        .updateTable('directories')
        .set({ vanished_names: JSON.stringify(left) })
        .where('id', '=', id)
        .execute();
  }
}

/** Who it was is gone from every table but the audit's, which has a way of its own. */
export async function pseudonymise(rows: Rows, ids: readonly string[], now: number): Promise<void> {
  const tables = await rows.introspection.getTables();
  const others = (tables.find((table) => table.name === 'accounts')?.columns ?? [])
    .filter((column) => column.isNullable && !staysOfAccount.includes(column.name))
    .map((column) => column.name);
  const going = (await tablesOfAccounts(rows)).filter(({ name }) => !kept.includes(name));
  for (const id of ids) {
    for (const { name } of going)
      await sql`delete from ${sql.table(name)} where account_id = ${id}`.execute(rows);
    await rows
      .updateTable('sessions')
      .set({ address: null })
      .where('account_id', '=', id)
      .execute();
    await rows
      .updateTable('requests')
      .set({ purpose: '…', link: null })
      .where('account_id', '=', id)
      .execute();
    await rows
      .updateTable('request_messages')
      .set({ text: '…' })
      .where('account_id', '=', id)
      .execute();
    for (const [table, by, name] of namedBeside)
      await sql`update ${sql.table(table)} set ${sql.ref(name)} = ${erasedName} where ${sql.ref(by)} = ${id}`.execute(
        rows,
      );
    // Drawn, not derived: nobody finds the way back from it.
    await rows
      .updateTable('accounts')
      .set({
        login: `efface-${newSalt()
          .toLowerCase()
          .replace(/[^a-z0-9]/g, '0')}`,
        display_name: erasedName,
        attributes: '{}',
        provider: 'erased',
        erased_at: now,
      })
      .where('id', '=', id)
      .execute();
    for (const column of others)
      await sql`update accounts set ${sql.ref(column)} = null where id = ${id}`.execute(rows);
  }
}

// ---- sessions by age, and statistics --------------------------------------------------------------------------------------

/** How many, and of how many people, by school, application and month. Months as `dates` cuts
 * them. */
export async function selectUsage(
  rows: Rows,
  filter: { from: number; until: number; siteIds: readonly string[] | null },
): Promise<{ siteId: string; applicationId: string; sessions: number; people: number }[]> {
  if (filter.siteIds?.length === 0) return [];
  let query = rows
    .selectFrom('sessions')
    .select([
      'site_id',
      'application_id',
      (e) => e.fn.countAll<number>().as('sessions'),
      (e) => e.fn.count<number>('account_id').distinct().as('people'),
    ])
    .where('started_at', '>=', filter.from)
    .where('started_at', '<', filter.until)
    .groupBy(['site_id', 'application_id']);
  if (filter.siteIds !== null) query = query.where('site_id', 'in', [...filter.siteIds]);
  return (await query.execute()).map((row) => ({
    siteId: row.site_id,
    applicationId: row.application_id,
    sessions: Number(row.sessions),
    people: Number(row.people),
  }));
}

export async function selectKeptUsage(
  rows: Rows,
  filter: { from: string; until: string; siteIds: readonly string[] | null },
): Promise<
  { month: string; siteId: string; applicationId: string; sessions: number; people: number }[]
> {
  if (filter.siteIds?.length === 0) return [];
  let query = rows
    .selectFrom('usage_months')
    .selectAll()
    .where('month', '>=', filter.from)
    .where('month', '<=', filter.until);
  if (filter.siteIds !== null) query = query.where('site_id', 'in', [...filter.siteIds]);
  return (await query.execute()).map((row) => ({
    month: row.month,
    siteId: row.site_id,
    applicationId: row.application_id,
    sessions: row.sessions,
    people: row.people,
  }));
}

export async function selectUsageNames(
  rows: Rows,
): Promise<{ sites: Map<string, string>; applications: Map<string, UsageRow['applicationName']> }> {
  return {
    sites: new Map(
      (await rows.selectFrom('sites').select(['id', 'name']).execute()).map((row) => [
        row.id,
        row.name,
      ]),
    ),
    applications: new Map(
      (await rows.selectFrom('applications').select(['id', 'name_fr', 'name_en']).execute()).map(
        (row) => [row.id, { fr: row.name_fr, en: row.name_en }],
      ),
    ),
  };
}

export async function selectOldestSession(rows: Rows): Promise<number | null> {
  return (
    (
      await rows
        .selectFrom('sessions')
        .select((e) => e.fn.min<number>('started_at').as('at'))
        .where('state', 'in', ['ended', 'failed'])
        .executeTakeFirst()
    )?.at ?? null
  );
}

/** What a month has come to is noted, without the small groups; then its sessions go. Repeating
 * adds nothing. */
export async function foldMonth(
  rows: Rows,
  month: string,
  from: number,
  until: number,
): Promise<number> {
  const usage = await selectUsage(rows, { from, until, siteIds: null });
  for (const { siteId, applicationId, sessions, people: count } of usage) {
    const small = count < smallestGroup;
    await rows
      .insertInto('usage_months')
      .values({
        month,
        site_id: siteId,
        application_id: applicationId,
        sessions: small ? 0 : sessions,
        people: small ? 0 : count,
      })
      .onConflict((conflict) =>
        conflict.columns(['month', 'site_id', 'application_id']).doNothing(),
      )
      .execute();
  }
  const old = rows
    .selectFrom('sessions')
    .select('id')
    .where('started_at', '>=', from)
    .where('started_at', '<', until)
    .where('state', 'in', ['ended', 'failed']);
  await rows.deleteFrom('tickets').where('session_id', 'in', old).execute();
  return Number(
    (
      await rows
        .deleteFrom('sessions')
        .where('started_at', '>=', from)
        .where('started_at', '<', until)
        .where('state', 'in', ['ended', 'failed'])
        .executeTakeFirst()
    ).numDeletedRows,
  );
}
