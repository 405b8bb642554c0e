/** Part of `npm run check`: the first pages of the console stay small enough for a school's
 * line. */
import { buildConsole, limits } from './console-pages.ts';

const sizes = await buildConsole(null);
const heavy = (['portal', 'admin'] as const).filter((page) => sizes[page] > limits[page]);
for (const page of heavy)
  console.log(
    `The first page of ${page} is ${sizes[page].toFixed(1)} kB of code, compressed; at most ${limits[page]}.`,
  );
if (heavy.length > 0)
  console.log(sizes.files.map(({ name, kB }) => `  ${kB.toFixed(1)} kB ${name}`).join('\n'));
process.exit(heavy.length === 0 ? 0 : 1);
