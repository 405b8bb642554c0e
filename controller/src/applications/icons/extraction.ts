/** The work of finding the icon inside an uploaded program. */
import type { HeavyTask } from '#src/platform/heavy/heavy-work.ts';

export const iconExtraction: HeavyTask<{ path: string }, Uint8Array> = {
  kind: 'icon_extraction',
  worker: new URL('./worker.ts', import.meta.url),
};
