/** Package files uploaded for recipes. The file is written before its row; the row is deleted
 * before its file. */
import type { PackageFile, Recipes } from '@preau/contract/application.ts';
import type { PackageUpload, UploadedPackage } from '@preau/contract/catalogue.ts';
import { AppError } from '@preau/contract/errors.ts';
import { filesFor } from '@preau/contract/recipe-kinds.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { packageFiles } from './files.ts';
import {
  deletePackageRow,
  insertPackage,
  lockPackage,
  selectPackages,
  selectPackageUsers,
} from './store.ts';

type Deps = Pick<Platform, 'config' | 'database' | 'clock' | 'wakeups'>;

/** A technician's browser sends one file at a time; a script may send a few. More in parallel
 * could fill the disk. */
const uploadsAtOnce = 4;
const underWay = new WeakMap<object, number>();

/** Sending the same file again is safe. Refuses with PAYLOAD_TOO_LARGE, BUSY, UPLOAD_REFUSED,
 * DISK_FULL. */
export async function uploadPackage(
  deps: Deps,
  actor: Actor,
  announced: PackageUpload,
  body: AsyncIterable<Buffer>,
): Promise<UploadedPackage> {
  const size = Number(announced.size);
  if (size > deps.config.PREAU_PACKAGE_MIB * 1_048_576)
    throw new AppError('PAYLOAD_TOO_LARGE', { maxMiB: deps.config.PREAU_PACKAGE_MIB });
  const now = underWay.get(deps.database) ?? 0;
  if (now >= uploadsAtOnce) throw new AppError('BUSY');
  underWay.set(deps.database, now + 1);
  try {
    await packageFiles(deps.config.PREAU_DATA).receive(
      announced.sha256,
      { sha256: announced.sha256, size },
      body,
    );
  } finally {
    underWay.set(deps.database, (underWay.get(deps.database) ?? 1) - 1);
  }
  await keepPackage(deps, actor, { name: announced.name, sha256: announced.sha256, size });
  const found = (await selectPackages(deps.database, announced.sha256))[0];
  if (found === undefined) throw new AppError('INTERNAL');
  return found;
}

/** Records the row once the file is stored; only then can recipes use it. */
async function keepPackage(
  deps: Deps,
  actor: Actor,
  file: { name: string; sha256: string; size: number },
): Promise<void> {
  await deps.database.transaction().execute(async (rows) => {
    if (await insertPackage(rows, { ...file, createdBy: actor.id, now: deps.clock.now() }))
      await recordEffect(deps, rows, actor, {
        action: 'package.uploaded',
        subjectName: file.name,
        details: { sha256: file.sha256, size: file.size },
      });
  });
  deps.wakeups.wake(['applications', 'audit']);
}

/** Stores a small file that the controller itself produced: a script, the agent's bundle. */
export async function storeFile(
  deps: Deps,
  actor: Actor,
  file: { name: string; sha256: string },
  content: Buffer,
): Promise<PackageFile> {
  const stored = { name: file.name, sha256: file.sha256, size: content.length };
  await packageFiles(deps.config.PREAU_DATA).receive(
    stored.sha256,
    stored,
    (async function* () {
      yield content;
    })(),
  );
  await keepPackage(deps, actor, stored);
  return stored;
}

export const listPackages = (deps: Pick<Platform, 'database'>): Promise<UploadedPackage[]> =>
  selectPackages(deps.database);

/** Refuses with STATE_FORBIDS a file that a version or a script still uses. */
export async function deletePackage(deps: Deps, actor: Actor, sha256: string): Promise<void> {
  await deps.database.transaction().execute(async (rows) => {
    const known = await lockPackage(rows, sha256);
    if (known === undefined) throw new AppError('NOT_FOUND', { package: sha256 });
    const usedBy = await selectPackageUsers(rows, sha256);
    if (usedBy.length > 0) throw new AppError('STATE_FORBIDS', { usedBy });
    await deletePackageRow(rows, sha256);
    await recordEffect(deps, rows, actor, {
      action: 'package.deleted',
      subjectName: known.name,
      details: { sha256 },
    });
  });
  await packageFiles(deps.config.PREAU_DATA).remove(sha256);
  deps.wakeups.wake(['applications', 'audit']);
}

/** Every file that a recipe uses to install or remove. */
function filesOf(recipes: Recipes): PackageFile[] {
  return Object.values(recipes).flatMap((recipe) =>
    recipe === undefined ? [] : [...filesFor(recipe, 'present'), ...filesFor(recipe, 'absent')],
  );
}

/** In the transaction that adds a version: locks its uploaded files, so that they exist and
 * cannot be deleted meanwhile. Refuses with PACKAGE_NOT_FOUND. */
export async function mustHaveFiles(rows: Rows, recipes: Recipes): Promise<void> {
  for (const file of filesOf(recipes)) {
    if (file.url !== undefined) continue;
    const known = await lockPackage(rows, file.sha256);
    if (known === undefined || known.size !== file.size)
      throw new AppError('PACKAGE_NOT_FOUND', { file: file.name, sha256: file.sha256 });
  }
}
