/** The work of looking into an uploaded package. */
import type { InspectedPackage } from '@preau/contract/catalogue.ts';
import type { HeavyTask } from '#src/platform/heavy/heavy-work.ts';

export const inspection: HeavyTask<{ path: string; name: string }, InspectedPackage> = {
  kind: 'package_inspection',
  worker: new URL('./worker.ts', import.meta.url),
};
