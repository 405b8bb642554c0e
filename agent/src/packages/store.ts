/** Files known by what is in them, kept for this server and its neighbours. Bounded: what was used
 * longest ago goes first. What an order has staged is a second name for the same file and stays
 * until the order is forgotten.
 *
 *  Nobody waits for the disk. A name vouches for its content until the machine starts anew; then
 * what came last has to prove itself again when it is next wanted, and is fetched anew if it
 * cannot. */
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
  /** Where the file is; only to be read. */
  pathOf: (sha256: string) => string;
  /** Where it is collected until it is whole; what is there already is kept, so that fetching goes
   * on. */
  partOf: (sha256: string) => string;
  /** Takes in the parts that are what they should be; throws HASH_MISMATCH for the first that is
   * not, and those parts are gone. */
  adopt: (files: readonly { sha256: string; size: number }[]) => Promise<void>;
  link: (sha256: string, to: string) => void;
}

const partsForMs = 7 * 86_400_000;
const countEveryMs = 3_600_000;
/** The system writes what it was given within a minute. */
const surelyWrittenMs = 3_600_000;

/** `boot`: another one each time the machine starts. */
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

  /** Of whole files, as far as we know, and when that was counted; null: not yet. */
  let held: number | null = null;
  let countedAt = 0;
  const makeRoom = (added: number) => {
    if (held !== null) held += added;
    // Looking at every file for each that comes would be most of the work.
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
