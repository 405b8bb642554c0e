/** `npm run mutate [-- AREA [FILE…]]`: how many bugs, put in on purpose, the unit tests see. Survivors
 * are printed; each is a missing case, or makes no difference. */
import { areas } from './areas.ts';
import { mutateArea, type Score } from './run.ts';

const [name, ...only] = process.argv.slice(2);
const names = name === undefined ? Object.keys(areas) : [name];
if (!names.every((one) => Object.hasOwn(areas, one))) {
  console.error(
    `Which area? ${Object.keys(areas).join(', ')}. For example: npm run mutate -- rollouts`,
  );
  process.exit(2);
}
const scores: Score[] = [];
for (const one of names)
  scores.push(
    await mutateArea(one, { only, minutes: 120 / names.length, tell: (line) => console.log(line) }),
  );
for (const { area, killed, of, files, ofFiles } of scores)
  console.log(
    `${area}: ${killed} of ${of}${of === 0 ? '' : ` (${Math.round((100 * killed) / of)} %)`}, ` +
      `${files} of ${ofFiles} files`,
  );
process.exit(0);
