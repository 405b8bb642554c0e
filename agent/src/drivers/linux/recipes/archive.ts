/** A file that is unpacked, or copied, into a folder of its own. */
import { join } from 'node:path';
import type { ArchiveRecipe } from '@preau/contract/application.ts';
import { exists, names, remove } from '#src/files.ts';
import { unpack } from '../archive.ts';
import type { SingleRecipe } from './recipe.ts';

export const archive: SingleRecipe<ArchiveRecipe> = {
  by: 'itself',
  install: async ({ file, format }, { slug, version }, { applications, signal, staged }) => {
    await unpack(
      { path: staged.pathOf(file), format, name: file.name },
      { root: applications, slug, version },
      signal,
    );
    return null;
  },
  remove: async (_recipe, { slug }, { applications }) => {
    remove(join(applications, slug));
    if (names(applications).length === 0) remove(applications);
    return null;
  },
  detect: async ({ detect }, { slug, version, want }, detection) => {
    // The file that the detection rule names may belong to another version.
    const isMissing =
      detect.kind === 'file' &&
      want === 'present' &&
      !exists(join(detection.applications, slug, version));
    return isMissing ? null : detection.byRule(detect, version);
  },
};
