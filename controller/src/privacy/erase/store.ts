/** All SQL that removes a person's name from the rows. */
import { erasedName } from '@preau/contract/audit-chain.ts';
import { sql } from 'kysely';
import type { Rows } from '#src/platform/database.ts';
import { newSalt } from '#src/platform/secrets.ts';
import { tablesOfAccounts } from '../store.ts';

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

/** Tables whose rows are kept, without text written by the person: they count in statistics, or
 * other people answered them. All other rows of an account are deleted. */
const kept = ['sessions', 'requests', 'request_messages'];

const namedBeside = [
  ['rule_versions', 'changed_by', 'changed_by_name'],
  ['rollouts', 'created_by', 'created_by_name'],
  ['rollouts', 'approved_by', 'approved_by_name'],
  ['scripts', 'created_by', 'created_by_name'],
  ['scripts', 'reviewed_by', 'reviewed_by_name'],
] as const;

/** Columns of an account that stay: they say only that somebody of that role was at that school. */
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
): Promise<void> {
  await rows
    .updateTable('accounts')
    .set((e) => ({ disabled_at: e.fn.coalesce('disabled_at', e.val(now)) }))
    .where('id', 'in', [...ids])
    .execute();
}

/** Removes these names from the list of vanished people that the last synchronisation left. */
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

/** Removes the identity from every table except the audit, which is erased separately. */
export async function pseudonymise(
  rows: Rows,
  people: readonly Named[],
  now: number,
): Promise<void> {
  const tables = await rows.introspection.getTables();
  const others = (tables.find((table) => table.name === 'accounts')?.columns ?? [])
    .filter((column) => column.isNullable && !staysOfAccount.includes(column.name))
    .map((column) => column.name);
  const going = (await tablesOfAccounts(rows)).filter(({ name }) => !kept.includes(name));
  for (const { id, names } of people) {
    for (const { name } of going)
      await sql`delete from ${sql.table(name)} where account_id = ${id}`.execute(rows);
    await rows
      .updateTable('sessions')
      .set({ address: null, offered: '[]' })
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
    // Restarts note a name only.
    await rows
      .updateTable('restarts')
      .set({ created_by_name: erasedName })
      .where('created_by_name', 'in', names)
      .execute();
    // The login is random, not derived from the person, so it cannot be traced back.
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
