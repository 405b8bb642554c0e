/** Where backups go: a folder, or a command of the town's own. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync } from 'node:fs';
import { type FileHandle, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform, Writable } from 'node:stream';
import { AppError } from '@preau/contract/errors.ts';
import type { Environment } from '#src/config.ts';
import { systemClock } from '#src/platform/clock.ts';
import { forget, type Program, shell, through } from './programs.ts';

/** What the programs print. `from`: the file that the first one reads; null: it reads nothing. */
interface Content {
  from: string | null;
  programs: readonly Program[];
}

export interface Place {
  /** Stores content under this name; returns once it has been read back and found equal. Whatever
   * fails leaves nothing under the name. */
  store: (name: string, content: Content) => Promise<{ bytes: number }>;
  /** Pipes what is stored through the programs. */
  fetch: (name: string, programs: readonly Program[], to?: FileHandle) => Promise<void>;
  /** Whether it is there already. Marks it as still needed. */
  keep: (name: string) => Promise<boolean>;
  /** Names of backups, oldest first; null when the place cannot tell. */
  list: () => Promise<string[] | null>;
  /** Removes what was made, or needed last, before this time; never the newest backup. */
  removeBefore: (at: number) => Promise<number>;
}

export const backupName = /^preau-\d{8}T\d{6}Z\.tar\.age$/;
/** A time as names have it, such as 20261201T020000Z. */
export const stampOf = (at: number): string =>
  new Date(at).toISOString().replace(/[-:]|\.\d+/g, '');
export const nameOfBackup = (at: number): string => `preau-${stampOf(at)}.tar.age`;

type Setting = Pick<
  Environment,
  'PREAU_BACKUP_TO' | 'PREAU_BACKUP_COMMAND' | 'PREAU_BACKUP_READ_COMMAND'
>;

/** Null when none is set. */
export function placeOf(config: Setting): Place | null {
  const { PREAU_BACKUP_COMMAND: write, PREAU_BACKUP_READ_COMMAND: read } = config;
  if (write !== '' && read !== '') return commandPlace(write, read);
  return config.PREAU_BACKUP_TO === '' ? null : folderPlace(config.PREAU_BACKUP_TO);
}

/** Counts and hashes what passes. */
function meter() {
  const hash = createHash('sha256');
  let bytes = 0;
  return {
    note: (chunk: Buffer) => {
      hash.update(chunk);
      bytes += chunk.length;
    },
    result: () => ({ bytes, sha256: hash.digest('hex') }),
  };
}
function measured(): { stream: Transform; result: () => { bytes: number; sha256: string } } {
  const { note, result } = meter();
  const stream = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      note(chunk);
      done(null, chunk);
    },
  });
  return { stream, result };
}
function swallowed(): { stream: Writable; result: () => { bytes: number; sha256: string } } {
  const { note, result } = meter();
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      note(chunk);
      done();
    },
  });
  return { stream, result };
}

/** Reads in large parts: small ones would cost more than the hash. */
async function digestOf(path: string): Promise<{ bytes: number; sha256: string }> {
  const { note, result } = meter();
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 }))
    note(chunk as Buffer);
  return result();
}

export const hashOf = async (path: string): Promise<string> => (await digestOf(path)).sha256;

/** A file that is made is its owner's alone. */
export async function withFile<T>(
  path: string,
  flags: 'r' | 'w',
  work: (file: FileHandle) => Promise<T>,
): Promise<T> {
  const file = await open(path, flags, 0o600);
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}

const print = ({ from, programs }: Content, to: Writable | FileHandle): Promise<void> =>
  from === null
    ? through(null, programs, to)
    : withFile(from, 'r', (file) => through(file, programs, to));

function mustBeEqual(
  name: string,
  written: { bytes: number; sha256: string },
  read: { bytes: number; sha256: string },
): void {
  if (written.sha256 !== read.sha256)
    throw new AppError('BACKUP_FAILED', {
      why: `${name}: ${written.bytes} bytes were written, ${read.bytes} others were read back`,
    });
}

export function folderPlace(folder: string): Place {
  const pathOf = (name: string) => join(folder, name);
  return {
    store: async (name, content) => {
      const path = pathOf(name);
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      const part = `${path}.part`;
      try {
        const written = await withFile(part, 'w', async (file) => {
          await print(content, file);
          const [digest] = await Promise.all([digestOf(part), file.sync()]);
          return digest;
        });
        await through(null, [forget(part)], null);
        mustBeEqual(name, written, await digestOf(part));
        await rename(part, path);
        await flush(dirname(path));
        return { bytes: written.bytes };
      } catch (error) {
        await rm(part, { force: true });
        throw error;
      }
    },
    fetch: (name, programs, to) =>
      withFile(pathOf(name), 'r', (file) => through(file, programs, to ?? null)),
    keep: async (name) => {
      if (!existsSync(pathOf(name))) return false;
      const seconds = systemClock.now() / 1000;
      await utimes(pathOf(name), seconds, seconds);
      return true;
    },
    list: async () => (await readdir(folder)).filter((name) => backupName.test(name)).sort(),
    removeBefore: async (at) => {
      const backups = (await readdir(folder)).filter((name) => backupName.test(name)).sort();
      const shared = (await readdir(folder, { recursive: true })).filter((name) =>
        /^(files|recordings)\/[^/]+\.age$/.test(name),
      );
      let removed = 0;
      for (const name of [...backups.slice(0, -1), ...shared]) {
        if ((await stat(pathOf(name))).mtimeMs >= at) continue;
        await rm(pathOf(name));
        removed += 1;
      }
      return removed;
    },
  };
}

/** What has gone there cannot be asked for: everything is sent each time, and the town's own command
 * keeps what it wants. */
function commandPlace(write: string, read: string): Place {
  return {
    store: async (name, content) => {
      const sent = measured();
      const command = through(sent.stream, [shell(write, name)], null);
      const done = await Promise.allSettled([print(content, sent.stream), command]);
      // The command's own words say more than the pipe that broke.
      for (const each of [...done].reverse()) if (each.status === 'rejected') throw each.reason;
      const back = swallowed();
      await through(null, [shell(read, name)], back.stream);
      const written = sent.result();
      mustBeEqual(name, written, back.result());
      return { bytes: written.bytes };
    },
    fetch: (name, programs, to) => through(null, [shell(read, name), ...programs], to ?? null),
    keep: async () => false,
    list: async () => null,
    removeBefore: async () => 0,
  };
}

const flush = (folder: string): Promise<void> => withFile(folder, 'r', (file) => file.sync());
