/** Runs in a thread of its own: a sheet of a whole school takes seconds to draw. */
import { serve } from '#src/platform/heavy/serve.ts';
import { badgeSheet } from './card.ts';
import { drawSheet } from './sheet.ts';

await serve(badgeSheet, drawSheet);
