/** Records which real counterparts the tests use. Only a whole `npm test` keeps the notes
 * (PREAU_MET names the folder): a partial run would make the others look untested. */
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { LinuxRecipe } from '@preau/contract/application.ts';
import type { CounterpartName, Note, RecipeStep } from './counterparts.ts';

function note(line: Note): void {
  const folder = process.env['PREAU_MET'];
  if (folder === undefined || folder === '' || test === null) return;
  mkdirSync(folder, { recursive: true });
  appendFileSync(join(folder, `${process.pid}.jsonl`), `${JSON.stringify(line)}\n`);
}
let test: string | null = null;
/** Sets the test file that is running; without it (a benchmark uses the same fixtures) nothing is
 * recorded. */
export function inTest(file: string): void {
  test = file;
}

/** Records that a test uses a counterpart. `version` is what the counterpart itself reports; `how`
 * is the query (`xrdp --version`, the user agent). */
export function met(name: CounterpartName, version: string, how: string): void {
  if (version.trim() === '') throw new Error(`${name} did not say its version: ${how}`);
  note({ kind: 'counterpart', name, version: version.trim(), how, test: test ?? '' });
}

/** Records that a test ran one step of a recipe on a real system; `on` names it (`Debian 12`). */
export function metRecipe(recipe: LinuxRecipe['kind'], step: RecipeStep, on: string): void {
  note({ kind: 'recipe', recipe, step, on, test: test ?? '' });
}

/** Says that the whole file is left out on this machine, and why: what it proves elsewhere is not
 * asked for here. */
export function leftOut(why: string): void {
  console.error(`Left out: ${why}.`);
  note({ kind: 'left_out', why, test: test ?? '' });
}

/** The first version number in a program's output. */
export const versionIn = ({ stdout, stderr }: { stdout: string; stderr: string }): string =>
  /\d+\.\d+[\w.+~-]*/.exec(`${stdout}\n${stderr}`)?.[0] ?? '';
