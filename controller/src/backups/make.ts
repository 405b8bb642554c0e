/** Makes a backup, in a process of its own, while the city runs. */

import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { AppError } from '@preau/contract/errors.ts';
import { configFile, type Environment, environmentLines } from '#src/config.ts';
import { appliedMigrations, type Rows } from '#src/platform/database.ts';
import { holdFolder } from '#src/platform/own-folder.ts';
import { copyDatabase, fileOfKind, kindOf } from './database-copy.ts';
import type { Manifest } from './manifest.ts';
import { hashOf, nameOfBackup, type Place, placeOf } from './place.ts';
import { encrypt, pack } from './programs.ts';

export interface Made {
  name: string;
  bytes: number;
  /** Of packages and recordings that had not been stored before. */
  newFiles: number;
  removed: number;
}

interface Ask {
  config: Environment;
  rows: Rows;
  version: string;
  secret: Buffer;
  now: number;
  withRecordings: boolean;
}

const dayMs = 86_400_000;

/** Refuses with BACKUP_NOT_CONFIGURED, DATABASE_BROKEN, DISK_FULL; whatever fails leaves the earlier
 * backups as they are. */
export async function makeBackup(ask: Ask): Promise<Made> {
  const { config, now } = ask;
  const place = placeOf(config);
  if (place === null || config.PREAU_BACKUP_KEY === '') throw new AppError('BACKUP_NOT_CONFIGURED');
  const release = holdFolder(config.PREAU_DATA, 'backup');
  try {
    clearRemains(config.PREAU_DATA, '.backup-');
    const folder = mkdtempSync(join(config.PREAU_DATA, '.backup-'));
    try {
      // Files before the database: one that is uploaded in between is stored and not named.
      const packages = await storeFiles(place, config, 'packages', /^[0-9a-f]{64}$/, 'files');
      const recordings = ask.withRecordings
        ? await storeFiles(place, config, 'recordings', /^rec_[A-Za-z0-9_-]{22}$/, 'recordings')
        : { names: [], fresh: 0 };
      await copyDatabase(config, folder);
      const manifest = await describe(ask, folder, packages.names, recordings.names);
      writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest), { mode: 0o600 });
      const name = nameOfBackup(now);
      const { bytes } = await place.store(name, {
        from: null,
        programs: [pack(folder), encrypt(config.PREAU_BACKUP_KEY)],
      });
      const removed = await place.removeBefore(now - config.PREAU_BACKUP_KEEP_DAYS * dayMs);
      return { name, bytes, newFiles: packages.fresh + recordings.fresh, removed };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  } finally {
    release();
  }
}

/** What a process that was killed has left behind. */
export function clearRemains(folder: string, prefix: string): void {
  for (const name of readdirSync(folder))
    if (name.startsWith(prefix)) rmSync(join(folder, name), { recursive: true, force: true });
}

async function storeFiles(
  place: Place,
  config: Environment,
  from: string,
  isName: RegExp,
  to: string,
): Promise<{ names: string[]; fresh: number }> {
  const folder = join(config.PREAU_DATA, from);
  const names = (await readdir(folder).catch(() => [])).filter((name) => isName.test(name)).sort();
  let fresh = 0;
  const left = names.values();
  const lane = async () => {
    for (const name of left) {
      const stored = `${to}/${name}.age`;
      if (await place.keep(stored)) continue;
      const programs = [encrypt(config.PREAU_BACKUP_KEY)];
      await place.store(stored, { from: join(folder, name), programs });
      fresh += 1;
    }
  };
  // Two at once: while one is read back, another is encrypted.
  for (const done of await Promise.allSettled([lane(), lane()]))
    if (done.status === 'rejected') throw done.reason;
  return { names, fresh };
}

async function describe(
  { config, rows, version, secret, now }: Ask,
  folder: string,
  packages: string[],
  recordings: string[],
): Promise<Manifest> {
  writeFileSync(join(folder, 'secret'), secret.toString('hex'), { mode: 0o600 });
  const settings = copySettings(config, folder);
  const paths = [
    fileOfKind[kindOf(config)],
    'secret',
    ...readdirSync(join(folder, 'settings')).map((name) => `settings/${name}`),
  ];
  const entries: Manifest['entries'] = [];
  for (const path of paths) entries.push({ path, sha256: await hashOf(join(folder, path)) });
  return {
    format: 1,
    version,
    at: now,
    kind: kindOf(config),
    migrations: await appliedMigrations(rows),
    entries,
    packages,
    recordings,
    settings,
  };
}

/** Passwords and certificates that the identity file names by their paths. */
function filesNamedIn(identity: string): string[] {
  if (identity === '' || !existsSync(identity)) return [];
  const named = readFileSync(identity, 'utf8').matchAll(/^\s*\w+_file\s*=\s*["']([^"'\n]+)["']/gm);
  return [...named].map(([, path = '']) => path);
}

/** Returns where each stood. Files that the identity file names stand beside it. */
function copySettings(config: Environment, folder: string): Record<string, string> {
  const to = join(folder, 'settings');
  mkdirSync(to, { mode: 0o700 });
  writeFileSync(join(to, 'environment'), environmentLines(), { mode: 0o600 });
  const stood: Record<string, string> = {};
  const files = [
    configFile(),
    config.PREAU_IDENTITY || null,
    ...filesNamedIn(config.PREAU_IDENTITY),
  ];
  for (const [at, path] of files.entries()) {
    if (path === null || !existsSync(path)) continue;
    const name = `${at}-${basename(path)}`;
    copyFileSync(path, join(to, name));
    stood[name] = path;
  }
  return stood;
}
