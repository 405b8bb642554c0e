/** The work of looking into an uploaded package. */
import type { InspectedPackage } from '@preau/contract/catalogue.ts';
import type { HeavyTask } from '#src/platform/heavy/heavy-work.ts';

/** What is known of a package before anything of it was read. */
export const nothingKnown: InspectedPackage = {
  kind: 'unknown',
  package: null,
  version: null,
  summary: null,
  architecture: null,
  programs: [],
  cutShort: false,
};

export const inspection: HeavyTask<{ path: string; name: string }, InspectedPackage> = {
  kind: 'package_inspection',
  worker: new URL('./worker.ts', import.meta.url),
};
