/** Puts small bugs into the code, one at a time, and counts those that a test notices. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Stryker } from '@stryker-mutator/core';
import { root } from '../services.ts';
import { type Area, areas } from './areas.ts';
import { fromDay } from './from-day.ts';

export interface Score {
  area: string;
  killed: number;
  /** Those that a test could have seen, and those that none even runs. */
  of: number;
  /** Files that were mutated in the time there was. */
  files: number;
  ofFiles: number;
}

export interface Request {
  /** Only these files and folders instead of the whole area. */
  only: readonly string[];
  minutes: number;
  tell: (line: string) => void;
}

const isProduct = (name: string) => /(?<!\.(test|cases|fixture))\.ts$/.test(name);

function filesOf(paths: readonly string[]): string[] {
  return paths
    .flatMap((path) =>
      statSync(join(root, path)).isFile()
        ? [path]
        : readdirSync(join(root, path), { recursive: true, encoding: 'utf8' })
            .filter(isProduct)
            .map((name) => `${path}/${name}`),
    )
    .toSorted();
}

/** File by file: the time is looked at in between. */
export async function mutateArea(
  name: string,
  { only, minutes, tell }: Request,
  signal?: AbortSignal,
): Promise<Score> {
  const area = areas[name];
  if (area === undefined) throw new Error(`no area ${name}: ${Object.keys(areas).join(', ')}`);
  const until = performance.now() + minutes * 60_000;
  const files = filesOf(only.length > 0 ? only : area.mutate);
  const score: Score = { area: name, killed: 0, of: 0, files: 0, ofFiles: files.length };
  for (const file of fromDay(files, Math.floor(Date.now() / 86_400_000))) {
    if (performance.now() > until || signal?.aborted === true) break;
    const { killed, of } = await mutateFile(file, area, tell);
    score.killed += killed;
    score.of += of;
    score.files += 1;
  }
  return score;
}

/** What a mutant's end says: that a test sees it, that none does, or nothing. */
const seen: Readonly<Record<string, boolean>> = {
  Killed: true,
  Timeout: true,
  Survived: false,
  NoCoverage: false,
};

async function mutateFile(
  file: string,
  { tests }: Area,
  tell: Request['tell'],
): Promise<{ killed: number; of: number }> {
  process.chdir(root);
  process.env['PREAU_MUTATE_TESTS'] = tests.join(',');
  const stryker = new Stryker({
    mutate: [file],
    testRunner: 'vitest',
    plugins: ['@stryker-mutator/vitest-runner'],
    vitest: { configFile: 'dev/mutate/vitest.config.ts', related: true },
    coverageAnalysis: 'perTest',
    // What static code holds is made once for all tests: it would run every test for each mutant.
    ignoreStatic: true,
    // Sentences are compared by tests of sentences.
    mutator: { excludedMutations: ['StringLiteral'] },
    concurrency: 1,
    reporters: [],
    allowEmpty: true,
    tempDirName: '.data/mutate',
    ignorePatterns: ['.data', 'console', 'docs', 'packaging/build', 'test'],
    logLevel: 'error' as never,
  });
  const results = await stryker.runMutationTest();
  const judged = results.filter(({ status }) => seen[status] !== undefined);
  const survivors = judged.filter(({ status }) => seen[status] === false);
  tell(`${file}: ${judged.length - survivors.length} of ${judged.length}`);
  for (const { location, mutatorName, replacement, status } of survivors)
    tell(
      `  ${file}:${location.start.line} ${mutatorName} → ${replacement.replaceAll(/\s+/g, ' ').slice(0, 80)}` +
        (status === 'NoCoverage' ? ' (no test runs it)' : ''),
    );
  return { killed: judged.length - survivors.length, of: judged.length };
}
