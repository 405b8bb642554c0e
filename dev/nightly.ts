/** `npm run nightly [-- WORD]`: the tests that take too long to run for every change, each case on
 * a bare Debian; with a word, only the cases whose name contains it. Writes one line to
 * docs/nightly.md per case, and exits with 1 if one failed. */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openBareRoot, type Suite } from './bare-root.ts';
import { must } from './lab/host.ts';
import { root } from './services.ts';

interface Case {
  name: string;
  suite: Suite;
  /** A shell command in a clone of the repository; it passes if it exits with 0. */
  line: string;
  withinMinutes: number;
}

const cases: readonly Case[] = [
  { name: 'npm test on Debian 12', suite: 'bookworm', line: 'npm test', withinMinutes: 90 },
  { name: 'npm test on Debian 13', suite: 'trixie', line: 'npm test', withinMinutes: 90 },
];
const [word = ''] = process.argv.slice(2);

interface Outcome {
  passed: boolean;
  seconds: number;
}

const record = join(root, 'docs/nightly.md');
const logs = join(root, '.data/nightly');

async function carryOut({ suite, line, withinMinutes }: Case, log: string): Promise<Outcome> {
  const started = Date.now();
  const seconds = () => Math.round((Date.now() - started) / 1000);
  writeFileSync(log, '');
  try {
    const bare = await openBareRoot(suite, { network: 'own', memory: 0 });
    try {
      const running = bare.start(line, {}, (said) => appendFileSync(log, `${said}\n`));
      const late = setTimeout(() => running.interrupt(), withinMinutes * 60_000);
      await running.ended;
      clearTimeout(late);
      return { passed: running.code() === 0, seconds: seconds() };
    } finally {
      await bare.close();
    }
  } catch (error) {
    appendFileSync(log, `${String(error)}\n`);
    return { passed: false, seconds: seconds() };
  }
}

/** The newest line comes first. */
function write(commit: string, name: string, { passed, seconds }: Outcome): void {
  const date = new Date().toISOString().slice(0, 10);
  const line = `| ${commit} | ${date} | ${name} | ${seconds} | ${passed ? '✓' : '✗'} |`;
  const text = readFileSync(record, 'utf8');
  const rule = /^\|(?:-+\|)+\n/m.exec(text);
  if (rule === null) throw new Error(`${record} has no table`);
  const at = rule.index + rule[0].length;
  writeFileSync(record, `${text.slice(0, at)}${line}\n${text.slice(at)}`);
}

mkdirSync(logs, { recursive: true });
const commit = (
  await must(['git', '-c', 'safe.directory=*', 'rev-parse', '--short', 'HEAD'], { cwd: root })
).trim();
let failures = 0;
for (const each of cases.filter(({ name }) => name.includes(word))) {
  const log = join(logs, `${each.name.toLowerCase().replaceAll(' ', '-')}.log`);
  console.log(`… ${each.name}: ${log}`);
  const outcome = await carryOut(each, log);
  write(commit, each.name, outcome);
  if (!outcome.passed) failures += 1;
  console.log(`${outcome.passed ? '✓' : '✗'} ${each.name} ${outcome.seconds} s`);
}
process.exit(failures === 0 ? 0 : 1);
