/** The only writer of files. What must survive a power cut is written beside, synced and renamed. */
import { chmodSync, chownSync, closeSync, copyFileSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

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
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** For files that need not survive a reboot. The mode is set whatever the umask. */
export function write(path: string, text: string, mode: number, owner?: { uid: number; gid: number }): void {
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

export const remove = (path: string): void => rmSync(path, { recursive: true, force: true });
export const exists = existsSync;
export const names = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);
export const ownerOf = (path: string): number => statSync(path).uid;
export const readBytes = (path: string): Buffer => readFileSync(path);

/** Undefined when there is no such file. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

export function copyTo(from: string, to: string, mode: number, owner: { uid: number; gid: number }): void {
  copyFileSync(from, to);
  chmodSync(to, mode);
  chownSync(to, owner.uid, owner.gid);
}

/** Names in a folder; `link` is the target of those that are symbolic links. */
export const entries = (folder: string): { name: string; link: string | null }[] =>
  readdirSync(folder, { withFileTypes: true }).map((entry) => ({ name: entry.name, link: entry.isSymbolicLink() ? readlinkSync(`${folder}/${entry.name}`) : null }));
