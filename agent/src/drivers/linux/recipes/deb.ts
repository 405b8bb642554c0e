/** One Debian package from a file; apt finds its dependencies. */
import type { DebRecipe } from '@preau/contract/application.ts';
import { run } from '#src/command.ts';
import { type Packages, versionOf } from '../dpkg.ts';
import type { Staged } from '../staged.ts';
import { packagesAreThere } from './packages.ts';
import type { AptGetRecipe, Outcome } from './recipe.ts';

/** apt-get also succeeds when a newer version than the file's is installed. */
async function isThere(recipe: DebRecipe, packages: Packages, staged: Staged): Promise<Outcome> {
  const missing = packagesAreThere(recipe, packages);
  if (missing !== null) return missing;
  const { stdout } = await run('/usr/bin/dpkg-deb', ['-f', staged.pathOf(recipe.file), 'Version'], {
    timeoutMs: 30_000,
  });
  const found = versionOf(packages, recipe.package);
  return stdout.trim() === '' || stdout.trim() === found
    ? null
    : {
        code: 'NOT_DETECTED',
        message: `${recipe.package} is version ${found}, the file is ${stdout.trim()}`,
      };
}

export const deb: AptGetRecipe<DebRecipe> = {
  by: 'apt-get',
  goes: 'with its packages',
  arguments: ({ file }, staged) => [staged.pathOf(file)],
  isThere,
  confirm: isThere,
  detect: (recipe, { version }, detection) => detection.byRule(recipe.detect, version),
};
