/** All SQL of the doctor. It opens the database to read only, and never migrates it. */
import { existsSync, statSync } from 'node:fs';
import { setImmediate as breathe } from 'node:timers/promises';
import SqliteDatabase from 'better-sqlite3';
import {
  HandleEmptyInListsPlugin,
  Kysely,
  PostgresDialect,
  replaceWithNoncontingentExpression,
  SqliteDialect,
  sql,
} from 'kysely';
import pg from 'pg';
import {
  type Database,
  isSqlite,
  migrate,
  openDatabase,
  type Rows,
} from '#src/platform/database.ts';
import { NoConnection } from '#src/platform/failures.ts';
import type { Tables } from '#src/platform/tables.ts';

const readOnly = '-c default_transaction_read_only=on -c statement_timeout=30000';

/** `target`: a postgres:// address, or the path of a file that exists. */
export function openToRead(target: string): Database {
  if (!/^postgres(ql)?:\/\//.test(target))
    return new Kysely<Tables>({ dialect: new SqliteDialect({ database: sqliteToRead(target) }) });
  const pool = new pg.Pool({
    connectionString: target,
    application_name: 'preau doctor',
    options: readOnly,
    max: 2,
    connectionTimeoutMillis: 4000,
    query_timeout: 30_000,
    types: {
      getTypeParser: (oid: number, format?: 'text' | 'binary') =>
        oid === 20 ? Number : pg.types.getTypeParser(oid, format as 'text'),
    } as pg.CustomTypesConfig,
  });
  pool.on('error', () => undefined);
  const connect = async () => {
    try {
      return await pool.connect();
    } catch (cause) {
      throw new NoConnection('no connection to PostgreSQL', { cause });
    }
  };
  return new Kysely<Tables>({
    dialect: new PostgresDialect({
      pool: { connect, end: () => pool.end(), options: pool.options },
    }),
    plugins: [new HandleEmptyInListsPlugin({ strategy: replaceWithNoncontingentExpression })],
  });
}

/** SQLite makes an empty log and its index beside a database that nobody had open, and a connection
 * that may not write cannot take them away again. Nothing stands in that log, so a connection that
 * may write changes nothing when it closes, and leaves them to others who have come meanwhile. */
function sqliteToRead(path: string) {
  const log = `${path}-wal`;
  const wasClosed = !existsSync(log);
  const file = new SqliteDatabase(path, { readonly: true, timeout: 1000 });
  return {
    prepare: (text: string) => file.prepare(text),
    close: () => {
      file.close();
      if (!wasClosed || statSync(log, { throwIfNoEntry: false })?.size !== 0) return;
      try {
        const last = new SqliteDatabase(path, { fileMustExist: true, timeout: 0 });
        last.prepare('select 1 from sqlite_master limit 1').get();
        last.close();
      } catch {
        // On a disk that is read-only or damaged they stay, and harm nobody.
      }
    },
  };
}

/** Column names by table. */
export type Schema = ReadonlyMap<string, readonly string[]>;

export async function readSchema(rows: Database): Promise<Schema> {
  const tables = await rows.introspection.getTables();
  return new Map(
    tables
      .filter(({ isView }) => !isView)
      .map(({ name, columns }) => [name, columns.map((column) => column.name).toSorted()]),
  );
}

/** What this version of Préau makes in an empty database. */
export async function expectedSchema(): Promise<{ schema: Schema; migrations: string[] }> {
  const empty = openDatabase(':memory:');
  try {
    const migrations = await migrate(empty, false);
    return { schema: await readSchema(empty), migrations };
  } finally {
    await empty.destroy();
  }
}

/** Reads each table, one after the other, until `isOver`: on SQLite by its own check of pages, on
 * PostgreSQL by counting, which meets every page. */
export async function checkTables(
  rows: Rows,
  tables: Iterable<string>,
  isOver: () => boolean,
): Promise<{ problems: string[]; unchecked: number }> {
  const problems: string[] = [];
  let unchecked = 0;
  for (const table of tables) {
    if (isOver()) {
      unchecked += 1;
      continue;
    }
    try {
      if (isSqlite(rows)) {
        const { rows: said } = await sql<{ quick_check: string }>`
          select quick_check from pragma_quick_check(${table})`.execute(rows);
        problems.push(...said.map((row) => row.quick_check).filter((text) => text !== 'ok'));
      } else await sql`select count(*) from ${sql.table(table)}`.execute(rows);
    } catch (error) {
      problems.push(`${table}: ${error instanceof Error ? error.message : String(error)}`);
    }
    await breathe();
  }
  return { problems: problems.slice(0, 5), unchecked };
}

export async function countRows(rows: Rows, table: string): Promise<number> {
  const { rows: found } = await sql<{ n: number }>`
    select count(*) as n from ${sql.table(table)}`.execute(rows);
  return Number(found[0]?.n ?? 0);
}

export interface PostgresFacts {
  /** Such as 150004. */
  version: number;
  connections: number;
  mostConnections: number;
  at: number;
  bytes: number;
}

export async function selectPostgres(rows: Rows): Promise<PostgresFacts> {
  const { rows: found } = await sql<PostgresFacts>`
    select current_setting('server_version_num')::int as version,
      (select count(*) from pg_stat_activity where backend_type = 'client backend') as connections,
      current_setting('max_connections')::int as "mostConnections",
      (extract(epoch from clock_timestamp()) * 1000)::bigint as at,
      pg_database_size(current_database()) as bytes`.execute(rows);
  const [facts] = found;
  if (facts === undefined) throw new Error('PostgreSQL does not say what it is');
  return facts;
}

export async function selectSqliteVersion(rows: Rows): Promise<string> {
  const { rows: found } = await sql<{ v: string }>`select sqlite_version() as v`.execute(rows);
  return found[0]?.v ?? '';
}

/** When a controller last looked at the database; 0: never. */
export async function selectLookedAt(rows: Rows): Promise<number> {
  const row = await rows
    .selectFrom('health')
    .select('looked_at')
    .where('id', '=', 1)
    .executeTakeFirst();
  return Number(row?.looked_at ?? 0);
}

/** The newest state that the city signed, for those who want to know whose signature it is. */
export async function selectSigned(
  rows: Rows,
): Promise<{ document: string; signature: string } | undefined> {
  return rows
    .selectFrom('desired_states')
    .select(['document', 'signature'])
    .orderBy('generation', 'desc')
    .limit(1)
    .executeTakeFirst();
}

export interface ServerFacts {
  name: string;
  lastSeenAt: number | null;
  generation: number;
  appliedGeneration: number;
  quarantinedAt: number | null;
  clockSkewMs: number | null;
  /** JSON, or null. */
  health: string | null;
  inventory: string | null;
  display: string | null;
}

export async function selectServerFacts(rows: Rows): Promise<ServerFacts[]> {
  const found = await rows
    .selectFrom('servers')
    .select([
      ...(['name', 'last_seen_at', 'generation', 'applied_generation', 'quarantined_at'] as const),
      ...(['clock_skew_ms', 'health', 'inventory', 'display'] as const),
    ])
    .where('retired_at', 'is', null)
    .orderBy('name')
    .execute();
  return found.map((row) => ({
    name: row.name,
    lastSeenAt: row.last_seen_at,
    generation: row.generation,
    appliedGeneration: row.applied_generation,
    quarantinedAt: row.quarantined_at,
    clockSkewMs: row.clock_skew_ms,
    health: row.health,
    inventory: row.inventory,
    display: row.display,
  }));
}

export interface RolloutFacts {
  name: string;
  state: string;
  lookAt: number | null;
  pausedAt: number | null;
}

export async function selectRolloutFacts(rows: Rows): Promise<RolloutFacts[]> {
  const found = await rows
    .selectFrom('rollouts')
    .select(['name', 'state', 'look_at', 'paused_at'])
    .where('ended_at', 'is', null)
    .where('state', 'in', ['running', 'paused', 'cancelling', 'rolling_back'])
    .execute();
  return found.map((row) => ({
    name: row.name,
    state: row.state,
    lookAt: row.look_at,
    pausedAt: row.paused_at,
  }));
}

/** When the oldest event was written that no link of the chain covers yet; null: there is none. */
export async function selectOldestUnlinked(rows: Rows): Promise<number | null> {
  const row = await rows
    .selectFrom('audit_events')
    .select('at')
    .where('seq', 'is', null)
    .orderBy('at')
    .limit(1)
    .executeTakeFirst();
  return row?.at ?? null;
}

/** What the night's work has noted of its backups (JSON); null: nothing yet. */
export async function selectBackupNote(rows: Rows): Promise<string | null> {
  const row = await rows
    .selectFrom('city')
    .select('body')
    .where('name', '=', 'backup')
    .executeTakeFirst();
  return row?.body ?? null;
}

export async function selectPackageFacts(
  rows: Rows,
): Promise<{ sha256: string; name: string; size: number }[]> {
  return rows.selectFrom('package_files').select(['sha256', 'name', 'size']).execute();
}
