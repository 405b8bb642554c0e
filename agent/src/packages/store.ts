/** Files known by what is in them, kept for this server and its neighbours. Bounded: what was used longest ago goes first. What
 *  an order has staged is a second name for the same file and stays until the order is forgotten. */
import { join } from 'node:path';
import { AppError } from '@preau/contract/errors.ts';
import { exists, linkTo, makeFolder, modifiedAt, names, remove, rename, sha256Of, sizeOf, sync, touch } from '#src/files.ts';

export interface Store {
  has: (sha256: string) => boolean;
  /** Where the file is; only to be read. */
  pathOf: (sha256: string) => string;
  /** Where it is collected until it is whole; what is there already is kept, so that fetching goes on. */
  partOf: (sha256: string) => string;
  /** Takes the part in when it is what it should be; throws HASH_MISMATCH, and the part is gone. */
  adopt: (sha256: string, size: number) => Promise<void>;
  link: (sha256: string, to: string) => void;
}

const partsForMs = 7 * 86_400_000;

export function openStore(deps: { folder: string; maxBytes: number; now: () => number }): Store {
  const pathOf = (sha256: string) => join(deps.folder, sha256);
  const partOf = (sha256: string) => `${pathOf(sha256)}.part`;
  makeFolder(deps.folder, 0o700);

  const makeRoom = () => {
    const files = names(deps.folder).map((name) => ({ path: join(deps.folder, name), isPart: name.endsWith('.part'), size: sizeOf(join(deps.folder, name)), at: modifiedAt(join(deps.folder, name)) }));
    for (const { path, isPart, at } of files) if (isPart && deps.now() - at > partsForMs) remove(path);
    const whole = files.filter(({ isPart }) => !isPart).sort((a, b) => a.at - b.at);
    let total = whole.reduce((sum, { size }) => sum + size, 0);
    for (const { path, size } of whole) {
      if (total <= deps.maxBytes) break;
      remove(path);
      total -= size;
    }
  };

  return {
    pathOf, partOf,
    has: (sha256) => {
      if (!exists(pathOf(sha256))) return false;
      touch(pathOf(sha256), deps.now());
      return true;
    },
    adopt: async (sha256, size) => {
      const part = partOf(sha256);
      const found = sizeOf(part);
      if (found !== size || (await sha256Of(part)) !== sha256) {
        remove(part);
        throw new AppError('HASH_MISMATCH', { why: found === size ? `SHA-256 is not ${sha256}` : `${found} bytes instead of ${size}` });
      }
      // On the disk before it has its name: after a power cut a name vouches for its content.
      sync(part);
      touch(part, deps.now());
      rename(part, pathOf(sha256));
      makeRoom();
    },
    link: (sha256, to) => linkTo(pathOf(sha256), to),
  };
}
