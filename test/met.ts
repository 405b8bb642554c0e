/** Notes, while tests run, which real counterparts they meet. Only a whole `npm test` keeps the
 * notes (PREAU_MET names the folder): a part of it would make the others look unmet. */
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
/** Says which file of tests is running; without it (a benchmark uses the same fixtures) nothing is
 * noted. */
export function inTest(file: string): void {
  test = file;
}

/** A test meets a counterpart. `version` is what the counterpart itself says; `how` is the question
 * it was asked (`xrdp --version`, the user agent). */
export function met(name: CounterpartName, version: string, how: string): void {
  if (version.trim() === '') throw new Error(`${name} did not say its version: ${how}`);
  note({ kind: 'counterpart', name, version: version.trim(), how, test: test ?? '' });
}

/** A test carries out one step of a recipe on a real system; `on` names it (`Debian 12`). */
export function metRecipe(recipe: LinuxRecipe['kind'], step: RecipeStep, on: string): void {
  note({ kind: 'recipe', recipe, step, on, test: test ?? '' });
}

/** The first version number in what a program prints of itself. */
export const versionIn = ({ stdout, stderr }: { stdout: string; stderr: string }): string =>
  /\d+\.\d+[\w.+~-]*/.exec(`${stdout}\n${stderr}`)?.[0] ?? '';
