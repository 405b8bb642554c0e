/** Versions as people read them: of a Debian package, without what only Debian needs. Pure. */
import type { Recipes } from '@preau/contract/application.ts';

/** `22.12.3` of `4:22.12.3-1`: without epoch, Debian revision and mark of repacking. */
export const shortVersion = (version: string): string =>
  version
    .replace(/^\d+:/, '')
    .replace(/-\d[A-Za-z0-9.+~]*$/, '')
    .replace(/[+~.](dfsg|ds|repack|really)[A-Za-z0-9.+~-]*$/, '') || version;

/** Only the versions of Debian packages are shortened: `2024-11` of a script stays as it is. */
export const shownVersion = (version: string, recipes: Recipes): string =>
  recipes.linux?.kind === 'apt' ? shortVersion(version) : version;
