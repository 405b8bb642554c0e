/** The row that a look at the database writes, and when it was written before. */
import type { Database } from '../database.ts';

/** Writes `now`; returns what stood there. Throws what the database throws. */
export function writeLook(database: Database, now: number): Promise<number> {
  return database.transaction().execute(async (rows) => {
    const before = await rows
      .selectFrom('health')
      .select('looked_at')
      .where('id', '=', 1)
      .executeTakeFirst();
    await rows.updateTable('health').set({ looked_at: now }).where('id', '=', 1).execute();
    return Number(before?.looked_at ?? 0);
  });
}
