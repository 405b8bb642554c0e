/** Every kind of recipe this driver can carry out. The compiler asks for the entry of a kind that is
 * new in the contract. */
import type { LinuxRecipe } from '@preau/contract/application.ts';
import { agent } from './agent.ts';
import { apt } from './apt.ts';
import { archive } from './archive.ts';
import { deb } from './deb.ts';
import type { RecipeDriver } from './recipe.ts';
import { script } from './script.ts';
import { updates } from './updates.ts';

export const recipes: {
  [K in LinuxRecipe['kind']]: RecipeDriver<Extract<LinuxRecipe, { kind: K }>>;
} = { apt, deb, archive, script, updates, agent };

/** Null: no recipe for Linux, or of a kind that this agent does not know. Nothing can be done then,
 * and nothing may be said to be done. */
export const driverOf = (recipe: LinuxRecipe | undefined): RecipeDriver<LinuxRecipe> | null =>
  recipe !== undefined && Object.hasOwn(recipes, recipe.kind) ? recipes[recipe.kind] : null;
