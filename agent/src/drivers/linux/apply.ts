/** Brings and takes away what was staged. dpkg is slow to begin and quick to go on, so neighbours
 * in the order share one run; when that run fails, whoever dpkg names is set aside, the system is
 * mended, and the others go again. */
import { join } from 'node:path';
import { AppError, type ErrorCode } from '@preau/contract/errors.ts';
import { packagesOf } from '@preau/contract/recipe-kinds.ts';
import { run } from '#src/command.ts';
import type { Applied, ApplyOptions, Installable } from '#src/drivers/driver.ts';
import { exists, readText, remove } from '#src/files.ts';
import { type Apt, parseUnknown, quiet } from './apt.ts';
import { unpack } from './archive.ts';
import { pinsOf, versionOf } from './detect.ts';
import type { Dpkg, Packages } from './dpkg.ts';
import type { Installers, Ran } from './installer.ts';
import { aptArguments, stagedUnder } from './stage.ts';

type Outcome = { code: ErrorCode; message: string } | null;
/** What can share a run of apt-get with its neighbours. */
type Lane = 'bring' | 'take' | 'alone';

export const laneOf = ({
  recipes: { linux },
  want,
}: Pick<Installable, 'recipes' | 'want'>): Lane => {
  if (linux?.kind === 'apt' || linux?.kind === 'deb') return want === 'present' ? 'bring' : 'take';
  return linux?.kind === 'updates' && want === 'present' ? 'bring' : 'alone';
};

/** Consecutive ones of a lane together: the order is kept. An agent's own bundle comes last,
 * whatever the order says: nothing comes after it. Pure. */
export function runsOf<A extends Pick<Installable, 'recipes' | 'want'>>(
  applications: readonly A[],
): { lane: Lane; applications: A[] }[] {
  const isAgent = ({ recipes: { linux } }: A) => linux?.kind === 'agent';
  const runs: { lane: Lane; applications: A[] }[] = [];
  for (const application of [
    ...applications.filter((each) => !isAgent(each)),
    ...applications.filter(isAgent),
  ]) {
    const lane = laneOf(application);
    const last = runs.at(-1);
    if (last !== undefined && last.lane === lane && lane !== 'alone')
      last.applications.push(application);
    else runs.push({ lane, applications: [application] });
  }
  return runs;
}

/** Why a run of apt-get failed, from what it wrote. Pure. */
export function codeOf(
  { tail, timedOut }: Pick<Ran, 'tail' | 'timedOut'>,
  otherwise: ErrorCode = 'INSTALL_FAILED',
): ErrorCode {
  if (timedOut) return 'INSTALL_TIMED_OUT';
  if (/No space left on device|have enough free space/i.test(tail)) return 'DISK_FULL';
  if (parseUnknown(tail).length > 0) return 'PACKAGE_NOT_FOUND';
  if (/Hash Sum mismatch/i.test(tail)) return 'HASH_MISMATCH';
  return /Unable to fetch some archives|Failed to fetch/i.test(tail)
    ? 'DOWNLOAD_FAILED'
    : otherwise;
}

const lastWords = ({ tail }: Pick<Ran, 'tail'>): string =>
  tail
    .replace(/^W: .*\n?/gm, '')
    .trim()
    .slice(-1200);

/** Packages that dpkg itself says failed. Pure. */
export const parseFailing = (tail: string): string[] =>
  [
    ...[...tail.matchAll(/^dpkg: error processing (?:package|archive) (\S+)/gm)].map(
      ([, name = '']) => name,
    ),
    ...[...tail.matchAll(/^Errors were encountered while processing:\n((?: \S+\n?)+)/gm)].flatMap(
      ([, list = '']) => list.trim().split(/\s+/),
    ),
  ].map((name) => (name.split('/').at(-1) ?? name).replace(/_.*$/, '').replace(/:[a-z0-9]+$/, ''));

const gone = new Set(['config-files', 'not-installed']);
const restful = new Set(['installed', ...gone]);
const mendWithinMs = 120_000;

export interface ApplierDeps {
  root: string;
  applications: string;
  dpkg: Dpkg;
  apt: Apt;
  installers: Installers;
  /** Does not return when all is well: the agent ends, and begins again as the new one. */
  beginTrial: (key: string, sha256: string, path: string) => Promise<never>;
}

export function createApplier(deps: ApplierDeps) {
  const { dpkg, apt, installers } = deps;

  return async (
    key: string,
    applications: readonly Installable[],
    options: ApplyOptions,
  ): Promise<Applied[]> => {
    const staged = stagedUnder(deps.root, key);
    const endsAt = performance.now() + options.timeoutMs;
    /** Whoever comes after one that hung still gets a fair try, though the time is over. */
    const left = () => Math.max(endsAt - performance.now(), options.timeoutMs * 0.2);
    const outcomes = new Map<string, Applied>();
    const settle = (application: Installable, outcome: Outcome, ms: number) => {
      outcomes.set(application.applicationId, {
        applicationId: application.applicationId,
        code: outcome?.code ?? null,
        message: (outcome?.message ?? '').slice(-2000),
        ms: Math.round(ms),
      });
      options.progress(
        application.applicationId,
        outcome !== null ? 'failed' : application.want === 'present' ? 'installed' : 'removed',
      );
    };
    const aptGet = (args: readonly string[], timeoutMs: number) =>
      installers.run(
        key,
        '/usr/bin/apt-get',
        [
          ...apt.options,
          ...quiet,
          '-o',
          `Dir::Cache::archives=${staged.archives}/`,
          '--no-download',
          ...args,
        ],
        { timeoutMs, signal: options.signal },
      );

    /** The system as dpkg can leave it: what hangs or fails and was not there before is taken away
     * again. */
    const mend = async (before: Packages, hung: boolean) => {
      const never = new AbortController().signal;
      const mending = (file: string, args: readonly string[]) =>
        installers.run(key, file, args, { timeoutMs: mendWithinMs, signal: never });
      const broken = async (only?: string) =>
        [...(await dpkg.packagesNow())]
          .filter(
            ([name, { status }]) =>
              !restful.has(status) &&
              (only === undefined || status === only) &&
              versionOf(before, name) === null,
          )
          .map(([name]) => name);
      const drop = async (names: string[]) => {
        if (names.length > 0)
          await mending('/usr/bin/dpkg', [
            '--remove',
            '--force-remove-reinstreq',
            '--force-depends',
            ...names,
          ]);
      };
      // Half-configured: its own script was at work when it was killed, and would hang again.
      if (hung) await drop(await broken('half-configured'));
      if ([...(await dpkg.packagesNow()).values()].some(({ status }) => !restful.has(status)))
        await mending('/usr/bin/dpkg', ['--configure', '-a', '--force-confold']);
      await drop(await broken());
    };

    const isThere = async (application: Installable): Promise<Outcome> => {
      const recipe = application.recipes.linux;
      const packages = await dpkg.packagesNow();
      if (recipe?.kind === 'updates') {
        const late = staged
          .updates(recipe.scope)
          .find(
            (update) =>
              versionOf(packages, update.split('=')[0] ?? '') !==
              update.slice(update.indexOf('=') + 1),
          );
        return late === undefined
          ? null
          : { code: 'INSTALL_FAILED', message: `${late} is not installed` };
      }
      const missing = packagesOf(recipe).find((name) => versionOf(packages, name) === null);
      if (missing !== undefined)
        return { code: 'INSTALL_FAILED', message: `${missing} is not installed` };
      const unpinned =
        recipe === undefined
          ? undefined
          : pinsOf(recipe).find(([name, version]) => versionOf(packages, name) !== version);
      if (unpinned !== undefined)
        return {
          code: 'INSTALL_FAILED',
          message: `${unpinned[0]} is not installed in version ${unpinned[1]}`,
        };
      if (recipe?.kind !== 'deb') return null;
      const { stdout } = await run(
        '/usr/bin/dpkg-deb',
        ['-f', staged.pathOf(recipe.file), 'Version'],
        { timeoutMs: 30_000 },
      );
      const found = versionOf(packages, recipe.package);
      return stdout.trim() === '' || stdout.trim() === found
        ? null
        : {
            code: 'NOT_DETECTED',
            message: `${recipe.package} is version ${found}, the file is ${stdout.trim()}`,
          };
    };

    const bring = async (group: readonly Installable[]): Promise<void> => {
      const started = performance.now();
      const share = () => (performance.now() - started) / group.length;
      const before = await dpkg.packagesNow();
      const args = group.flatMap((application) => aptArguments(application, staged));
      if (args.length === 0) {
        for (const application of group) settle(application, null, share());
        return;
      }
      const automatic = group.some(({ recipes }) => recipes.linux?.kind === 'updates')
        ? await automaticOf(
            group.flatMap(({ recipes: { linux } }) =>
              linux?.kind === 'updates' ? staged.updates(linux.scope) : [],
            ),
          )
        : [];
      for (const { applicationId } of group) options.progress(applicationId, 'installing');
      // Whoever hangs leaves the others time of their own.
      const ran = await aptGet(['install', ...args], group.length > 1 ? left() * 0.6 : left());
      // An update is nobody's choice of a package.
      if (automatic.length > 0)
        await run('/usr/bin/apt-mark', ['auto', ...automatic], { timeoutMs: 60_000 });
      const done: Installable[] = [];
      if (ran.code === 0) {
        for (const application of group) {
          const { linux } = application.recipes;
          settle(application, linux?.kind === 'deb' ? await isThere(application) : null, share());
        }
        return;
      }
      const hanging = ran.timedOut
        ? [...(await dpkg.packagesNow())]
            .filter(([, { status }]) => status === 'half-configured' || status === 'half-installed')
            .map(([name]) => name)
        : [];
      await mend(before, ran.timedOut);
      // Who failed by itself before somebody else hung is not the one whose time is over.
      const failing = new Set([
        ...parseFailing(ran.tail),
        ...parseUnknown(ran.tail).map((name) => name.split('=')[0] ?? name),
      ]);
      const named = new Set([...failing, ...hanging]);
      const others: Installable[] = [];
      const verdictOf = (packages: readonly string[]): Outcome => ({
        code: codeOf({
          ...ran,
          timedOut: ran.timedOut && !packages.some((name) => failing.has(name)),
        }),
        message: `apt-get ended with ${ran.timedOut ? 'its time over' : ran.code}: ${lastWords(ran)}`,
      });
      for (const application of group) {
        const packages = packagesOf(application.recipes.linux);
        if ((await isThere(application)) === null) done.push(application);
        else if (group.length === 1 || packages.some((name) => named.has(name)))
          settle(application, verdictOf(packages), share());
        else others.push(application);
      }
      for (const application of done) settle(application, null, share());
      if (others.length === 0) return;
      // Nobody was named: each for itself.
      if (others.length < group.length) await bring(others);
      else for (const application of others) await bring([application]);
    };

    const take = async (group: readonly Installable[]): Promise<void> => {
      const started = performance.now();
      const packages = await dpkg.packagesNow();
      const keep = new Set(options.keep);
      const going = (application: Installable) =>
        packagesOf(application.recipes.linux).filter(
          (name) => !keep.has(name) && !gone.has(packages.get(name)?.status ?? 'not-installed'),
        );
      const names = [...new Set(group.flatMap(going))];
      for (const { applicationId } of group) options.progress(applicationId, 'installing');
      const ran =
        names.length === 0
          ? null
          : await aptGet(['remove', ...names], group.length > 1 ? left() * 0.6 : left());
      if (ran !== null && ran.code !== 0) {
        await mend(packages, ran.timedOut);
        if (group.length > 1) {
          for (const application of group) await take([application]);
          return;
        }
      }
      for (const application of group) {
        const { linux } = application.recipes;
        if (ran === null || ran.code === 0) {
          if (linux?.kind === 'apt' && linux.source !== undefined)
            apt.removeSource(application.slug);
          settle(application, null, (performance.now() - started) / group.length);
        } else
          settle(
            application,
            {
              code: codeOf(ran, 'REMOVE_FAILED'),
              message: `apt-get ended with ${ran.code}: ${lastWords(ran)}`,
            },
            performance.now() - started,
          );
      }
    };

    const alone = async (application: Installable): Promise<void> => {
      const started = performance.now();
      options.progress(application.applicationId, 'installing');
      const time = AbortSignal.timeout(left());
      let outcome: Outcome = null;
      try {
        outcome = await single(application, AbortSignal.any([options.signal, time]));
      } catch (error) {
        options.signal.throwIfAborted();
        if (time.aborted)
          outcome = {
            code: 'INSTALL_TIMED_OUT',
            message: `not done within ${Math.round(options.timeoutMs / 1000)} s`,
          };
        else
          outcome =
            error instanceof AppError
              ? { code: error.code, message: String(error.details['why'] ?? error.message) }
              : {
                  code: 'INSTALL_FAILED',
                  message: error instanceof Error ? error.message : String(error),
                };
        installers.note(key, `${application.slug}: ${outcome.code}: ${outcome.message}`);
      }
      settle(application, outcome, performance.now() - started);
    };

    const single = async (application: Installable, signal: AbortSignal): Promise<Outcome> => {
      const recipe = application.recipes.linux;
      const { slug, version, want } = application;
      if (recipe?.kind === 'archive') {
        if (want === 'present')
          await unpack(
            { path: staged.pathOf(recipe.file), format: recipe.format, name: recipe.file.name },
            { root: deps.applications, slug, version },
            signal,
          );
        else remove(join(deps.applications, slug));
        return null;
      }
      if (recipe?.kind === 'script') {
        const file = want === 'present' ? recipe.install : recipe.remove;
        if (file === undefined)
          return { code: 'REMOVE_FAILED', message: 'the recipe has no script for taking it away' };
        const ran = await runScript(
          staged.pathOf(file),
          { PREAU_APPLICATION: slug, PREAU_VERSION: version },
          signal,
        );
        return ran.code === 0
          ? null
          : {
              code: codeOf(ran, want === 'present' ? 'INSTALL_FAILED' : 'REMOVE_FAILED'),
              message: `the script ended with ${ran.code}: ${ran.tail.trim().slice(-1200)}`,
            };
      }
      // Taking away an agent or updates means nothing.
      if (recipe?.kind === 'agent' && want === 'present')
        return deps.beginTrial(key, recipe.file.sha256, staged.pathOf(recipe.file));
      return null;
    };

    /** By the interpreter it names; the file itself is nobody's program. */
    const runScript = (path: string, env: Record<string, string>, signal: AbortSignal) => {
      const interpreter = /^#! *(\/[^\s]+)(?: +(\S+))? *$/
        .exec((readText(path) ?? '').split('\n', 1)[0] ?? '')
        ?.slice(1)
        .filter((word) => word !== undefined) ?? ['/bin/sh'];
      return installers.run(key, '/usr/bin/env', ['-C', staged.folder, ...interpreter, path], {
        timeoutMs: left(),
        signal,
        env,
      });
    };

    const before = await dpkg.packagesNow();
    try {
      for (const { lane, applications: group } of runsOf(applications)) {
        options.signal.throwIfAborted();
        if (lane === 'bring') await bring(group);
        else if (lane === 'take') await take(group);
        else for (const application of group) await alone(application);
      }
    } catch (error) {
      if (!options.signal.aborted) throw error;
      await mend(before, true);
      for (const application of applications)
        if (!outcomes.has(application.applicationId))
          settle(application, { code: 'INSTALL_FAILED', message: 'called off' }, 0);
    }
    return applications.flatMap(({ applicationId }) => outcomes.get(applicationId) ?? []);
  };
}

/** Of these updates, the packages that nobody chose. */
async function automaticOf(updates: readonly string[]): Promise<string[]> {
  const names = updates.map((update) => update.split('=')[0] ?? update);
  if (names.length === 0 || !exists('/usr/bin/apt-mark')) return [];
  const { stdout } = await run('/usr/bin/apt-mark', ['showauto', ...names], { timeoutMs: 60_000 });
  return stdout.split('\n').filter((name) => name !== '');
}
