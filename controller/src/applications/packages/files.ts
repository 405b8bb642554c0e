/** Uploaded files of recipes: `<data>/packages/<sha256>`. Several controllers of one city share the
 * folder. */
import { join } from 'node:path';
import { type KeptFiles, keptFiles } from '#src/platform/kept-files.ts';

export const packageFiles = (dataFolder: string): KeptFiles =>
  keptFiles(join(dataFolder, 'packages'), /^[0-9a-f]{64}$/);
