/** What is on a printed badge, and the work of drawing a sheet of them. */
import type { ChildPicture } from '@preau/contract/classes.ts';
import type { HeavyTask } from '#src/platform/heavy/heavy-work.ts';

export interface Card {
  firstName: string;
  className: string;
  siteName: string;
  picture: ChildPicture;
  serial: number;
  /** Content of the QR code. */
  text: string;
}

export const badgeSheet: HeavyTask<readonly Card[], Uint8Array> = {
  kind: 'badge_sheet',
  worker: new URL('./worker.ts', import.meta.url),
};
