/** Migrations of PostgreSQL that are tried and undone. */
import { type Kysely, sql } from 'kysely';

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
