/** Where an order's fetched files stay until it is applied. */
import { join } from 'node:path';
import type { PackageFile } from '@preau/contract/application.ts';
import { filesFor } from '@preau/contract/recipe-kinds.ts';
import type { Installable } from '#src/drivers/driver.ts';
import { readText } from '#src/files.ts';
import { safeKey } from './installer.ts';

export interface Staged {
  folder: string;
  /** apt's archives folder of this order. */
  archives: string;
  pathOf: (file: PackageFile) => string;
  /** Updates that were pending when it was staged, as `name=version`, by scope. */
  updates: (scope: 'security' | 'all') => string[];
}

export const updatesFile = (folder: string, scope: 'security' | 'all'): string =>
  join(folder, `updates-${scope}`);

export function stagedUnder(root: string, key: string): Staged {
  const folder = join(root, safeKey(key));
  return {
    folder,
    archives: join(folder, 'archives'),
    // apt recognises a file argument by its leading path and its `.deb` ending.
    pathOf: ({ sha256, name }) =>
      join(folder, `${sha256.slice(0, 16)}${name.endsWith('.deb') ? '.deb' : ''}`),
    updates: (scope) =>
      (readText(updatesFile(folder, scope)) ?? '').split('\n').filter((line) => line !== ''),
  };
}

/** Files of the recipe itself that installing or removing needs. */
export const filesOf = ({
  recipes: { linux },
  want,
}: Pick<Installable, 'recipes' | 'want'>): PackageFile[] =>
  linux === undefined ? [] : filesFor(linux, want);
