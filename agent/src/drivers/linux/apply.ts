/** Installs and removes what was staged, in the given order. Neighbours that apt-get installs share
 * one run of it, and so do neighbours that it removes; every other application is handled alone.
 * `recipes/` defines what each kind of recipe needs. */
import { AppError } from '@preau/contract/errors.ts';
import { factsOf } from '@preau/contract/recipe-kinds.ts';
import type { Applied, ApplyOptions, Installable } from '#src/drivers/driver.ts';
import { type ByAptGet, bring, take } from './apt-runs.ts';
import { type Change, type ChangeDeps, createChange } from './change.ts';
import { mend, settleJournal } from './mend.ts';
import type { Outcome } from './recipes/recipe.ts';
import { driverOf } from './recipes/table.ts';

/** How an application shares a run of apt-get with its neighbours in the order, if at all. */
type Lane = 'bring' | 'take' | 'alone';

const laneOf = ({ recipes: { linux }, want }: Pick<Installable, 'recipes' | 'want'>): Lane => {
  const driver = driverOf(linux);
  if (driver?.by !== 'apt-get') return 'alone';
  if (want === 'present') return 'bring';
  return driver.goes === 'never' ? 'alone' : 'take';
};

/** Groups consecutive applications of the same lane; the order is kept. The agent's own bundle
 * comes last, whatever the order says, because installing it ends the agent. Pure. */
export function runsOf<A extends Pick<Installable, 'recipes' | 'want'>>(
  applications: readonly A[],
): { lane: Lane; applications: A[] }[] {
  const isLast = ({ recipes: { linux } }: A) =>
    linux !== undefined && factsOf(linux)?.replacesAgent === true;
  const runs: { lane: Lane; applications: A[] }[] = [];
  for (const application of [
    ...applications.filter((each) => !isLast(each)),
    ...applications.filter(isLast),
  ]) {
    const lane = laneOf(application);
    const last = runs.at(-1);
    if (last !== undefined && last.lane === lane && lane !== 'alone')
      last.applications.push(application);
    else runs.push({ lane, applications: [application] });
  }
  return runs;
}

export interface ApplierDeps extends ChangeDeps {
  /** Folder in which archives are unpacked. */
  applications: string;
  /** Does not return on success: the agent exits, and the launcher starts the new bundle. */
  beginTrial: (key: string, sha256: string, path: string) => Promise<never>;
}

export function createApplier(deps: ApplierDeps) {
  return async (
    key: string,
    applications: readonly Installable[],
    options: ApplyOptions,
  ): Promise<Applied[]> => {
    const change = createChange(deps, key, options);
    await settleJournal(change);
    const before = await deps.dpkg.packagesNow();
    try {
      for (const { lane, applications: group } of runsOf(applications)) {
        options.signal.throwIfAborted();
        if (lane === 'bring') await bring(group.flatMap(byAptGet), change);
        else if (lane === 'take') await take(group.flatMap(byAptGet), change);
        else for (const application of group) await alone(application, change, deps);
      }
    } catch (error) {
      if (!options.signal.aborted) throw error;
      await mend(change, before, true);
      for (const application of applications)
        if (!change.outcomes.has(application.applicationId))
          change.settle(application, { code: 'INSTALL_FAILED', message: 'called off' }, 0);
    }
    return applications.flatMap(({ applicationId }) => change.outcomes.get(applicationId) ?? []);
  };
}

function byAptGet(application: Installable): ByAptGet[] {
  const { linux: recipe } = application.recipes;
  const driver = driverOf(recipe);
  return recipe === undefined || driver?.by !== 'apt-get' ? [] : [{ application, recipe, driver }];
}

async function alone(application: Installable, change: Change, deps: ApplierDeps): Promise<void> {
  const { options } = change;
  const started = performance.now();
  change.begin(application);
  const time = AbortSignal.timeout(change.left());
  let outcome: Outcome = null;
  try {
    outcome = await single(application, change, deps, AbortSignal.any([options.signal, time]));
  } catch (error) {
    options.signal.throwIfAborted();
    outcome = time.aborted
      ? {
          code: 'INSTALL_TIMED_OUT',
          message: `it did not end in time: stopped after ${Math.round(options.timeoutMs / 1000)} s`,
        }
      : outcomeOf(error);
    deps.installers.note(change.key, `${application.slug}: ${outcome.code}: ${outcome.message}`);
  }
  change.settle(application, outcome, performance.now() - started);
}

const outcomeOf = (error: unknown) =>
  error instanceof AppError
    ? { code: error.code, message: String(error.details['why'] ?? error.message) }
    : {
        code: 'INSTALL_FAILED' as const,
        message: error instanceof Error ? error.message : String(error),
      };

async function single(
  application: Installable,
  { key, staged, run, left }: Change,
  { applications, beginTrial }: ApplierDeps,
  signal: AbortSignal,
): Promise<Outcome> {
  const { linux: recipe } = application.recipes;
  const driver = driverOf(recipe);
  // `refuses` excludes this already; but an unknown kind must never count as done.
  if (recipe === undefined || driver === null)
    return {
      code: 'NOT_APPLICABLE',
      message: `no way to install a recipe of kind ${recipe?.kind ?? 'none'}`,
    };
  // apt-get comes here only for a recipe that is never removed: there is nothing to do.
  if (driver.by === 'apt-get') return null;
  return driver[application.want === 'present' ? 'install' : 'remove'](recipe, application, {
    staged,
    applications,
    signal,
    run: (file, args, env) => run(file, args, { timeoutMs: left(), signal, env }),
    beginTrial: (sha256, path) => beginTrial(key, sha256, path),
  });
}
