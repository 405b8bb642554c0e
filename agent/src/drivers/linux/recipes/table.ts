/** Every kind of recipe this driver can carry out. The compiler requires an entry for each kind
 * that the contract adds. */
import type { LinuxRecipe } from '@preau/contract/application.ts';
import { agent } from './agent.ts';
import { apt } from './apt.ts';
import { archive } from './archive.ts';
import { deb } from './deb.ts';
import type { RecipeDriver } from './recipe.ts';
import { script } from './script.ts';
import { updates } from './updates.ts';

const recipes: {
  [K in LinuxRecipe['kind']]: RecipeDriver<Extract<LinuxRecipe, { kind: K }>>;
} = { apt, deb, archive, script, updates, agent };

/** Null: no recipe for Linux, or a kind that this agent does not know. Nothing can then be done,
 * and nothing may be reported as done. */
export const driverOf = (recipe: LinuxRecipe | undefined): RecipeDriver<LinuxRecipe> | null =>
  recipe !== undefined && Object.hasOwn(recipes, recipe.kind) ? recipes[recipe.kind] : null;
