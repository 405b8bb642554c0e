/** `npm run nightly [-- WORD]`: what takes too long to run for every change; with a word, only the
 * cases whose name contains it. Writes one line to docs/nightly.md per case, and exits with 1 if
 * one failed. */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openBareRoot, type Suite } from './bare-root.ts';
import { tryContainers } from './containers/case.ts';
import { must } from './lab/host.ts';
import { areas } from './mutate/areas.ts';
import { mutateArea, type Score } from './mutate/run.ts';
import { root } from './services.ts';
import { tryVirtualMachine } from './virtual-machine/case.ts';

interface Case {
  name: string;
  withinMinutes: number;
  /** Throws if the case fails. `tell` keeps what was printed; the signal says that it is late. */
  work: (tell: (line: string) => void, signal: AbortSignal) => Promise<void>;
}

/** A shell command in a clone of the repository, on a bare Debian: passes if it exits with 0. */
const onBare =
  (suite: Suite, line: string): Case['work'] =>
  async (tell, signal) => {
    const bare = await openBareRoot(suite, { network: 'own', memory: 0 });
    try {
      const running = bare.start(line, {}, tell);
      signal.addEventListener('abort', running.interrupt);
      await running.ended;
      if (running.code() !== 0) throw new Error(`${line} ended with ${running.code()}`);
    } finally {
      await bare.close();
    }
  };

/** So that the whole night takes less than three hours. */
const mutantMinutes = 45;

/** One area after the other, each for its share of the time; passes when each has met a mutant. */
const tryMutants: Case['work'] = async (tell, signal) => {
  const names = Object.keys(areas);
  for (const name of names) {
    const minutes = mutantMinutes / names.length;
    const score = await mutateArea(name, { only: [], minutes, tell }, signal);
    if (score.of === 0) throw new Error(`no mutant of ${name} was tried`);
    writeScore(await commitNow(), score);
  }
};

const cases: readonly Case[] = [
  { name: '.ci/run on Debian 12', withinMinutes: 120, work: onBare('bookworm', 'bash .ci/run') },
  { name: '.ci/run on Debian 13', withinMinutes: 120, work: onBare('trixie', 'bash .ci/run') },
  { name: 'containers', withinMinutes: 30, work: tryContainers },
  { name: 'virtual machine', withinMinutes: 60, work: tryVirtualMachine },
  { name: 'mutants', withinMinutes: 75, work: tryMutants },
];
const [word = ''] = process.argv.slice(2);

interface Outcome {
  passed: boolean;
  seconds: number;
}

const record = join(root, 'docs/nightly.md');
const logs = join(root, '.data/nightly');

async function carryOut({ work, withinMinutes }: Case, log: string): Promise<Outcome> {
  const started = Date.now();
  const seconds = () => Math.round((Date.now() - started) / 1000);
  writeFileSync(log, '');
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), withinMinutes * 60_000);
  try {
    await work((line) => appendFileSync(log, `${line}\n`), late.signal);
    return { passed: !late.signal.aborted, seconds: seconds() };
  } catch (error) {
    const said = error instanceof Error ? (error.stack ?? error.message) : String(error);
    appendFileSync(log, `${late.signal.aborted ? 'too late\n' : ''}${said}\n`);
    console.log(said);
    return { passed: false, seconds: seconds() };
  } finally {
    clearTimeout(timer);
  }
}

const today = () => new Date().toISOString().slice(0, 10);

function write(commit: string, name: string, { passed, seconds }: Outcome): void {
  insert('', `| ${commit} | ${today()} | ${name} | ${seconds} | ${passed ? '✓' : '✗'} |`);
}

function writeScore(commit: string, { area, killed, of, files, ofFiles }: Score): void {
  const share = `${Math.round((100 * killed) / of)} %`;
  insert(
    '## Mutants',
    `| ${commit} | ${today()} | ${area} | ${killed} of ${of} | ${share} | ${files} of ${ofFiles} |`,
  );
}

/** Into the first table behind the heading. The newest line comes first. */
function insert(heading: string, line: string): void {
  const text = readFileSync(record, 'utf8');
  const from = text.indexOf(heading);
  const rule = /^\|(?:-+\|)+\n/m.exec(text.slice(from));
  if (from < 0 || rule === null) throw new Error(`${record} has no table ${heading}`);
  const at = from + rule.index + rule[0].length;
  writeFileSync(record, `${text.slice(0, at)}${line}\n${text.slice(at)}`);
}

const commitNow = async () =>
  (
    await must(['git', '-c', 'safe.directory=*', 'rev-parse', '--short', 'HEAD'], { cwd: root })
  ).trim();

mkdirSync(logs, { recursive: true });
const chosen = cases.filter(({ name }) => name.includes(word));
if (chosen.length === 0) {
  console.error(`No case has ${word} in its name: ${cases.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}
const commit = await commitNow();
let failures = 0;
for (const each of chosen) {
  const log = join(logs, `${each.name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.log`);
  console.log(`… ${each.name}: ${log}`);
  const outcome = await carryOut(each, log);
  write(commit, each.name, outcome);
  if (!outcome.passed) failures += 1;
  console.log(`${outcome.passed ? '✓' : '✗'} ${each.name} ${outcome.seconds} s`);
}
process.exit(failures === 0 ? 0 : 1);
