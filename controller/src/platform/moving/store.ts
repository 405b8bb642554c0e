/** Every table of a SQLite database, read row by row, and written to or compared with PostgreSQL. The
 * tables are those that the file has: none can be forgotten. */
import SqliteDatabase from 'better-sqlite3';
import { type Kysely, sql } from 'kysely';
import type { Database } from '../database.ts';

type MovedRow = Readonly<Record<string, unknown>>;
type AnyTables = Kysely<Record<string, Record<string, unknown>>>;

interface SourceTable {
  name: string;
  /** Columns of the primary key, in its order. */
  key: string[];
  rows: number;
}

export interface Source {
  /** In an order in which no row refers to one that comes later. */
  tables: SourceTable[];
  migrations: string[];
  /** One row after the other, by primary key. */
  read: (table: SourceTable) => IterableIterator<MovedRow>;
  close: () => void;
}

const quoted = (name: string): string => `"${name}"`;

/** Throws what opening throws; the file is not changed. */
export function openSource(path: string): Source {
  const file = new SqliteDatabase(path, { readonly: true, fileMustExist: true });
  const all = <R>(text: string): R[] => file.prepare(text).all() as R[];
  const names = all<{ name: string }>(
    "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name",
  ).map(({ name }) => name);
  const refersTo = new Map(
    names.map((name) => [
      name,
      all<{ table: string }>(`pragma foreign_key_list(${quoted(name)})`).map((one) => one.table),
    ]),
  );
  const ordered: string[] = [];
  const place = (name: string): void => {
    if (ordered.includes(name)) return;
    for (const other of refersTo.get(name) ?? []) if (other !== name) place(other);
    ordered.push(name);
  };
  for (const name of names) if (!name.startsWith('kysely_')) place(name);
  return {
    tables: ordered.map((name) => ({
      name,
      key: all<{ name: string; pk: number }>(`pragma table_info(${quoted(name)})`)
        .filter(({ pk }) => pk > 0)
        .sort((a, b) => a.pk - b.pk)
        .map((column) => column.name),
      rows: all<{ n: number }>(`select count(*) as n from ${quoted(name)}`)[0]?.n ?? 0,
    })),
    migrations: names.includes('kysely_migration')
      ? all<{ name: string }>('select name from kysely_migration order by name').map((m) => m.name)
      : [],
    read: ({ name, key }) =>
      file
        .prepare(`select * from ${quoted(name)} order by ${key.map(quoted).join(', ')}`)
        .iterate() as IterableIterator<MovedRow>,
    close: () => file.close(),
  };
}

/** Tables that a new city has rows in already: they are written over. */
const begunByMigrations = ['city', 'health', 'account_numbers', 'audit_chain'];

/** The first table with rows that only a city that is used has; null when there is none. */
export async function findRows(target: Database): Promise<string | null> {
  const tables = await target.introspection.getTables();
  for (const { name, schema } of tables) {
    if (begunByMigrations.includes(name)) continue;
    const full = schema === undefined ? name : `${schema}.${name}`;
    const { rows } = await sql`select 1 from ${sql.table(full)} limit 1`.execute(target);
    if (rows.length > 0) return name;
  }
  return null;
}

/** PostgreSQL takes 65,535 parameters in one statement. */
const parametersAtOnce = 30_000;
const rowsAtOnce = 500;
const bytesAtOnce = 4_000_000;

const sizeOf = (row: MovedRow): number =>
  Object.values(row).reduce<number>(
    (sum, value) => sum + (typeof value === 'string' || Buffer.isBuffer(value) ? value.length : 8),
    0,
  );

/** Rows in batches that fit one statement and little memory. */
function* inBatches(rows: Iterable<MovedRow>): Generator<MovedRow[]> {
  let batch: MovedRow[] = [];
  let bytes = 0;
  for (const row of rows) {
    batch.push(row);
    bytes += sizeOf(row);
    const parameters = batch.length * Object.keys(row).length;
    const isFull = batch.length >= rowsAtOnce || bytes >= bytesAtOnce;
    if (!isFull && parameters + Object.keys(row).length <= parametersAtOnce) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

/** Writes every row, all of them or none. `told`: after each batch. */
export async function copyAll(
  source: Source,
  target: Database,
  told: (table: string, rows: number) => void,
): Promise<number> {
  let total = 0;
  await (target as unknown as AnyTables).transaction().execute(async (rows) => {
    for (const name of begunByMigrations) await rows.deleteFrom(name).execute();
    for (const table of source.tables) {
      let written = 0;
      for (const batch of inBatches(source.read(table))) {
        await rows.insertInto(table.name).values(batch).execute();
        written += batch.length;
        told(table.name, written);
      }
      total += written;
    }
  });
  return total;
}

const plain = (value: unknown): string | null =>
  value === null ? null : Buffer.isBuffer(value) ? value.toString('hex') : String(value);
const textOf = (row: MovedRow): string =>
  JSON.stringify(
    Object.entries(row)
      .map(([name, value]) => [name, plain(value)])
      .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  );
const nameOf = (table: SourceTable, row: MovedRow): string =>
  `${table.name} ${table.key.map((column) => `${column}=${plain(row[column])}`).join(' ')}`;

export interface Difference {
  /** Table and primary key. */
  row: string;
  problem: 'missing' | 'added' | 'changed';
}

const fetched = 500;

/** The rows of a table of the target by primary key, in the order of the source. */
async function* readTarget(
  rows: Kysely<unknown>,
  table: SourceTable,
): AsyncGenerator<MovedRow, void> {
  // The order of SQLite: bytes, whatever the language of the database.
  const types = await sql<{ column_name: string; data_type: string }>`
    select column_name, data_type from information_schema.columns
    where table_schema = current_schema() and table_name = ${table.name}`.execute(rows);
  const isText = (column: string) =>
    types.rows.some((row) => row.column_name === column && row.data_type === 'text');
  const order = sql.join(
    table.key.map((column) =>
      isText(column) ? sql`${sql.ref(column)} collate "C"` : sql.ref(column),
    ),
  );
  await sql`declare moving no scroll cursor for
    select * from ${sql.table(table.name)} order by ${order}`.execute(rows);
  for (;;) {
    const page = await sql<MovedRow>`fetch ${sql.lit(fetched)} from moving`.execute(rows);
    yield* page.rows;
    if (page.rows.length < fetched) break;
  }
  await sql`close moving`.execute(rows);
}

/** Orders rows of one table as both sides do. */
function orderOf(table: SourceTable, a: MovedRow, b: MovedRow): number {
  for (const column of table.key) {
    const [left, right] = [a[column], b[column]];
    const order =
      typeof left === 'string' || typeof right === 'string'
        ? Buffer.compare(Buffer.from(String(left)), Buffer.from(String(right)))
        : Number(left) - Number(right);
    if (order !== 0) return order;
  }
  return 0;
}

/** Compares every row of every table. `differs`: for each row that is not the same. Returns the
 * number of rows that were compared. */
export async function compareAll(
  source: Source,
  target: Database,
  differs: (difference: Difference) => void,
): Promise<number> {
  let compared = 0;
  await target.transaction().execute(async (rows) => {
    for (const table of source.tables) {
      const own = source.read(table);
      let mine = own.next();
      for await (const theirs of readTarget(rows as unknown as Kysely<unknown>, table)) {
        while (mine.done !== true && orderOf(table, mine.value, theirs) < 0) {
          differs({ row: nameOf(table, mine.value), problem: 'missing' });
          mine = own.next();
        }
        compared += 1;
        if (mine.done === true || orderOf(table, mine.value, theirs) > 0) {
          differs({ row: nameOf(table, theirs), problem: 'added' });
          continue;
        }
        if (textOf(mine.value) !== textOf(theirs))
          differs({ row: nameOf(table, theirs), problem: 'changed' });
        mine = own.next();
      }
      for (; mine.done !== true; mine = own.next())
        differs({ row: nameOf(table, mine.value), problem: 'missing' });
    }
  });
  return compared;
}
