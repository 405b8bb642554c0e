/** Packages of Debian, or of the recipe's own source. */
import type { AptRecipe } from '@preau/contract/application.ts';
import { pinsOf } from '@preau/contract/recipe-kinds.ts';
import { versionOf } from '../dpkg.ts';
import { packagesAreThere } from './packages.ts';
import type { AptGetRecipe } from './recipe.ts';

export const apt: AptGetRecipe<AptRecipe> = {
  by: 'apt-get',
  goes: 'with its packages',
  prepare: async ({ source }, slug, staging) => {
    if (source === undefined) return;
    await staging.apt.addSource(slug, source, staging.patience).catch((error: unknown) => {
      throw staging.blame(error);
    });
  },
  arguments: ({ packages }) => packages,
  isThere: async (recipe, packages) => packagesAreThere(recipe, packages),
  detect: async (recipe, { version, want }, detection) => {
    const rule = recipe.detect;
    // The detection rule checks one package; the recipe may pin others.
    const others =
      want === 'absent'
        ? []
        : pinsOf(recipe).filter(([name]) => rule.kind !== 'package' || name !== rule.package);
    if (others.length > 0) {
      const packages = await detection.packages();
      if (others.some(([name, wanted]) => versionOf(packages, name) !== wanted)) return null;
    }
    return detection.byRule(rule, version);
  },
  gone: ({ source }, slug, asked) => {
    if (source !== undefined) asked.removeSource(slug);
  },
};
