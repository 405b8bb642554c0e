/** Detects installed versions. Each rule costs no more than a file access, so that all applications
 * can be checked at each tick. */
import type { DetectionRule } from '@preau/contract/application.ts';
import type { Driver } from '#src/drivers/driver.ts';
import { exists, readText, sha256Of, stamp } from '#src/files.ts';
import type { Apt } from './apt.ts';
import { type Dpkg, versionOf } from './dpkg.ts';
import type { Detection } from './recipes/recipe.ts';
import { driverOf } from './recipes/table.ts';

/** Lists of packages older than this say nothing about pending updates. */
const listsGoodForMs = 24 * 3_600_000;

export function createDetector(deps: {
  dpkg: Dpkg;
  apt: Apt;
  applications: string;
  runningAgent: string | null;
  now: () => number;
}): Driver['detect'] {
  const hashOf = rememberHashes();
  const pending = new Map<string, { key: string; none: Promise<boolean> }>();

  const nothingPending = (scope: 'security' | 'all'): Promise<boolean> => {
    if (deps.now() - deps.apt.updatedAt() > listsGoodForMs) return Promise.resolve(false);
    const key = `${deps.dpkg.stamp()} ${deps.apt.listsStamp()}`;
    const known = pending.get(scope);
    if (known?.key === key) return known.none;
    const none = deps.apt.pending(scope).then((updates) => updates.length === 0);
    // A failed query is repeated next time.
    none.catch(() => pending.delete(scope));
    pending.set(scope, { key, none });
    return none;
  };

  const byRule = async (rule: DetectionRule, version: string): Promise<string | null> => {
    switch (rule.kind) {
      case 'package':
        return versionOf(await deps.dpkg.packages(), rule.package);
      case 'file': {
        const isThere =
          rule.sha256 === undefined ? exists(rule.path) : (await hashOf(rule.path)) === rule.sha256;
        return isThere ? version : null;
      }
      case 'version_file': {
        const line = readText(rule.path)?.split('\n', 1)[0]?.trim().slice(0, 80);
        return line === undefined || line === '' ? null : line;
      }
      // Kinds of recipe with such a rule detect by themselves. Linux has no registry.
      case 'updates':
      case 'agent':
      case 'registry':
        return null;
    }
  };

  const detection: Detection = {
    packages: deps.dpkg.packages,
    byRule,
    nothingPending,
    applications: deps.applications,
    runningAgent: deps.runningAgent,
  };
  return async ({ recipes: { linux }, slug, version, want = 'present' }) =>
    linux === undefined
      ? null
      : ((await driverOf(linux)?.detect(linux, { slug, version, want }, detection)) ?? null);
}

/** A file's hash, computed again only when the file has changed. */
function rememberHashes(): (path: string) => Promise<string | null> {
  const hashes = new Map<string, { stamp: string; sha256: string }>();
  return async (path) => {
    const now = stamp(path);
    if (now === undefined) return null;
    const known = hashes.get(path);
    if (known?.stamp === now) return known.sha256;
    const sha256 = await sha256Of(path);
    hashes.set(path, { stamp: now, sha256 });
    return sha256;
  };
}
