/** Whether the Debian packages that a recipe lists are installed. */
import type { LinuxRecipe } from '@preau/contract/application.ts';
import { packagesOf, pinsOf } from '@preau/contract/recipe-kinds.ts';
import { type Packages, versionOf } from '../dpkg.ts';
import type { Outcome } from './recipe.ts';

export function packagesAreThere(recipe: LinuxRecipe, packages: Packages): Outcome {
  const missing = packagesOf(recipe).find((name) => versionOf(packages, name) === null);
  if (missing !== undefined)
    return { code: 'INSTALL_FAILED', message: `${missing} is not installed` };
  const unpinned = pinsOf(recipe).find(([name, version]) => versionOf(packages, name) !== version);
  return unpinned === undefined
    ? null
    : {
        code: 'INSTALL_FAILED',
        message: `${unpinned[0]} is not installed in version ${unpinned[1]}`,
      };
}
