/** Copies of a SQLite database, and migrations of PostgreSQL that are tried and undone. */
import SqliteDatabase from 'better-sqlite3';
import { type Kysely, sql } from 'kysely';

/** A copy of the file as it is at one moment, while others use it. */
export async function copySqlite(path: string, copy: string): Promise<void> {
  const file = new SqliteDatabase(path, { readonly: true, fileMustExist: true });
  try {
    await file.backup(copy);
  } finally {
    file.close();
  }
}

class Undone extends Error {}

/** Runs the work in a transaction that is undone. It is given up when somebody holds a table for
 * longer than two seconds, so that nobody waits behind it. Throws what the work throws. */
export async function tryOnPostgres(
  database: Kysely<unknown>,
  work: (rows: Kysely<unknown>) => Promise<void>,
): Promise<void> {
  try {
    await database.transaction().execute(async (rows) => {
      await sql`set local lock_timeout = '2s'`.execute(rows);
      await work(rows);
      throw new Undone();
    });
  } catch (error) {
    if (!(error instanceof Undone)) throw error;
  }
}
