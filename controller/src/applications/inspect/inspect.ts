/** Inspects an uploaded file, in a thread of its own: a package that takes forever to read blocks
 * nobody. */
import { InspectedPackage } from '@preau/contract/catalogue.ts';
import { AppError } from '@preau/contract/errors.ts';
import { Compile } from 'typebox/compile';
import type { Platform } from '#src/platform/platform.ts';
import { packageFiles } from '../packages/files.ts';
import { selectPackages } from '../packages/store.ts';
import { inspection, nothingKnown } from './inspection.ts';

const isInspected = Compile(InspectedPackage);

/** Refuses with NOT_FOUND and BUSY. An inspection that takes too much time or memory is `cutShort`,
 * with what was known by then. */
export async function inspectPackage(
  deps: Pick<Platform, 'config' | 'database' | 'heavy'>,
  sha256: string,
): Promise<InspectedPackage> {
  const known = (await selectPackages(deps.database, sha256))[0];
  const path = packageFiles(deps.config.PREAU_DATA).pathOf(sha256);
  if (known === undefined) throw new AppError('NOT_FOUND', { package: sha256 });
  let soFar: InspectedPackage = { ...nothingKnown, cutShort: true };
  const take = (told: InspectedPackage) => {
    if (isInspected.Check(told)) soFar = told;
  };
  try {
    take(await deps.heavy.run(inspection, { path, name: known.name }, { early: take }));
  } catch (error) {
    if (error instanceof AppError && error.code === 'BUSY') throw error;
    // Whatever an untrusted package breaks: what was known by then is the answer.
  }
  return soFar;
}
