/** Bytes on their way between a device and a school: `<data>/transfers/<id>`. Several controllers
 * of one city share the folder. */
import { join } from 'node:path';
import { type KeptFiles, keptFiles } from '#src/platform/kept-files.ts';

export const transferFiles = (dataFolder: string): KeptFiles =>
  keptFiles(join(dataFolder, 'transfers'), /^trf_[A-Za-z0-9_-]{22}$/);
