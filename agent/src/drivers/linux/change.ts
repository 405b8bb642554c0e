/** One call of `apply`: the time left, and the result of each application so far. */
import type { Applied, ApplyOptions, Installable } from '#src/drivers/driver.ts';
import { type Apt, quiet } from './apt.ts';
import type { Dpkg } from './dpkg.ts';
import type { Installers, Ran } from './installer.ts';
import type { Placed } from './placed.ts';
import type { Outcome } from './recipes/recipe.ts';
import { type Staged, stagedUnder } from './staged.ts';

/** apt's `--no-download` would also refuse a package that is a file on this disk. */
const noNetwork = ['http', 'https', 'ftp'].flatMap((way) => [
  '-o',
  `Dir::Bin::Methods::${way}=/bin/false`,
]);

export interface ChangeDeps {
  /** Root of the staging folders. */
  root: string;
  dpkg: Dpkg;
  apt: Apt;
  placed: Placed;
  installers: Installers;
}

export interface Change {
  key: string;
  staged: Staged;
  options: ApplyOptions;
  dpkg: Dpkg;
  apt: Apt;
  placed: Placed;
  /** Adds the agent's own words to the log. */
  note: (text: string) => void;
  /** Time left in whole milliseconds, and at least a fifth of the limit: applications after one
   * that hung still get a fair try. */
  left: () => number;
  begin: (application: Installable) => void;
  settle: (application: Installable, outcome: Outcome, ms: number) => void;
  outcomes: ReadonlyMap<string, Applied>;
  run: (
    file: string,
    args: readonly string[],
    limits: { timeoutMs: number; signal: AbortSignal; env?: Record<string, string> },
  ) => Promise<Ran>;
  /** Runs apt-get without network: it uses only what was staged. */
  aptGet: (args: readonly string[], timeoutMs: number) => Promise<Ran>;
}

export function createChange(deps: ChangeDeps, key: string, options: ApplyOptions): Change {
  const staged = stagedUnder(deps.root, key);
  const endsAt = performance.now() + options.timeoutMs;
  const outcomes = new Map<string, Applied>();
  const run: Change['run'] = (file, args, limits) => deps.installers.run(key, file, args, limits);
  return {
    key,
    staged,
    options,
    dpkg: deps.dpkg,
    apt: deps.apt,
    placed: deps.placed,
    note: (text) => deps.installers.note(key, text),
    outcomes,
    run,
    left: () => Math.ceil(Math.max(endsAt - performance.now(), options.timeoutMs * 0.2)),
    begin: ({ applicationId }) => options.progress(applicationId, 'installing'),
    settle: ({ applicationId, want }, outcome, ms) => {
      outcomes.set(applicationId, {
        applicationId,
        code: outcome?.code ?? null,
        message: (outcome?.message ?? '').slice(-2000),
        ms: Math.round(ms),
      });
      const done = want === 'present' ? 'installed' : 'removed';
      options.progress(applicationId, outcome === null ? done : 'failed');
    },
    aptGet: (args, timeoutMs) =>
      run(
        '/usr/bin/apt-get',
        [
          ...deps.apt.options,
          ...quiet,
          '-o',
          `Dir::Cache::archives=${staged.archives}/`,
          ...noNetwork,
          ...args,
        ],
        { timeoutMs, signal: options.signal },
      ),
  };
}
