/** Unpacks untrusted archives into one folder. Each entry is checked before it is written, and
 * everything goes into a temporary folder beside the target, which replaces it at the very end. */
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { AppError } from '@preau/contract/errors.ts';
import { extract } from 'tar-stream';
import { type Entry, openPromise } from 'yauzl';
import {
  copyTo,
  exists,
  freeBytes,
  makeFolder,
  modifiedAt,
  names,
  readFrom,
  remove,
  rename,
  sizeOf,
  writeNew,
} from '#src/files.ts';

export interface Bounds {
  entries: number;
  bytes: number;
  /** Largest ratio of unpacked to packed bytes; checked once more than `ratioFromBytes` bytes are
   * unpacked. */
  ratio: number;
  ratioFromBytes: number;
  /** Bytes that are left where this folder is. */
  free: (folder: string) => number;
}
export const usualBounds: Bounds = {
  entries: 100_000,
  bytes: 16 * 1024 ** 3,
  ratio: 100,
  ratioFromBytes: 64 * 1024 ** 2,
  free: freeBytes,
};

const refuse = (why: string) => new AppError('ARCHIVE_REFUSED', { why });

type EntryKind = 'file' | 'folder' | 'other';

/** The parts of an entry's path, without empty ones. Throws ARCHIVE_REFUSED. */
function partsOf({ name, kind }: { name: string; kind: EntryKind }): string[] {
  const shown = JSON.stringify(name.slice(0, 120));
  if (kind === 'other') throw refuse(`${shown} is a link or a device`);
  if (name.length > 1000 || /[\p{Cc}\\]/u.test(name))
    throw refuse(`${shown} is no name for a file`);
  if (name.startsWith('/') || /^[A-Za-z]:/.test(name)) throw refuse(`${shown} is an absolute path`);
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw refuse(`${shown} leaves the folder`);
  if (parts.length > 64 || parts.some((part) => Buffer.byteLength(part) > 255))
    throw refuse(`${shown} is too deep or too long`);
  if (parts.length === 0 && kind !== 'folder') throw refuse(`${shown} is no name for a file`);
  return parts;
}

/** Decides where each entry goes, or throws ARCHIVE_REFUSED. Pure, except that it remembers earlier
 * entries. */
function doorkeeper(packedBytes: number, bounds: Bounds) {
  const files = new Set<string>();
  const folders = new Set<string>();
  let entries = 0;
  let bytes = 0;
  return {
    /** The relative path; empty for the archive's own root. */
    admit: (entry: { name: string; kind: EntryKind }): string => {
      entries += 1;
      const shown = JSON.stringify(entry.name.slice(0, 120));
      if (entries > bounds.entries) throw refuse(`more than ${bounds.entries} entries`);
      const parts = partsOf(entry);
      const path = parts.join('/');
      if (path === '') return path;
      for (let depth = 1; depth < parts.length; depth += 1) {
        const above = parts.slice(0, depth).join('/');
        if (files.has(above)) throw refuse(`${shown} is inside a file`);
        folders.add(above);
      }
      if (files.has(path) || (entry.kind === 'file' && folders.has(path)))
        throw refuse(`${shown} is there twice`);
      (entry.kind === 'file' ? files : folders).add(path);
      return path;
    },
    /** Counts the bytes actually unpacked, whatever the archive announces. */
    count: (length: number): void => {
      bytes += length;
      if (bytes > bounds.bytes) throw refuse(`more than ${bounds.bytes} bytes`);
      if (bytes > bounds.ratioFromBytes && bytes > packedBytes * bounds.ratio)
        throw refuse(`more than ${bounds.ratio} times its own size`);
    },
  };
}
type Doorkeeper = ReturnType<typeof doorkeeper>;

/** Unpacks the archive to `<root>/<slug>/<version>`. The previous version stays beside it, older
 * ones are removed. Throws ARCHIVE_REFUSED or DISK_FULL; the target is then unchanged. */
export async function unpack(
  archive: { path: string; format: 'appimage' | 'zip' | 'tar'; name: string },
  place: { root: string; slug: string; version: string },
  signal: AbortSignal,
  bounds: Bounds = usualBounds,
): Promise<void> {
  const home = join(place.root, place.slug);
  const beside = join(home, `.new-${place.version}`);
  const target = join(home, place.version);
  makeFolder(place.root, 0o755);
  makeFolder(home, 0o755);
  remove(beside);
  makeFolder(beside, 0o755);
  try {
    const door = doorkeeper(sizeOf(archive.path), {
      ...bounds,
      bytes: Math.min(bounds.bytes, bounds.free(home)),
    });
    if (archive.format === 'appimage') copyTo(archive.path, join(beside, archive.name), 0o755);
    else
      await (archive.format === 'zip' ? unpackZip : unpackTar)({
        path: archive.path,
        folder: beside,
        door,
        signal,
      });
    const old = join(home, `.old-${place.version}`);
    remove(old);
    if (exists(target)) rename(target, old);
    rename(beside, target);
    remove(old);
    const others = names(home)
      .filter((name) => name !== place.version && !name.startsWith('.'))
      .sort((a, b) => modifiedAt(join(home, b)) - modifiedAt(join(home, a)));
    for (const name of others.slice(1)) remove(join(home, name));
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof AppError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC')
      throw new AppError('DISK_FULL', { why: String(error) });
    throw refuse(error instanceof Error ? error.message : String(error));
  } finally {
    remove(beside);
  }
}

/** Where an archive is unpacked, and what checks its entries. */
interface Opening {
  path: string;
  folder: string;
  door: Doorkeeper;
  signal: AbortSignal;
}

async function put(
  { folder, door, signal }: Opening,
  path: string,
  content: AsyncIterable<Buffer>,
  mode: number,
): Promise<void> {
  const to = join(folder, path);
  makeFolder(dirname(to), 0o755);
  const counted = async function* () {
    for await (const chunk of content) {
      signal.throwIfAborted();
      door.count(chunk.length);
      yield chunk;
    }
  };
  // Of an archive's modes only the executable bit is kept: above all, no setuid.
  await writeNew(to, counted(), (mode & 0o111) === 0 ? 0o644 : 0o755);
}

async function unpackZip(opening: Opening): Promise<void> {
  const { path, folder, door } = opening;
  const zip = await openPromise(path, { autoClose: false });
  try {
    for await (const entry of zip.eachEntry() as AsyncIterable<Entry>) {
      const mode = entry.externalFileAttributes >>> 16;
      const type = mode & 0o170_000;
      const isFolder = entry.fileName.endsWith('/');
      const kind =
        entry.isEncrypted() || (type !== 0 && type !== 0o100_000 && type !== 0o040_000)
          ? 'other'
          : isFolder
            ? 'folder'
            : 'file';
      const name = door.admit({ name: entry.fileName, kind });
      if (isFolder) makeFolder(join(folder, name), 0o755);
      else
        await put(
          opening,
          name,
          (await zip.openReadStreamPromise(entry)) as AsyncIterable<Buffer>,
          mode,
        );
    }
  } finally {
    zip.close();
  }
}

async function unpackTar(opening: Opening): Promise<void> {
  const { path, folder, door } = opening;
  const tar = extract();
  const plain = await unzipped(path);
  plain.on('error', (error) => tar.destroy(error));
  plain.pipe(tar);
  try {
    for await (const entry of tar) {
      const { name, mode, type } = entry.header;
      const kind =
        type === 'file' || type === 'contiguous-file'
          ? 'file'
          : type === 'directory'
            ? 'folder'
            : 'other';
      const inside = door.admit({ name, kind });
      if (kind === 'folder') {
        makeFolder(join(folder, inside), 0o755);
        entry.resume();
      } else await put(opening, inside, entry as AsyncIterable<Buffer>, mode ?? 0o644);
    }
  } finally {
    plain.destroy();
    tar.destroy();
  }
}

/** Detects gzip and Zstandard by their first bytes. */
async function unzipped(path: string): Promise<Readable> {
  let magic = Buffer.alloc(0);
  for await (const chunk of readFrom(path, 0, 5)) magic = Buffer.concat([magic, chunk as Buffer]);
  const source = readFrom(path);
  const through =
    magic.readUInt16BE(0) === 0x1f8b
      ? createGunzip()
      : magic.readUInt32BE(0) === 0x28b52ffd
        ? createZstdDecompress()
        : null;
  if (through === null) {
    if (
      magic.subarray(0, 6).equals(Buffer.from('fd377a585a00', 'hex')) ||
      magic.subarray(0, 3).toString() === 'BZh'
    )
      throw refuse('tar archives are plain, or packed with gzip or Zstandard');
    return source;
  }
  source.on('error', (error) => through.destroy(error));
  return source.pipe(through);
}
