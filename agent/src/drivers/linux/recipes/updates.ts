/** Pending updates of the system itself. Staging records which ones: updates published between
 * fetching and installing wait for the next time. */
import type { UpdatesRecipe } from '@preau/contract/application.ts';
import { write } from '#src/files.ts';
import { versionOf } from '../dpkg.ts';
import { updatesFile } from '../staged.ts';
import type { AptGetRecipe } from './recipe.ts';

export const updates: AptGetRecipe<UpdatesRecipe> = {
  by: 'apt-get',
  goes: 'never',
  prepare: async ({ scope }, _slug, { apt, staged, freshLists }) => {
    await freshLists();
    const pending = await apt.pending(scope);
    write(
      updatesFile(staged.folder, scope),
      pending.map(({ name, version }) => `${name}=${version}\n`).join(''),
      0o600,
    );
  },
  arguments: ({ scope }, staged) => staged.updates(scope),
  nobodysChoice: ({ scope }, staged) => staged.updates(scope),
  isThere: async ({ scope }, packages, staged) => {
    const late = staged
      .updates(scope)
      .find(
        (update) =>
          versionOf(packages, update.split('=')[0] ?? '') !== update.slice(update.indexOf('=') + 1),
      );
    return late === undefined
      ? null
      : { code: 'INSTALL_FAILED', message: `${late} is not installed` };
  },
  detect: async ({ detect, scope }, { version, want }, detection) => {
    if (detect.kind !== 'updates') return detection.byRule(detect, version);
    // Updates are never removed: with `absent` nothing is found.
    return want === 'present' && (await detection.nothingPending(scope)) ? version : null;
  },
};
