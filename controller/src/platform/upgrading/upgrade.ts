/** What an upgrade does to the database: tried first, done while nobody serves, taken back with the
 * rows of today. Programs around it stop and start the controller (packaging/*\/upgrade.sh). */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '@preau/contract/errors.ts';
import {
  appliedMigrations,
  type Database,
  migrate,
  migrateTo,
  migrationNames,
  missingMigrations,
  mustNotBeNewer,
  openDatabase,
  pendingMigrations,
  sqlitePathIn,
} from '../database.ts';
import { holdFolder } from '../own-folder.ts';
import { copySqlite } from '../sqlite.ts';
import { tryOnPostgres } from './store.ts';

export interface Place {
  folder: string;
  /** A postgres:// address; empty: SQLite in the folder. */
  address: string;
}

const fileOf = ({ folder }: Place): string => sqlitePathIn(folder);
const noteOf = ({ folder }: Place): string => join(folder, 'upgrade.json');
/** The database as it was before the last upgrade, with SQLite. */
const copyOf = ({ folder }: Place): string => join(folder, 'before-upgrade.sqlite');

/** Refuses with NO_DATABASE_THERE and DATABASE_NEWER. */
async function opened<T>(place: Place, work: (database: Database) => Promise<T>): Promise<T> {
  if (place.address === '' && !existsSync(fileOf(place)))
    throw new AppError('NO_DATABASE_THERE', { path: fileOf(place) });
  const database = openDatabase(place.address === '' ? fileOf(place) : place.address, true);
  try {
    mustNotBeNewer(await appliedMigrations(database));
    return await work(database);
  } finally {
    await database.destroy();
  }
}

/** With SQLite, nobody else uses the folder meanwhile. Refuses with DATA_FOLDER_IN_USE. */
async function alone<T>(place: Place, work: () => Promise<T>): Promise<T> {
  const release = place.address === '' ? holdFolder(place.folder) : () => undefined;
  try {
    return await work();
  } finally {
    release();
  }
}

/** Tries the missing migrations while the city runs: on a copy of the file, or in a transaction of
 * PostgreSQL that is undone. Returns their names. Throws what the first failing one throws. */
export async function tryMigrations(place: Place): Promise<string[]> {
  if (place.address !== '')
    return opened(place, async (database) => {
      const missing = missingMigrations(await appliedMigrations(database));
      await tryOnPostgres(database as never, async (rows) => {
        for (const [at, { up }] of pendingMigrations(missing, true).entries())
          await up(rows).catch((cause: unknown) => {
            throw new AppError('MIGRATION_FAILED', { migration: missing[at] ?? '' }, { cause });
          });
      });
      return missing;
    });
  if (!existsSync(fileOf(place))) throw new AppError('NO_DATABASE_THERE', { path: fileOf(place) });
  const folder = join(place.folder, 'upgrade-trial');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { mode: 0o700 });
  try {
    const trial = { folder, address: '' };
    await copySqlite(fileOf(place), fileOf(trial));
    return await opened(trial, (database) => migrate(database, false));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Note {
  /** The last migration before the upgrade. */
  from: string;
}

/** Applies the missing migrations; with SQLite a copy of the file is kept first. Returns their
 * names. What fails leaves the database as it was. */
export function upgradeDatabase(place: Place): Promise<string[]> {
  return alone(place, () =>
    opened(place, async (database) => {
      const from = (await appliedMigrations(database)).at(-1) ?? '';
      if (from === migrationNames.at(-1)) return [];
      if (place.address === '') {
        rmSync(copyOf(place), { force: true });
        await copySqlite(fileOf(place), copyOf(place));
      }
      writeFileSync(noteOf(place), JSON.stringify({ from } satisfies Note), { mode: 0o600 });
      return migrate(database, place.address !== '');
    }),
  );
}

/** Takes the migrations of the last upgrade back; today's rows stay. Returns their names; null when
 * no upgrade is noted. Throws when one of them has no way back. */
export function takeBackUpgrade(place: Place): Promise<string[] | null> {
  return alone(place, async () => {
    if (!existsSync(noteOf(place))) return null;
    const { from } = JSON.parse(readFileSync(noteOf(place), 'utf8')) as Note;
    const done = await opened(place, (database) => migrateTo(database, place.address !== '', from));
    rmSync(noteOf(place));
    return done;
  });
}
