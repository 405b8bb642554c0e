/** Content-addressed files, kept for this server and its neighbours. The store is bounded: least
 * recently used files go first. A file staged for an order is a hard link to the stored one, and
 * stays until the order is forgotten.
 *
 * Files are not synced to disk. A name vouches for its content until the machine reboots; then the
 * newest files must pass the hash check again when next wanted, and are fetched again if they
 * fail. */
import { join } from 'node:path';
import { AppError } from '@preau/contract/errors.ts';
import {
  exists,
  linkTo,
  makeFolder,
  modifiedAt,
  names,
  readText,
  remove,
  rename,
  sha256Of,
  sizeOf,
  touch,
  write,
} from '#src/files.ts';

export interface Store {
  has: (sha256: string) => boolean;
  /** Path of the file, for reading only. */
  pathOf: (sha256: string) => string;
  /** Path of the partial file; what is already there is kept, so that the download resumes. */
  partOf: (sha256: string) => string;
  /** Checks size and SHA-256 of partial files and stores those that match. Deletes the others, and
   * throws HASH_MISMATCH for the first of them. */
  adopt: (files: readonly { sha256: string; size: number }[]) => Promise<void>;
  link: (sha256: string, to: string) => void;
}

const partsForMs = 7 * 86_400_000;
const countEveryMs = 3_600_000;
/** The kernel writes back within a minute; an hour is certainly enough. */
const surelyWrittenMs = 3_600_000;

/** `boot`: an id that differs after each boot. */
export function openStore(deps: {
  folder: string;
  maxBytes: number;
  boot: string;
  now: () => number;
}): Store {
  const pathOf = (sha256: string) => join(deps.folder, sha256);
  const partOf = (sha256: string) => `${pathOf(sha256)}.part`;
  makeFolder(deps.folder, 0o700);
  const bootPath = `${deps.folder}.boot`;
  if (readText(bootPath) !== deps.boot) {
    const whole = names(deps.folder)
      .filter((name) => !name.endsWith('.part'))
      .map((name) => ({ name, at: modifiedAt(pathOf(name)) }));
    const last = whole.reduce((newest, { at }) => Math.max(newest, at), 0);
    for (const { name, at } of whole) {
      if (at < last - surelyWrittenMs) continue;
      touch(pathOf(name), deps.now());
      rename(pathOf(name), partOf(name));
    }
    write(bootPath, deps.boot, 0o600);
  }

  /** Bytes of complete files, by the last count plus what was added since; null: not counted
   * yet. */
  let held: number | null = null;
  let countedAt = 0;
  const makeRoom = (added: number) => {
    if (held !== null) held += added;
    // Counting all files each time one is added would be most of the work.
    if (held !== null && held <= deps.maxBytes && deps.now() - countedAt < countEveryMs) return;
    const files = names(deps.folder).map((name) => ({
      path: join(deps.folder, name),
      isPart: name.endsWith('.part'),
      size: sizeOf(join(deps.folder, name)),
      at: modifiedAt(join(deps.folder, name)),
    }));
    for (const { path, isPart, at } of files)
      if (isPart && deps.now() - at > partsForMs) remove(path);
    const whole = files.filter(({ isPart }) => !isPart).sort((a, b) => a.at - b.at);
    let total = whole.reduce((sum, { size }) => sum + size, 0);
    for (const { path, size } of whole) {
      if (total <= deps.maxBytes) break;
      remove(path);
      total -= size;
    }
    held = total;
    countedAt = deps.now();
  };

  return {
    pathOf,
    partOf,
    has: (sha256) => {
      if (!exists(pathOf(sha256))) return false;
      touch(pathOf(sha256), deps.now());
      return true;
    },
    adopt: async (files) => {
      const good: string[] = [];
      const wrong: AppError[] = [];
      for (const { sha256, size } of files) {
        const part = partOf(sha256);
        const found = sizeOf(part);
        if (found === size && (await sha256Of(part)) === sha256) {
          good.push(sha256);
          continue;
        }
        remove(part);
        wrong.push(
          new AppError('HASH_MISMATCH', {
            why: found === size ? `SHA-256 is not ${sha256}` : `${found} bytes instead of ${size}`,
          }),
        );
      }
      for (const sha256 of good) {
        touch(partOf(sha256), deps.now());
        rename(partOf(sha256), pathOf(sha256));
      }
      makeRoom(good.reduce((bytes, sha256) => bytes + sizeOf(pathOf(sha256)), 0));
      if (wrong[0] !== undefined) throw wrong[0];
    },
    link: (sha256, to) => linkTo(pathOf(sha256), to),
  };
}
