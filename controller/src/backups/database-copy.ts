/** A copy of the database, made while it is used, and put back. */
import { join } from 'node:path';
import { AppError } from '@preau/contract/errors.ts';
import SqliteDatabase from 'better-sqlite3';
import pg from 'pg';
import type { Environment } from '#src/config.ts';
import { sqliteName, sqlitePathIn } from '#src/platform/database.ts';
import { copySqlite } from '#src/platform/sqlite.ts';
import { type Program, through } from './programs.ts';

type Where = Pick<Environment, 'PREAU_DATA' | 'PREAU_DATABASE_URL'>;

export const kindOf = (config: Where): 'sqlite' | 'postgres' =>
  config.PREAU_DATABASE_URL === '' ? 'sqlite' : 'postgres';
export const fileOfKind = { sqlite: 'database.sqlite', postgres: 'database.dump' } as const;

/** Writes the copy into the folder. On this thread: only for a process of its own. */
export async function copyDatabase(config: Where, folder: string): Promise<void> {
  const path = join(folder, fileOfKind[kindOf(config)]);
  if (kindOf(config) === 'postgres') {
    const dump = ['--format=custom', '--no-owner', '--no-privileges', `--file=${path}`];
    await through(null, [postgresProgram('pg_dump', config, dump)], null);
    // Reads the whole table of contents: a dump that was cut short has none.
    await through(null, [{ name: 'pg_restore', args: ['--list', path] }], null);
    return;
  }
  await copySqlite(sqlitePathIn(config.PREAU_DATA), path);
  checkSqlite(path, 'quick_check');
}

/** `integrity_check` also compares indexes with their tables. Throws DATABASE_BROKEN. */
export function checkSqlite(path: string, how: 'quick_check' | 'integrity_check'): void {
  const copy = new SqliteDatabase(path, { fileMustExist: true });
  try {
    // One file, without a log beside it.
    copy.pragma('journal_mode = DELETE');
    const found = String(copy.pragma(how, { simple: true }));
    if (found !== 'ok') throw new AppError('DATABASE_BROKEN', { why: found.slice(0, 300) });
  } finally {
    copy.close();
  }
}

/** PostgreSQL: in one transaction, so that whatever fails leaves what was there. */
export const putBackDump = (config: Where, path: string): Promise<void> =>
  through(
    null,
    [
      postgresProgram('pg_restore', config, [
        '--single-transaction',
        '--clean',
        '--if-exists',
        '--no-owner',
        '--no-privileges',
        `--dbname=${nameOf(config)}`,
        path,
      ]),
    ],
    null,
  );

/** The address as `pg` reads it, so that both connect to the same server. */
const addressOf = (config: Where) => new pg.Client(config.PREAU_DATABASE_URL);
const nameOf = (config: Where) => addressOf(config).database ?? '';

/** The password goes by the environment: arguments can be read by everybody on the machine. */
function postgresProgram(name: string, config: Where, args: readonly string[]): Program {
  const { host, port, user, password, database } = addressOf(config);
  const ssl = new URLSearchParams(config.PREAU_DATABASE_URL.split('?')[1]).get('sslmode');
  return {
    name,
    args,
    env: {
      PGHOST: host,
      PGPORT: String(port),
      PGDATABASE: database ?? '',
      ...(user === undefined ? {} : { PGUSER: user }),
      ...(password ? { PGPASSWORD: password } : {}),
      ...(ssl === null ? {} : { PGSSLMODE: ssl }),
    },
  };
}

/** Everything that is a SQLite database in the data folder. */
export const sqliteFiles = ['', '-wal', '-shm'].map((end) => `${sqliteName}${end}`);
