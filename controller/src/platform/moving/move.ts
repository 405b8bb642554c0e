/** A city on SQLite moves to PostgreSQL: every table, in batches, all of it or nothing; and a
 * comparison of both, row by row. */
import { existsSync } from 'node:fs';
import { AppError } from '@preau/contract/errors.ts';
import {
  appliedMigrations,
  type Database,
  migrate,
  mustNotBeNewer,
  mustNotBeOlder,
  openDatabase,
  sqlitePathIn,
} from '../database.ts';
import { holdFolder } from '../own-folder.ts';
import {
  compareAll,
  copyAll,
  type Difference,
  findRows,
  openSource,
  type Source,
} from './store.ts';

/** Refuses with NO_DATABASE_THERE, DATABASE_NEWER, DATABASE_OLDER. */
function openCurrent(folder: string): Source {
  const path = sqlitePathIn(folder);
  if (!existsSync(path)) throw new AppError('NO_DATABASE_THERE', { path });
  const source = openSource(path);
  try {
    mustBeCurrent(source.migrations);
  } catch (error) {
    source.close();
    throw error;
  }
  return source;
}

/** Refuses with DATABASE_NEWER and DATABASE_OLDER. */
function mustBeCurrent(applied: readonly string[]): void {
  mustNotBeNewer(applied);
  mustNotBeOlder(applied);
}

/** Nobody else uses the folder meanwhile. Refuses with DATA_FOLDER_IN_USE, and as `openCurrent`. */
async function withBoth<T>(
  folder: string,
  address: string,
  work: (source: Source, target: Database) => Promise<T>,
): Promise<T> {
  const release = holdFolder(folder);
  try {
    const source = openCurrent(folder);
    const target = openDatabase(address, true);
    try {
      return await work(source, target);
    } finally {
      source.close();
      await target.destroy();
    }
  } finally {
    release();
  }
}

/** Copies the city of the folder into the database at the address, which must have no rows. `told`:
 * from time to time, a table and how many of its rows are written. Returns how many rows there are.
 * Refuses with DATA_FOLDER_IN_USE, NO_DATABASE_THERE, DATABASE_NEWER, DATABASE_OLDER and
 * TARGET_NOT_EMPTY; whatever fails, the target has no rows. */
export const moveTo = (
  folder: string,
  address: string,
  told: (table: string, rows: number) => void,
): Promise<number> =>
  withBoth(folder, address, async (source, target) => {
    mustNotBeNewer(await appliedMigrations(target));
    const table = await findRows(target);
    if (table !== null) throw new AppError('TARGET_NOT_EMPTY', { table });
    await migrate(target, true);
    return copyAll(source, target, told);
  });

/** Compares both, row by row. Returns how many rows were compared. Refuses as `moveTo` does, but for
 * TARGET_NOT_EMPTY. */
export const compareWith = (
  folder: string,
  address: string,
  differs: (difference: Difference) => void,
): Promise<number> =>
  withBoth(folder, address, async (source, target) => {
    mustBeCurrent(await appliedMigrations(target));
    return compareAll(source, target, differs);
  });
