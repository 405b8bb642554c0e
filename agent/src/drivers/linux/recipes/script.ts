/** A script that two technicians have read. `Driver.refuses` has checked the signature over its
 * files before anything is fetched. */
import type { PackageFile, ScriptRecipe } from '@preau/contract/application.ts';
import type { ErrorCode } from '@preau/contract/errors.ts';
import type { Installable } from '#src/drivers/driver.ts';
import { readText } from '#src/files.ts';
import { codeOf } from '../apt-output.ts';
import { howItEnded } from '../installer.ts';
import type { Outcome, SingleRecipe, Work } from './recipe.ts';

/** The command that runs the script: the interpreter of its first line, since the file itself is
 * not executable; /bin/sh without one. */
function interpreterOf(path: string): string[] {
  const [line = ''] = (readText(path) ?? '').split('\n', 1);
  const named = /^#! *(\/[^\s]+)(?: +(\S+))? *$/.exec(line)?.slice(1);
  return named?.filter((word) => word !== undefined) ?? ['/bin/sh'];
}

async function runScript(
  file: PackageFile,
  { slug, version }: Installable,
  { run, staged }: Work,
  otherwise: ErrorCode,
): Promise<Outcome> {
  const path = staged.pathOf(file);
  const ran = await run('/usr/bin/env', ['-C', staged.folder, ...interpreterOf(path), path], {
    PREAU_APPLICATION: slug,
    PREAU_VERSION: version,
  });
  return ran.code === 0
    ? null
    : {
        code: codeOf(ran, otherwise),
        message: `${howItEnded('the script', ran)}: ${ran.tail.trim().slice(-1200)}`,
      };
}

export const script: SingleRecipe<ScriptRecipe> = {
  by: 'itself',
  install: ({ install }, application, work) =>
    runScript(install, application, work, 'INSTALL_FAILED'),
  remove: async ({ remove }, application, work) =>
    remove === undefined
      ? { code: 'REMOVE_FAILED', message: 'the recipe has no script for taking it away' }
      : runScript(remove, application, work, 'REMOVE_FAILED'),
  detect: (recipe, { version }, detection) => detection.byRule(recipe.detect, version),
};
