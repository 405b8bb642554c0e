/** Puts a backup back: unpacks it beside, checks everything, and only then changes what is there. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { AppError } from '@preau/contract/errors.ts';
import type { Environment } from '#src/config.ts';
import {
  databaseTarget,
  openDatabase,
  sqliteName,
  unknownMigrations,
} from '#src/platform/database.ts';
import { holdFolder } from '#src/platform/own-folder.ts';
import {
  checkSqlite,
  copyDatabase,
  fileOfKind,
  kindOf,
  putBackDump,
  sqliteFiles,
} from './database-copy.ts';
import { clearRemains } from './make.ts';
import { isManifest, type Manifest } from './manifest.ts';
import {
  backupName,
  folderPlace,
  hashOf,
  type Place,
  placeOf,
  stampOf,
  withFile,
} from './place.ts';
import { decrypt, ProgramFailed, unpack } from './programs.ts';
import { finishPutting, putInPlace } from './put-in-place.ts';
import { hasCity, isServed, selectServerNames } from './store.ts';

export interface Restored {
  name: string;
  /** When the backup was made; what came later is lost. */
  at: number;
  /** Where what stood there before was put; null: nothing stood there. */
  aside: string | null;
  /** Servers enrolled since; null: nobody can tell. */
  lostServers: string[] | null;
  /** Folder with settings that were not put in their places, or null. */
  settings: string | null;
}

interface Ask {
  config: Environment;
  /** A file, or a name in the place of the configuration; empty: the newest there. */
  from: string;
  keyFile: string;
  replace: boolean;
  now: number;
}

/** Refuses with BACKUP_NOT_CONFIGURED, BACKUP_UNREADABLE, BACKUP_NEWER, RESTORE_OVER_EXISTING,
 * DATA_FOLDER_IN_USE, DISK_FULL, SECRET_OTHER; each leaves what was there. */
export async function restoreBackup(ask: Ask): Promise<Restored> {
  const { config } = ask;
  const data = config.PREAU_DATA;
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const releases = [holdFolder(data), holdFolder(data, 'backup')];
  try {
    finishPutting(data);
    const there = await whatIsThere(config);
    if (there.length > 0 && !ask.replace)
      throw new AppError('RESTORE_OVER_EXISTING', { folder: resolve(data) });
    clearRemains(data, '.restore-');
    const staged = mkdtempSync(join(data, '.restore-'));
    try {
      const { place, name } = await findBackup(config, ask.from);
      const manifest = await unpackAndCheck({ place, name, staged }, ask);
      return { name, ...(await putBack(ask, manifest, staged, there)) };
    } catch (error) {
      rmSync(staged, { recursive: true, force: true });
      throw error;
    }
  } finally {
    for (const release of releases) release();
  }
}

/** Names in the data folder that a restored city would replace; `database` for PostgreSQL. */
async function whatIsThere(config: Environment): Promise<string[]> {
  const names = [...sqliteFiles, 'secret'].filter((name) =>
    existsSync(join(config.PREAU_DATA, name)),
  );
  if (kindOf(config) === 'sqlite') return names;
  const database = openDatabase(config.PREAU_DATABASE_URL);
  try {
    if (await isServed(database)) throw new AppError('DATA_FOLDER_IN_USE', {});
    return (await hasCity(database)) ? [...names, 'database'] : names;
  } finally {
    await database.destroy();
  }
}

async function findBackup(
  config: Environment,
  from: string,
): Promise<{ place: Place; name: string }> {
  if (from !== '' && existsSync(from) && statSync(from).isFile())
    return { place: folderPlace(dirname(resolve(from))), name: basename(from) };
  const place = from !== '' && existsSync(from) ? folderPlace(from) : placeOf(config);
  if (place === null) throw new AppError('BACKUP_NOT_CONFIGURED');
  if (backupName.test(from)) return { place, name: from };
  const name = (await place.list().catch(() => []))?.at(-1);
  if (name === undefined || (from !== '' && !existsSync(from)))
    throw new AppError('BACKUP_UNREADABLE', { why: `no backup ${from}`.trim() });
  return { place, name };
}

interface Found {
  place: Place;
  name: string;
  staged: string;
}

async function unpackAndCheck({ place, name, staged }: Found, ask: Ask): Promise<Manifest> {
  const unreadable = (why: string, cause?: unknown) =>
    new AppError('BACKUP_UNREADABLE', { backup: name, why }, { cause });
  await place.fetch(name, [decrypt(ask.keyFile), unpack(staged)]).catch((error: unknown) => {
    if (!(error instanceof ProgramFailed)) throw error;
    throw unreadable(error.message, undefined);
  });
  const manifest = readManifest(join(staged, 'manifest.json'));
  if (manifest === null) throw unreadable('its manifest is missing or of another form');
  const unknown = unknownMigrations(manifest.migrations);
  if (unknown.length > 0)
    throw new AppError('BACKUP_NEWER', {
      backup: name,
      version: manifest.version,
      why: `unknown here: ${unknown.join(', ')}`,
    });
  if (manifest.kind !== kindOf(ask.config))
    throw unreadable(
      `it holds a ${manifest.kind} database, and this city uses ${kindOf(ask.config)}`,
    );
  for (const { path, sha256 } of manifest.entries) {
    const file = join(staged, path);
    if (!existsSync(file) || (await hashOf(file)) !== sha256)
      throw unreadable(`${path} is damaged`);
  }
  const database = join(staged, fileOfKind[manifest.kind]);
  if (manifest.kind === 'sqlite') checkSqlite(database, 'integrity_check');
  const given = ask.config.PREAU_SECRET;
  if (given !== '' && readFileSync(join(staged, 'secret'), 'utf8') !== given)
    throw new AppError('SECRET_OTHER');
  await fetchFiles({ place, name, staged }, ask, manifest);
  return manifest;
}

function readManifest(path: string): Manifest | null {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return isManifest.Check(value) ? value : null;
  } catch {
    return null;
  }
}

/** Packages have their hash for a name; those that are here already are not fetched again. */
async function fetchFiles(
  { place, name, staged }: Found,
  { config, keyFile }: Ask,
  { packages, recordings }: Manifest,
): Promise<void> {
  const wanted = [
    ...packages.map((file) => ({ file, from: 'files', to: 'packages', isHash: true })),
    ...recordings.map((file) => ({ file, from: 'recordings', to: 'recordings', isHash: false })),
  ];
  for (const { file, from, to, isHash } of wanted) {
    if (existsSync(join(config.PREAU_DATA, to, file))) continue;
    const path = join(staged, to, file);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const stored = `${from}/${file}.age`;
    await withFile(path, 'w', (to) => place.fetch(stored, [decrypt(keyFile)], to)).catch(
      (error: unknown) => {
        if (error instanceof AppError) throw error;
        throw new AppError(
          'BACKUP_UNREADABLE',
          { backup: name, why: `${stored}: ${error instanceof Error ? error.message : ''}` },
          { cause: error },
        );
      },
    );
    if (isHash && (await hashOf(path)) !== file)
      throw new AppError('BACKUP_UNREADABLE', { backup: name, why: `${stored} is damaged` });
  }
}

async function putBack(
  { config, now }: Ask,
  manifest: Manifest,
  staged: string,
  there: readonly string[],
): Promise<Omit<Restored, 'name'>> {
  const data = config.PREAU_DATA;
  const aside = `replaced-${stampOf(now)}`;
  const before = await readServers(config, there);
  if (manifest.kind === 'postgres') {
    if (there.includes('database')) {
      mkdirSync(join(data, aside), { recursive: true, mode: 0o700 });
      await copyDatabase(config, join(data, aside));
    }
    await putBackDump(config, join(staged, fileOfKind.postgres));
  } else renameSync(join(staged, fileOfKind.sqlite), join(staged, sqliteName));
  const restoredSettings = `settings-${basename(aside)}`;
  renameSync(join(staged, 'settings'), join(staged, restoredSettings));
  const files = (to: string, names: readonly string[]) => names.map((name) => `${to}/${name}`);
  putInPlace(data, {
    staged: basename(staged),
    aside,
    away: there.filter((name) => name !== 'database'),
    come: [
      sqliteName,
      ...(config.PREAU_SECRET === '' ? ['secret'] : []),
      restoredSettings,
      ...files('packages', manifest.packages),
      ...files('recordings', manifest.recordings),
    ],
  });
  const after = new Set((await readServers(config, [sqliteName, 'database']))?.map(({ id }) => id));
  return {
    at: manifest.at,
    aside: there.length > 0 ? join(data, aside) : null,
    lostServers: before?.filter(({ id }) => !after.has(id)).map(({ name }) => name) ?? null,
    settings: join(data, restoredSettings),
  };
}

/** Null when there is no database to ask, or it does not answer. */
async function readServers(
  config: Environment,
  there: readonly string[],
): Promise<{ id: string; name: string }[] | null> {
  const isThere = there.includes(kindOf(config) === 'sqlite' ? sqliteName : 'database');
  if (!isThere) return null;
  const target = databaseTarget(config);
  try {
    const database = openDatabase(target);
    try {
      return await selectServerNames(database);
    } finally {
      await database.destroy();
    }
  } catch {
    return null;
  }
}
