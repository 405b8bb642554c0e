/** Received files, in one folder. Each is written to a temporary file, checked while it streams,
 * flushed, and only then moved to its name, so that a named file is always complete, even after a
 * crash. Several controllers of one city share the folder. */
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, type ReadStream } from 'node:fs';
import { open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '@preau/contract/errors.ts';
import { newSalt } from './secrets.ts';

interface Announced {
  /** Null: unknown before the file has arrived. */
  sha256: string | null;
  size: number;
}

export interface KeptFiles {
  /** Stores the body and returns its SHA-256. Refuses with UPLOAD_REFUSED a body that differs from
   * the announcement, with DISK_FULL when there is no space; a refused upload leaves nothing
   * behind. */
  receive: (name: string, announced: Announced, body: AsyncIterable<Buffer>) => Promise<string>;
  /** The whole content, for small files; undefined when the file does not exist. */
  read: (name: string) => Promise<Buffer | undefined>;
  /** `end` is the last byte, inclusive. */
  stream: (name: string, range: { start: number; end: number }) => ReadStream;
  sizeOf: (name: string) => Promise<number | null>;
  /** The file's path, for reading only. */
  pathOf: (name: string) => string;
  remove: (name: string) => Promise<void>;
  /** Names of at most 500 files written before this time, to compare with the files that should
   * exist. */
  strays: (before: number) => Promise<string[]>;
  /** Deletes the remains of interrupted uploads that are older than a day. */
  tidy: (now: number) => Promise<void>;
}

const codeOf = (error: unknown) =>
  error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;

/** `isName`: the pattern of valid file names. */
export function keptFiles(folder: string, isName: RegExp): KeptFiles {
  const incoming = join(folder, '.incoming');
  const pathOf = (name: string) => {
    if (!isName.test(name)) throw new AppError('NOT_FOUND', { file: name });
    return join(folder, name);
  };
  return {
    receive: async (name, { sha256, size }, body) => {
      const path = pathOf(name);
      mkdirSync(incoming, { recursive: true, mode: 0o700 });
      const part = join(incoming, newSalt());
      const file = await open(part, 'wx', 0o600);
      try {
        const hash = createHash('sha256');
        let received = 0;
        // One chunk at a time: the next is read from the network only after this one is written.
        for await (const chunk of body) {
          received += chunk.length;
          if (received > size)
            throw new AppError('UPLOAD_REFUSED', { why: 'size', announced: size });
          hash.update(chunk);
          await file.writeFile(chunk);
        }
        if (received !== size)
          throw new AppError('UPLOAD_REFUSED', { why: 'size', announced: size, received });
        const digest = hash.digest('hex');
        if (sha256 !== null && digest !== sha256)
          throw new AppError('UPLOAD_REFUSED', { why: 'sha256' });
        await file.sync();
        await file.close();
        await rename(part, path);
        await flushFolder(folder);
        return digest;
      } catch (error) {
        await file.close().catch(() => undefined);
        await rm(part, { force: true });
        if (codeOf(error) === 'ENOSPC' || codeOf(error) === 'EDQUOT')
          throw new AppError('DISK_FULL', {}, { cause: error });
        if (codeOf(error) === 'ECONNRESET' || codeOf(error) === 'ERR_STREAM_PREMATURE_CLOSE')
          throw new AppError('UPLOAD_REFUSED', { why: 'cut off' }, { cause: error });
        throw error;
      }
    },
    read: async (name) => {
      try {
        return await readFile(pathOf(name));
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return undefined;
        throw error;
      }
    },
    pathOf,
    stream: (name, range) => createReadStream(pathOf(name), range),
    sizeOf: async (name) => {
      try {
        return (await stat(pathOf(name))).size;
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return null;
        throw error;
      }
    },
    remove: (name) => rm(pathOf(name), { force: true }),
    strays: async (before) => {
      const old: string[] = [];
      for (const name of await readdir(folder).catch(() => [])) {
        if (old.length === 500 || !isName.test(name)) continue;
        const seen = await stat(join(folder, name)).catch(() => null);
        if (seen !== null && seen.mtimeMs < before) old.push(name);
      }
      return old;
    },
    tidy: async (now) => {
      const names = await readdir(incoming).catch(() => []);
      for (const name of names) {
        const path = join(incoming, name);
        const seen = await stat(path).catch(() => null);
        if (seen !== null && now - seen.mtimeMs > 86_400_000) await rm(path, { force: true });
      }
    },
  };
}

async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
