/** Decides whether what the detection rule found is what is wanted. Pure. */
import { createHash } from 'node:crypto';
import type { RecipePlatform } from '@preau/contract/application.ts';
import { factsOf, packagesOf, pinsOf } from '@preau/contract/recipe-kinds.ts';
import type { Installable, Wanted } from '#src/drivers/driver.ts';

export interface Found {
  /** What the detection rule finds; null: nothing. */
  version: string | null;
  asWanted: boolean;
}

/** The version for a report: at most 80 characters; null when nothing was found. */
export const versionFound = (found: Found | undefined): string | null =>
  found?.version?.slice(0, 80) || null;

/** Identifies an installed recipe; two versions with the same recipe need no work between them. */
export const recipeMark = (
  { recipes }: Pick<Installable, 'recipes'>,
  platform: RecipePlatform,
): string =>
  createHash('sha256')
    .update(JSON.stringify(recipes[platform] ?? null))
    .digest('base64url');

/** The version the rule must find, or null when any will do. */
export function pinOf(
  { linux }: Pick<Installable['recipes'], 'linux'>,
  version: string,
): string | null {
  if (linux === undefined) return null;
  const { detect } = linux;
  if (detect.kind === 'version_file') return version;
  if (detect.kind !== 'package') return null;
  return pinsOf(linux).find(([name]) => name === detect.package)?.[1] ?? null;
}

/** Whether detection may answer null although another version is there. */
export function mayMissOthers(
  { recipes, version }: Pick<Installable, 'recipes' | 'version'>,
  platform: RecipePlatform,
): boolean {
  const recipe = recipes[platform];
  if (recipe === undefined) return false;
  return factsOf(recipe)?.missesOtherVersions !== 'when_pinned' || pinOf(recipes, version) !== null;
}

/** `mark`: that of the recipe installed last, undefined when the agent installed none: what
 * somebody else installed counts as found. A recipe that differs from the mark is work to be done,
 * even where an older version satisfies the same rule. Leave `mark` out after the work, and where
 * only the rule counts. */
export function isAsWanted(
  application: Installable,
  version: string | null,
  platform: RecipePlatform,
  mark?: string,
): boolean {
  if (application.want === 'absent') return version === null;
  if (version === null) return false;
  const pin = platform === 'linux' ? pinOf(application.recipes, application.version) : null;
  if (pin !== null && pin !== version) return false;
  // A running agent is found by the hash of its bundle, and nothing else is: the agent that installed
  // it is gone, and could not note which recipe it installed last.
  if (platform === 'linux' && application.recipes.linux?.detect.kind === 'agent') return true;
  return mark === undefined || mark === recipeMark(application, platform);
}

/** What stays while these change: every other application that should be here, with its packages,
 * and those of them that come. */
export function wantedBeside(
  changing: readonly Installable[],
  wanted: readonly Pick<Installable, 'applicationId' | 'slug' | 'recipes'>[],
): Wanted[] {
  const ids = new Set(changing.map(({ applicationId }) => applicationId));
  return [
    ...wanted.filter(({ applicationId }) => !ids.has(applicationId)),
    ...changing.filter(({ want }) => want === 'present'),
  ].map(({ slug, recipes }) => ({ slug, packages: packagesOf(recipes.linux) }));
}
