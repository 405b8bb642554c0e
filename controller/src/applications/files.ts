/** Uploaded files: `<data>/packages/<sha256>`. Each is written beside its place, checked while it streams, flushed, and only
 *  then moved there: a name in this folder is a whole file, whatever happened meanwhile. Several controllers of one city
 *  share the folder. */
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync } from 'node:fs';
import { open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { AppError } from '@preau/contract/errors.ts';
import { newId } from '#src/platform/secrets.ts';

export interface Announced {
  sha256: string;
  size: number;
}

export interface PackageFiles {
  /** Refuses with UPLOAD_REFUSED what is not as announced, with DISK_FULL when there is no room; leaves nothing behind then. */
  receive: (announced: Announced, body: AsyncIterable<Buffer>) => Promise<void>;
  /** The whole file, for small ones; undefined when it is not here. */
  read: (sha256: string) => Promise<Buffer | undefined>;
  /** `end` is the last byte, included. */
  stream: (sha256: string, range: { start: number; end: number }) => Readable;
  sizeOf: (sha256: string) => Promise<number | null>;
  remove: (sha256: string) => Promise<void>;
  /** Throws away what uploads that a crash cut off have left, older than a day. */
  tidy: (now: number) => Promise<void>;
}

const codeOf = (error: unknown) => (error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined);

export function packageFiles(dataFolder: string): PackageFiles {
  const folder = join(dataFolder, 'packages');
  const incoming = join(folder, '.incoming');
  const pathOf = (sha256: string) => {
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw new AppError('NOT_FOUND', { package: sha256 });
    return join(folder, sha256);
  };
  return {
    receive: async ({ sha256, size }, body) => {
      const path = pathOf(sha256);
      mkdirSync(incoming, { recursive: true, mode: 0o700 });
      const part = join(incoming, newId('up'));
      const file = await open(part, 'wx', 0o600);
      try {
        const hash = createHash('sha256');
        let received = 0;
        // One chunk at a time: the next is asked of the network when this one is written.
        for await (const chunk of body) {
          received += chunk.length;
          if (received > size) throw new AppError('UPLOAD_REFUSED', { why: 'size', announced: size });
          hash.update(chunk);
          await file.writeFile(chunk);
        }
        if (received !== size) throw new AppError('UPLOAD_REFUSED', { why: 'size', announced: size, received });
        if (hash.digest('hex') !== sha256) throw new AppError('UPLOAD_REFUSED', { why: 'sha256' });
        await file.sync();
        await file.close();
        await rename(part, path);
        await flushFolder(folder);
      } catch (error) {
        await file.close().catch(() => undefined);
        await rm(part, { force: true });
        if (codeOf(error) === 'ENOSPC' || codeOf(error) === 'EDQUOT') throw new AppError('DISK_FULL', {}, { cause: error });
        if (codeOf(error) === 'ECONNRESET' || codeOf(error) === 'ERR_STREAM_PREMATURE_CLOSE') throw new AppError('UPLOAD_REFUSED', { why: 'cut off' }, { cause: error });
        throw error;
      }
    },
    read: async (sha256) => {
      try {
        return await readFile(pathOf(sha256));
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return undefined;
        throw error;
      }
    },
    stream: (sha256, range) => createReadStream(pathOf(sha256), range),
    sizeOf: async (sha256) => {
      try {
        return (await stat(pathOf(sha256))).size;
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return null;
        throw error;
      }
    },
    remove: (sha256) => rm(pathOf(sha256), { force: true }),
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
