/** What a call has changed in the database. For tests. */
import { sql } from 'kysely';
import type { Database } from '#src/platform/database.ts';

/** Of each table: its rows, by their keys. */
export type Kept = ReadonlyMap<string, ReadonlyMap<string, Record<string, unknown>>>;

/** The audit is looked at by itself. */
const apart = new Set(['audit_events', 'audit_chain']);

type Keys = readonly [table: string, columns: string[]][];
/** Every city of a test has the same tables. */
let keys: Keys | null = null;

/** The names of the tables of SQLite, each with the columns of its key. */
async function readKeys(database: Database): Promise<Keys> {
  const { rows } = await sql<{ name: string; key: string }>`
    select t.name, c.name as key from sqlite_master t, pragma_table_info(t.name) c
    where t.type = 'table' and c.pk > 0 and t.name not like 'kysely%'
    order by t.name, c.pk`.execute(database);
  const tables = Map.groupBy(rows, ({ name }) => name);
  return [...tables]
    .filter(([table]) => !apart.has(table))
    .map(([table, columns]) => [table, columns.map(({ key }) => key)]);
}

export async function keptRows(database: Database): Promise<Kept> {
  const kept = new Map<string, Map<string, Record<string, unknown>>>();
  keys ??= await readKeys(database);
  for (const [table, columns] of keys) {
    const { rows } = await sql<Record<string, unknown>>`select * from ${sql.table(table)}`.execute(
      database,
    );
    kept.set(table, new Map(rows.map((row) => [columns.map((key) => row[key]).join(' '), row])));
  }
  return kept;
}

const textOf = (value: unknown) => JSON.stringify(value) ?? '';

/** `+rules`: a row came; `-rules`: one went; `rules.body`: that column of one changed. In
 * alphabetical order, each once. */
export function changesBetween(before: Kept, after: Kept): string[] {
  const changes = new Set<string>();
  for (const [table, rows] of after) {
    const past = before.get(table);
    for (const [key, row] of rows) {
      const old = past?.get(key);
      if (old === undefined) changes.add(`+${table}`);
      else
        for (const [column, value] of Object.entries(row))
          if (textOf(old[column]) !== textOf(value)) changes.add(`${table}.${column}`);
    }
    for (const key of past?.keys() ?? []) if (!rows.has(key)) changes.add(`-${table}`);
  }
  return [...changes].sort();
}
