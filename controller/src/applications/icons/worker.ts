/** Runs in a thread of its own: finds the icon inside an uploaded program. */
import { readFile } from 'node:fs/promises';
import { serve } from '#src/platform/heavy/serve.ts';
import { iconExtraction } from './extraction.ts';
import { pngFrom } from './icon-files.ts';

await serve(iconExtraction, async ({ path }) => pngFrom(await readFile(path)));
