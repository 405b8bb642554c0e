/** The only module that writes files. What must survive a power cut is written to a temporary file
 * beside, synced and renamed. */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  createReadStream,
  createWriteStream,
  existsSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  renameSync,
  rmdirSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { plainText } from '@preau/contract/schema.ts';

export function writeDurably(path: string, text: string, mode = 0o600): void {
  const beside = `${path}.new`;
  const file = openSync(beside, 'w', mode);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(beside, path);
  sync(dirname(path));
}

/** For files that need not survive a reboot. The mode is set regardless of the umask. */
export function write(
  path: string,
  text: string,
  mode: number,
  owner?: { uid: number; gid: number },
): void {
  const file = openSync(path, 'w', mode);
  try {
    writeSync(file, text);
  } finally {
    closeSync(file);
  }
  chmodSync(path, mode);
  if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
}

export function makeFolder(path: string, mode: number, owner?: { uid: number; gid: number }): void {
  mkdirSync(path, { recursive: true, mode });
  chmodSync(path, mode);
  if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
}

/** Keeps an unreadable file for inspection, as `<path>.bad`. */
export const moveAside = (path: string): void => renameSync(path, `${path}.bad`);
export const remove = (path: string): void => rmSync(path, { recursive: true, force: true });
/** Removes an empty folder; false while something is in it, or when there is none. */
export function removeEmpty(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch {
    return false;
  }
}
export const exists = existsSync;
export const names = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);
/** Whether both paths lead to one file or folder; false when either leads to none. */
export function isSameFile(path: string, other: string): boolean {
  const [one, two] = [path, other].map((each) => {
    try {
      return statSync(each, { throwIfNoEntry: false });
    } catch {
      return undefined;
    }
  });
  return one !== undefined && two !== undefined && one.dev === two.dev && one.ino === two.ino;
}
export const readBytes = (path: string): Buffer => readFileSync(path);

/** Undefined when there is no such file. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

export function copyTo(
  from: string,
  to: string,
  mode: number,
  owner?: { uid: number; gid: number },
): void {
  copyFileSync(from, to);
  chmodSync(to, mode);
  if (owner !== undefined) chownSync(to, owner.uid, owner.gid);
}

/** Names in a folder; `link` is the target of those that are symbolic links. */
export const entries = (folder: string): { name: string; link: string | null }[] =>
  readdirSync(folder, { withFileTypes: true }).map((entry) => ({
    name: entry.name,
    link: entry.isSymbolicLink() ? readlinkSync(`${folder}/${entry.name}`) : null,
  }));

// ---- large files: streamed, never held in memory --------------------------------------------

/** 0 when there is none. */
export const sizeOf = (path: string): number =>
  statSync(path, { throwIfNoEntry: false })?.size ?? 0;
export const modifiedAt = (path: string): number =>
  statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
/** Differs when names in the folder came or went; a link is not followed. */
export function folderStamp(path: string): string | undefined {
  const seen = lstatSync(path, { throwIfNoEntry: false, bigint: true });
  return seen?.isDirectory() === true ? `${seen.mtimeNs} ${seen.ino}` : undefined;
}
/** Whether the file begins with this text. */
export function beginsWith(path: string, text: string): boolean {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(Buffer.byteLength(text));
    return (
      readSync(file, buffer, 0, buffer.length, 0) === buffer.length && buffer.toString() === text
    );
  } finally {
    closeSync(file);
  }
}
/** Differs when the file was written or replaced since; undefined when there is none. */
export function stamp(path: string): string | undefined {
  const seen = statSync(path, { throwIfNoEntry: false, bigint: true });
  return seen === undefined ? undefined : `${seen.mtimeNs} ${seen.size} ${seen.ino}`;
}
export const freeBytes = (folder: string): number => {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
};
/** Within one file system, atomic, replaces what was there. */
export const rename = renameSync;
export function touch(path: string, at: number): void {
  utimesSync(path, at / 1000, at / 1000);
}
/** A symbolic link. */
export const linkNamed = (target: string, path: string): void => symlinkSync(target, path);
/** A hard link: a second name for the same file, which stays when the first name is removed. */
export function linkTo(from: string, to: string): void {
  rmSync(to, { force: true });
  linkSync(from, to);
}
export const readFrom = (path: string, from = 0, to?: number): Readable =>
  createReadStream(path, { start: from, ...(to === undefined ? {} : { end: to }) });
/** Writes to the file from byte `from` on; 0 creates or truncates it. */
export const writeFrom = (
  path: string,
  from: number,
  source: AsyncIterable<Buffer>,
  signal?: AbortSignal,
): Promise<void> =>
  pipeline(
    source,
    createWriteStream(
      path,
      from === 0 ? { flags: 'w', mode: 0o600 } : { flags: 'r+', start: from, mode: 0o600 },
    ),
    signal === undefined ? {} : { signal },
  );
/** Creates a file that must not exist yet; follows no link. */
export async function writeNew(
  path: string,
  source: AsyncIterable<Buffer>,
  mode: number,
): Promise<void> {
  await pipeline(source, createWriteStream(path, { flags: 'wx', mode }));
  chmodSync(path, mode);
}
/** Reused buffer: allocating one for each of hundreds of packages costs more than hashing them. */
let spare: Buffer | null = null;
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  const file = await open(path, 'r');
  const piece = spare ?? Buffer.allocUnsafeSlow(1 << 20);
  spare = null;
  try {
    for (let got = await file.read(piece); got.bytesRead > 0; got = await file.read(piece))
      hash.update(piece.subarray(0, got.bytesRead));
  } finally {
    spare = piece;
    await file.close();
  }
  return hash.digest('hex');
}
/** Flushes content and size of a file to disk. */
export async function flush(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.datasync();
  } finally {
    await file.close();
  }
}
function sync(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
/** The last bytes of a file as plain text, and how long the file is. After a power cut its end may
 * be NUL bytes. */
export function readTail(path: string, bytes: number): { text: string; size: number } {
  const size = sizeOf(path);
  if (size === 0 || bytes === 0) return { text: '', size };
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(Math.min(bytes, size));
    readSync(file, buffer, 0, buffer.length, size - buffer.length);
    return { text: plainText(buffer.toString('utf8')), size };
  } finally {
    closeSync(file);
  }
}
