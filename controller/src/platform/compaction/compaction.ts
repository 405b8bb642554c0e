/** Removes what was erased from the database's files. SQLite overwrites deleted rows, but a page that
 * was split keeps a copy of some; only rewriting the file removes those. PostgreSQL does so by
 * itself (docs/runbooks/personal-data.md). */
import { stat } from 'node:fs/promises';
import { budget } from '../budget.ts';
import { sqliteFileOf } from '../database.ts';
import type { Platform } from '../platform.ts';
import { compaction } from './task.ts';

/** Empties the log of changes, and rewrites the file when it has at most `most` bytes. False: it has
 * more, or could not be rewritten, and is to be later. */
export async function removeErased(
  { database, heavy, log }: Pick<Platform, 'database' | 'heavy' | 'log'>,
  most: number = budget.work.compactAtOnceBytes,
): Promise<boolean> {
  const file = sqliteFileOf(database);
  if (file === undefined || file.path === null) return true;
  const { path } = file;
  await file.emptyLog();
  if ((await stat(path)).size > most) return false;
  try {
    await file.whileNobodyWrites(() => heavy.run(compaction, { path }));
  } catch (error) {
    // The disk may be too full for a second copy. What was erased is erased all the same.
    log.error({ err: error }, 'database not rewritten');
    return false;
  }
  await file.emptyLog();
  return true;
}
