/** A recipe as a technician reads it. */

import type { Application, PackageFile } from '@preau/contract/application.ts';
import type { Recipe, RecipeKind, RecipeOf } from '@preau/contract/recipe-kinds.ts';
import { bytesWords } from '../rollouts/words.ts';
import { catalogueWords } from './messages.ts';

interface RecipeWords<R extends Recipe> {
  /** What it installs, on one line. */
  words(recipe: R): string;
}

const named = (file: PackageFile): [string, string] => [file.name, bytesWords(file.size)];

/** The words of each kind. The compiler requires an entry for every kind in the contract. */
const kindWords: { [K in RecipeKind]: RecipeWords<RecipeOf<K>> } = {
  apt: {
    words: ({ packages, source }) =>
      catalogueWords().aptRecipe(packages.join(', ')) +
      (source === undefined ? '' : ` ${catalogueWords().fromSource(source.uri)}`),
  },
  deb: { words: ({ file }) => catalogueWords().debRecipe(...named(file)) },
  archive: { words: ({ file }) => catalogueWords().archiveRecipe(...named(file)) },
  script: { words: ({ script }) => catalogueWords().scriptRecipe(script) },
  updates: { words: () => catalogueWords().updatesRecipe },
  agent: { words: () => catalogueWords().agentRecipe },
  msi: { words: ({ file }) => catalogueWords().debRecipe(...named(file)) },
  exe: { words: ({ file }) => catalogueWords().debRecipe(...named(file)) },
  winget: { words: ({ packageId }) => catalogueWords().wingetRecipe(packageId) },
};

/** Empty for an unknown kind: a page opened before an update of the city may not know every
 * kind. */
const wordsOf = (recipe: Recipe | undefined): string[] => {
  const kind: RecipeWords<Recipe> | undefined =
    recipe === undefined ? undefined : kindWords[recipe.kind];
  return recipe === undefined || kind === undefined ? [] : [kind.words(recipe)];
};

export const recipeWords = ({ linux, windows }: Application['recipes']): string[] => [
  ...wordsOf(linux),
  ...wordsOf(windows).map((words) => `Windows : ${words}`),
];
