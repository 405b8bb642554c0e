/** Opens SQLite (embedded) or PostgreSQL (several processes) with the same Kysely interface, and
 * migrates it. */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { AppError } from '@preau/contract/errors.ts';
import {
  HandleEmptyInListsPlugin,
  Kysely,
  PostgresDialect,
  replaceWithNoncontingentExpression,
  SqliteAdapter,
  sql,
  type Transaction,
} from 'kysely';
import { type Migration, type MigrationResultSet, Migrator } from 'kysely/migration';
import pg from 'pg';
import type { Environment } from '#src/config.ts';
import { budget } from './budget.ts';
import { failureOf, NoConnection } from './failures.ts';
import * as first from './migrations/0001-first.ts';
import * as rollouts from './migrations/0002-rollouts.ts';
import * as rules from './migrations/0003-rules.ts';
import * as identity from './migrations/0004-identity.ts';
import * as classes from './migrations/0005-classes.ts';
import * as requests from './migrations/0006-requests.ts';
import * as exchange from './migrations/0007-exchange.ts';
import * as recordings from './migrations/0008-recordings.ts';
import * as withdrawal from './migrations/0009-withdrawal.ts';
import * as asking from './migrations/0010-asking.ts';
import * as accountNumbers from './migrations/0011-account-numbers.ts';
import * as attempts from './migrations/0012-attempts.ts';
import * as erasedHomes from './migrations/0013-erased-homes.ts';
import * as health from './migrations/0014-health.ts';
import * as displays from './migrations/0015-displays.ts';
import { openSqlite, type SqliteFile } from './sqlite.ts';
import type { Tables } from './tables.ts';

/** The name of the SQLite database in the data folder. */
export const sqliteName = 'preau.sqlite';

export const sqlitePathIn = (folder: string): string => join(folder, sqliteName);

/** The city's database, as `openDatabase` takes it. */
export const databaseTarget = (
  config: Pick<Environment, 'PREAU_DATABASE_URL' | 'PREAU_DATA'>,
): string => config.PREAU_DATABASE_URL || sqlitePathIn(config.PREAU_DATA);

export type Database = Kysely<Tables>;
/** A transaction, or the database outside of one: the parameter type of stores. */
export type Rows = Kysely<Tables> | Transaction<Tables>;

/** Those after the last release have a `down`, which leaves the rows of today to the version before.
 */
const migrations: Record<string, (postgres: boolean) => Migration> = {
  '0001-first': (postgres) => ({ up: (database) => first.up(database, postgres) }),
  '0002-rollouts': () => ({ up: rollouts.up }),
  '0003-rules': () => ({ up: rules.up }),
  '0004-identity': (postgres) => ({ up: (database) => identity.up(database, postgres) }),
  '0005-classes': () => ({ up: classes.up }),
  '0006-requests': (postgres) => ({ up: (database) => requests.up(database, postgres) }),
  '0007-exchange': () => ({ up: exchange.up }),
  '0008-recordings': () => ({ up: recordings.up }),
  '0009-withdrawal': () => ({ up: withdrawal.up }),
  '0010-asking': () => asking,
  '0011-account-numbers': () => accountNumbers,
  '0012-attempts': () => attempts,
  '0013-erased-homes': () => erasedHomes,
  '0014-health': () => health,
  '0015-displays': () => displays,
};

/** Two transactions that PostgreSQL has set against each other: one of them is to be tried again. */
const isConflict = (error: unknown): boolean =>
  error instanceof Error && /^(40001|40P01)$/.test((error as NodeJS.ErrnoException).code ?? '');
const conflictTries = 4;

/** A transaction that loses against another one begins again. Its work only reads and writes rows,
 * so nothing else is repeated. */
function repeating(database: Database): Database {
  const begin = database.transaction.bind(database);
  database.transaction = () => {
    const builder = begin();
    const execute = builder.execute.bind(builder);
    builder.execute = async (work) => {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await execute(work);
        } catch (error) {
          if (!isConflict(error) || attempt === conflictTries) throw error;
        }
        await pause(attempt * randomInt(10, 31));
      }
    };
    return builder;
  };
  return database;
}

/** `target`: a postgres:// address, a file path, or `:memory:`. `patient`: no statement is given up,
 * for migrations. */
export function openDatabase(target: string, patient = false): Database {
  if (/^postgres(ql)?:\/\//.test(target)) {
    const types = {
      getTypeParser: (oid: number, format?: 'text' | 'binary') =>
        oid === 20 ? Number : pg.types.getTypeParser(oid, format as 'text'),
    };
    const pool = new pg.Pool({
      connectionString: target,
      application_name: 'preau',
      max: budget.database.connections,
      connectionTimeoutMillis: budget.database.connectMs,
      // A server that has stopped answering must not keep a call for ever. Kysely discards the
      // connection when the rollback is not answered either.
      ...(patient ? {} : { query_timeout: budget.database.answerMs }),
      keepAlive: true,
      types: types as pg.CustomTypesConfig,
    });
    // Its failures to connect have the codes of any socket: here they get a name.
    const connect = async () => {
      try {
        return await pool.connect();
      } catch (cause) {
        throw new NoConnection('no connection to PostgreSQL', { cause });
      }
    };
    // A restarting server cuts idle connections: the pool replaces them, and queries in the
    // meantime fail. Without a listener the error would end the Node process.
    pool.on('error', () => undefined);
    // The pool does not listen to a connection that is lent: cut between two statements of a
    // transaction, it would end the process too. The next statement fails, and says why.
    pool.on('connect', (client) => client.on('error', () => undefined));
    // SQLite takes `in ()`; PostgreSQL calls it a syntax error.
    return repeating(
      new Kysely<Tables>({
        dialect: new PostgresDialect({
          pool: { connect, end: () => pool.end(), options: pool.options },
        }),
        plugins: [new HandleEmptyInListsPlugin({ strategy: replaceWithNoncontingentExpression })],
      }),
    );
  }
  const file = openSqlite(target);
  const database = new Kysely<Tables>({ dialect: file });
  files.set(database, file);
  return database;
}

const files = new WeakMap<Database, SqliteFile>();
/** The file of a SQLite database; undefined for PostgreSQL. */
export const sqliteFileOf = (database: Database): SqliteFile | undefined => files.get(database);

export const isSqlite = (rows: Rows): boolean =>
  rows.getExecutor().adapter instanceof SqliteAdapter;

/** In the order in which they run. */
export const migrationNames: readonly string[] = Object.keys(migrations).sort();
/** These, for whoever tries them. */
export const pendingMigrations = (names: readonly string[], postgres: boolean): Migration[] =>
  names.flatMap((name) => migrations[name]?.(postgres) ?? []);
/** The last one of version 0.1.0. */
export const releasedMigration = '0009-withdrawal';

/** Those of a database, in the order in which they ran; none of a new one. */
export async function appliedMigrations(database: Rows): Promise<string[]> {
  const tables = await database.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some(({ name }) => name === 'kysely_migration')) return [];
  const { rows } = await sql<{ name: string }>`
    select name from kysely_migration order by name`.execute(database);
  return rows.map(({ name }) => name);
}

/** Those that this version does not know. Pure. */
export const unknownMigrations = (names: readonly string[]): string[] =>
  names.filter((name) => !migrationNames.includes(name));

/** Those of this version that are not among them. Pure. */
export const missingMigrations = (names: readonly string[]): string[] =>
  migrationNames.filter((name) => !names.includes(name));

/** Refuses with DATABASE_NEWER a database that a later version has migrated: this one would write what
 * that one does not understand. */
export function mustNotBeNewer(applied: readonly string[]): void {
  const unknown = unknownMigrations(applied);
  if (unknown.length > 0) throw new AppError('DATABASE_NEWER', { migrations: unknown.join(', ') });
}

/** Refuses with DATABASE_OLDER a database that lacks migrations of this version. */
export function mustNotBeOlder(applied: readonly string[]): void {
  const missing = missingMigrations(applied);
  if (missing.length > 0) throw new AppError('DATABASE_OLDER', { migrations: missing.join(', ') });
}

/** `extra`: migrations of a test's own. */
const migratorOf = (
  database: Database,
  postgres: boolean,
  extra: Record<string, Migration> = {},
): Migrator =>
  new Migrator({
    db: database,
    provider: {
      getMigrations: async () => ({
        ...Object.fromEntries(
          Object.entries(migrations).map(([name, make]) => [name, make(postgres)]),
        ),
        ...extra,
      }),
    },
  });

/** Applies missing migrations. Throws the first failure, which leaves the database unchanged. */
export async function migrate(
  database: Database,
  postgres: boolean,
  extra: Record<string, Migration> = {},
): Promise<string[]> {
  return namesIn(await migratorOf(database, postgres, extra).migrateToLatest());
}

/** Applies or takes back migrations until `name` is the last one, all of them or none. Throws the
 * first failure, and before anything is done when one that would be taken back has no `down`. */
export async function migrateTo(
  database: Database,
  postgres: boolean,
  name: string,
): Promise<string[]> {
  const withoutWay = (await appliedMigrations(database)).filter(
    (applied) => applied > name && migrations[applied]?.(postgres).down === undefined,
  );
  if (withoutWay.length > 0) throw new Error(`no way back from ${withoutWay.join(', ')}`);
  return namesIn(await migratorOf(database, postgres).migrateTo(name));
}

/** Throws MIGRATION_FAILED, or what is known to ail the database itself. */
function namesIn({ error, results = [] }: MigrationResultSet): string[] {
  if (error === undefined) return results.map((result) => result.migrationName);
  const failed = results.find(({ status }) => status === 'Error')?.migrationName;
  if (failed === undefined || failureOf(error) !== null) throw error;
  throw new AppError('MIGRATION_FAILED', { migration: failed }, { cause: error });
}
