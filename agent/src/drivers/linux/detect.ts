/** Is it there? Each rule costs a look at a file, so that all applications can be asked for at each
 * tick. */
import { join } from 'node:path';
import type { LinuxRecipe } from '@preau/contract/application.ts';
import type { Driver } from '#src/drivers/driver.ts';
import { exists, readText, sha256Of, stamp } from '#src/files.ts';
import type { Apt } from './apt.ts';
import type { Dpkg, Packages } from './dpkg.ts';

/** Lists of packages older than this say nothing about pending updates. */
const listsGoodForMs = 24 * 3_600_000;

/** Packages a recipe holds at one version, by name. */
export const pinsOf = (recipe: LinuxRecipe): [name: string, version: string][] =>
  recipe.kind !== 'apt'
    ? []
    : recipe.packages.flatMap((pinned) => {
        const at = pinned.indexOf('=');
        return at < 0 ? [] : [[pinned.slice(0, at), pinned.slice(at + 1)] as [string, string]];
      });

export const versionOf = (packages: Packages, name: string): string | null => {
  const found = packages.get(name);
  return found?.status === 'installed' ? found.version : null;
};

export function createDetector(deps: {
  dpkg: Dpkg;
  apt: Apt;
  applications: string;
  runningAgent: string | null;
  now: () => number;
}): Driver['detect'] {
  const hashes = new Map<string, { stamp: string; sha256: string }>();
  const pending = new Map<string, { key: string; none: Promise<boolean> }>();

  const hashOf = async (path: string): Promise<string | null> => {
    const now = stamp(path);
    if (now === undefined) return null;
    const known = hashes.get(path);
    if (known?.stamp === now) return known.sha256;
    const sha256 = await sha256Of(path);
    hashes.set(path, { stamp: now, sha256 });
    return sha256;
  };

  const nothingPending = (scope: 'security' | 'all'): Promise<boolean> => {
    if (deps.now() - deps.apt.updatedAt() > listsGoodForMs) return Promise.resolve(false);
    const key = `${deps.dpkg.stamp()} ${deps.apt.listsStamp()}`;
    const known = pending.get(scope);
    if (known?.key === key) return known.none;
    const none = deps.apt.pending(scope).then((updates) => updates.length === 0);
    // What could not be asked is asked again.
    none.catch(() => pending.delete(scope));
    pending.set(scope, { key, none });
    return none;
  };

  return async (application) => {
    const recipe = application.recipes.linux;
    if (recipe === undefined) return null;
    const isGoing = application.want === 'absent';
    const rule = recipe.detect;
    const { version } = application;
    // The rule looks at one package; the recipe may hold others.
    const others = isGoing
      ? []
      : pinsOf(recipe).filter(([name]) => rule.kind !== 'package' || name !== rule.package);
    if (others.length > 0) {
      const packages = await deps.dpkg.packages();
      if (others.some(([name, wanted]) => versionOf(packages, name) !== wanted)) return null;
    }
    switch (rule.kind) {
      case 'package':
        return versionOf(await deps.dpkg.packages(), rule.package);
      case 'file':
        if (
          recipe.kind === 'archive' &&
          !isGoing &&
          !exists(join(deps.applications, application.slug, version))
        )
          return null;
        if (rule.sha256 !== undefined)
          return (await hashOf(rule.path)) === rule.sha256 ? version : null;
        return exists(rule.path) ? version : null;
      case 'version_file': {
        const line = readText(rule.path)?.split('\n', 1)[0]?.trim().slice(0, 80);
        return line === undefined || line === '' ? null : line;
      }
      case 'updates':
        // Updates are never taken away: there is nothing to find then.
        return !isGoing && recipe.kind === 'updates' && (await nothingPending(recipe.scope))
          ? version
          : null;
      case 'agent':
        return !isGoing && recipe.kind === 'agent' && deps.runningAgent === recipe.file.sha256
          ? version
          : null;
      case 'registry':
        return null;
    }
  };
}
