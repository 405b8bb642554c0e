/** docs/tested-with.md: every real program Préau must work with, and which test uses it. It is
 * generated from the notes of a whole `npm test` (test/met.ts) and never written by hand.
 *
 *    node dev/tested-with.ts write   after the tests: writes the page
 *    node dev/tested-with.ts check   compares the names on the page with the notes of the last run */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LinuxRecipe } from '@preau/contract/application.ts';
import { type Counterpart, counterparts, type Note, recipeSteps } from '../test/counterparts.ts';
import { root } from './services.ts';

export const notesFolder = join(root, '.data/met');
const page = join(root, 'docs/tested-with.md');
const nightlyPage = join(root, 'docs/nightly.md');

export function readNotes(folder = notesFolder): Note[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'))
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Note);
}

const unique = (words: readonly string[]) => [...new Set(words)].sort();
const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;

function counterpartRow(name: string, counterpart: Counterpart, notes: readonly Note[]): string {
  const found = notes
    .filter((note) => note.kind === 'counterpart')
    .filter((note) => note.name === name);
  if (counterpart.never !== undefined)
    return row([counterpart.title, 'never', '', `because ${counterpart.never}`]);
  if (counterpart.nightly !== undefined)
    return row([counterpart.title, 'nightly', '', `docs/nightly.md: ${counterpart.nightly}`]);
  if (found.length === 0) return row([counterpart.title, '**not met**', '', '']);
  return row([
    counterpart.title,
    unique(found.map(({ version }) => version)).join(', '),
    unique(found.map(({ how }) => how)).join('; '),
    unique(found.map(({ test }) => `\`${test}\``)).join(' '),
  ]);
}

function recipeRows(kinds: readonly string[], notes: readonly Note[]): string[] {
  return kinds.map((kind) => {
    const cells = recipeSteps.map((step) => {
      const on = notes.flatMap((note) =>
        note.kind === 'recipe' && note.recipe === kind && note.step === step ? [note.on] : [],
      );
      return on.length === 0 ? '—' : `✓ ${unique(on).join(', ')}`;
    });
    return row([`\`${kind}\``, ...cells]);
  });
}

/** Builds the page from the notes of one whole run. Pure. */
export function pageOf(notes: readonly Note[], kinds: readonly string[]): string {
  const groups = unique(Object.values(counterparts).map(({ group }) => group));
  const parts = groups.map((group) => {
    const rows = Object.entries(counterparts)
      .filter(([, counterpart]) => counterpart.group === group)
      .map(([name, counterpart]) => counterpartRow(name, counterpart, notes));
    const head = [
      row(['counterpart', 'version', 'read from', 'met by']),
      row(Array(4).fill('---')),
    ];
    return [`## ${group}`, '', ...head, ...rows].join('\n');
  });
  const recipes = [
    '## Recipe kinds',
    '',
    'Carried out by the agent’s own driver with the real installer; — is: never.',
    '',
    row(['kind', ...recipeSteps]),
    row(Array(recipeSteps.length + 1).fill('---')),
    ...recipeRows(kinds, notes),
  ].join('\n');
  return `# Tested with

Written by \`npm test\` from what its tests met; each version was read from the program itself.
Change nothing by hand: a row that is wrong is a test that is missing.

${[...parts, recipes].join('\n\n')}
`;
}

/** The claims of the page, one for each counterpart and test: names only, because versions and the
 * system may differ. */
export const claimsOf = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| ---'))
    .map((line) => line.slice(2, -2).split(' | '))
    .flatMap((cells) =>
      cells.length === 4
        ? (cells[3]?.match(/`[^`]+`|because .+|docs\/nightly.+/g) ?? []).map(
            (proof) => `${cells[0]}: ${proof}`,
          )
        : [cells.map((cell) => (cell.startsWith('✓') ? '✓' : cell)).join(' ')],
    );

/** What the page claims and these notes of a run do not show, or the other way round. A test that
 * this machine leaves out is not asked for. Pure. */
export function differences(
  claimed: readonly string[],
  notes: readonly Note[],
  kinds: readonly string[],
): string[] {
  const seen = claimsOf(pageOf(notes, kinds));
  const leftOut = notes
    .filter(({ kind }) => kind === 'left_out')
    .map(({ test }) => `: \`${test}\``);
  return [
    ...claimed
      .filter((claim) => !seen.includes(claim) && !leftOut.some((test) => claim.endsWith(test)))
      .map((claim) => `claimed, not seen: ${claim}`),
    ...seen
      .filter((claim) => !claimed.includes(claim))
      .map((claim) => `seen, not claimed: ${claim}`),
  ];
}

/** The page as staged in git: a test run has overwritten the file. */
function committedPage(): string {
  const shown = spawnSync('git', ['show', ':docs/tested-with.md'], { cwd: root, encoding: 'utf8' });
  return shown.status === 0 ? shown.stdout : readFileSync(page, 'utf8');
}

/** Rows that only a night can prove, whose newest night did not: `nights` is docs/nightly.md, newest
 * first. Pure. */
export function missingNights(nights: string): string[] {
  const rows = nights.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
  return Object.values<Counterpart>(counterparts).flatMap(({ title, nightly }) => {
    if (nightly === undefined) return [];
    const newest = rows.find(([, , , name]) => name === nightly);
    if (newest?.[5] === '✓') return [];
    const why = newest === undefined ? 'never ran' : 'failed the last time';
    return [
      `${title}: docs/nightly.md says that "${nightly}" ${why}: npm run nightly -- ${nightly}`,
    ];
  });
}

const recipeKinds = LinuxRecipe.anyOf.map(({ properties }) => properties.kind.const);

function main(verb: string | undefined): number {
  const notes = readNotes();
  if (verb === 'write') {
    writeFileSync(page, pageOf(notes, recipeKinds));
    return 0;
  }
  if (notes.length === 0) {
    console.log('docs/tested-with.md is not checked: no whole `npm test` has run here.');
    return 0;
  }
  const faults = [
    ...differences(claimsOf(committedPage()), notes, recipeKinds),
    ...missingNights(existsSync(nightlyPage) ? readFileSync(nightlyPage, 'utf8') : ''),
  ];
  for (const fault of faults) console.log(fault);
  if (faults.length > 0) console.log('Commit docs/tested-with.md as the last `npm test` wrote it.');
  return faults.length === 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = main(process.argv[2]);
