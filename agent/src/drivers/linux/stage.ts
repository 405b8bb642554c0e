/** Fetches and keeps what an order needs. apt says which packages all applications of the order
 * need together. Staged files are hard links to files of the store, so that applying needs no
 * network at all. */

import { join } from 'node:path';
import { AppError, errorAsTold } from '@preau/contract/errors.ts';
import { packagesOf } from '@preau/contract/recipe-kinds.ts';
import type { Installable, StageOptions } from '#src/drivers/driver.ts';
import { reasonOf } from '#src/failures.ts';
import { exists, flush, freeBytes, makeFolder, remove } from '#src/files.ts';
import type { Fetcher } from '#src/packages/fetch.ts';
import type { Neighbour } from '#src/packages/peers.ts';
import type { Store } from '#src/packages/store.ts';
import { type FileToFetch, ofPackageFile } from '#src/packages/wanted.ts';
import type { Apt, Patience } from './apt.ts';
import type { AptFile } from './apt-output.ts';
import type { Dpkg } from './dpkg.ts';
import { judgeInstall, type Known } from './foresee.ts';
import type { Placed } from './placed.ts';
import type { Outcome } from './recipes/recipe.ts';
import { driverOf } from './recipes/table.ts';
import { filesOf, type Staged, stagedUnder } from './staged.ts';

/** Free space required beyond the packages themselves; dpkg checks the rest when unpacking. */
const spareBytes = 128 * 1024 ** 2;
const freshMs = 60_000;

/** What planning an installation reads, for a question and for an order. */
export interface PlanningDeps {
  store: Store;
  fetcher: Fetcher;
  apt: Apt;
  dpkg: Dpkg;
  placed: Placed;
  neighbour: () => Neighbour | null;
  now: () => number;
}

interface StagerDeps extends PlanningDeps {
  root: string;
  /** Adds a line to the log of this key. */
  note: (key: string, text: string) => void;
}

/** Updates apt's lists, at most once per order. */
interface Lists {
  read: () => boolean;
  update: () => Promise<void>;
}

/** What apt-get has to fetch for one application. */
interface ViaApt {
  application: Installable;
  args: string[];
}

const blame = (application: Pick<Installable, 'slug'>, error: unknown): AppError =>
  error instanceof AppError
    ? errorAsTold(error.code, { ...error.details, element: application.slug }, { cause: error })
    : errorAsTold(reasonOf(error).code, { why: String(error), element: application.slug });

export function createStager(deps: StagerDeps) {
  const { store, apt } = deps;

  return async (
    key: string,
    applications: readonly Installable[],
    options: StageOptions,
  ): Promise<void> => {
    const staged = stagedUnder(deps.root, key);
    makeFolder(deps.root, 0o700);
    makeFolder(staged.folder, 0o700);
    makeFolder(staged.archives, 0o700);
    makeFolder(join(staged.archives, 'partial'), 0o700);
    const hold = createHolder(deps, staged, options);
    const patience: Patience = {
      signal: options.signal,
      waiting: (holder) => {
        deps.note(key, `waiting: ${holder} holds the package lists`);
        options.progress(0, null, 0);
      },
    };
    const isFresh = deps.now() - apt.updatedAt() < freshMs;
    let updated = false;
    const lists: Lists = {
      read: () => updated,
      update: async () => {
        updated = true;
        await apt.update(patience);
        for (const { source, why } of apt.unread())
          deps.note(key, `the package source ${source} cannot be read: ${why}`);
      },
    };

    for (const application of applications)
      for (const file of filesOf(application)) {
        const to = staged.pathOf(file);
        if (exists(to)) continue;
        await hold([ofPackageFile(file)]).catch((error: unknown) => {
          options.signal.throwIfAborted();
          throw blame(application, error);
        });
        // Flushed before it gets this name: after a power cut a partial file here would go
        // unnoticed. Packages from apt are not flushed, because dpkg checks them.
        await flush(store.pathOf(file.sha256));
        store.link(file.sha256, to);
      }

    const coming = applications.filter(({ want }) => want === 'present');
    for (const application of coming) {
      const { linux } = application.recipes;
      if (linux !== undefined)
        await driverOf(linux)?.prepare?.(linux, application.slug, {
          apt,
          staged,
          patience,
          freshLists: async () => {
            if (!isFresh && !lists.read()) await lists.update();
          },
          blame: (error) => blame(application, error),
        });
    }

    const viaApt = coming
      .map((application) => ({ application, args: aptArguments(application, staged) }))
      .filter(({ args }) => args.length > 0);
    const going = Object.fromEntries(
      applications
        .filter(({ want }) => want === 'absent')
        .flatMap(({ slug, recipes }) => packagesOf(recipes.linux).map((name) => [name, slug])),
    );
    const known = async (): Promise<Known> => ({
      wanted: options.wanted ?? [],
      // What the same order removes first may go, whoever installed it.
      placed: { ...deps.placed.all(), ...going },
      packages: await deps.dpkg.packagesNow(),
    });
    const holdPackages = async () => {
      const files = await plan(apt, viaApt, lists, {
        known,
        note: (text) => deps.note(key, text),
      });
      await hold(files.map((file) => ({ ...file, origin: 'apt' as const })));
      remove(staged.archives);
      makeFolder(join(staged.archives, 'partial'), 0o700);
      for (const { sha256, name } of files) store.link(sha256, join(staged.archives, name));
    };
    try {
      await holdPackages();
    } catch (error) {
      if (lists.read() || !mayHaveMovedOn(error)) throw error;
      await lists.update();
      await holdPackages();
    }
  };
}

/** Whether the source may have changed since its list was read. */
const mayHaveMovedOn = (error: unknown): boolean =>
  error instanceof AppError &&
  /\b404\b|Not Found|HASH_MISMATCH/i.test(`${error.code} ${error.details['why']}`);

function aptArguments({ recipes: { linux } }: Installable, staged: Staged): string[] {
  const driver = driverOf(linux);
  return linux !== undefined && driver?.by === 'apt-get' ? driver.arguments(linux, staged) : [];
}

/** Fetches files into the store, and reports progress over all of them. */
function createHolder(
  { store, fetcher, neighbour }: StagerDeps,
  staged: Staged,
  options: StageOptions,
): (files: readonly FileToFetch[]) => Promise<void> {
  let base = { bytes: 0, wan: 0 };
  return async (files) => {
    if (files.length === 0) return;
    const missing = files
      .filter(({ sha256 }) => !exists(store.pathOf(sha256)))
      .reduce((sum, { size }) => sum + size, 0);
    const free = freeBytes(staged.folder);
    // What was fetched before, for a question, still has to be unpacked.
    if (free < missing + spareBytes)
      throw new AppError('DISK_FULL', { why: `${missing} bytes to fetch, ${free} free` });
    let wan = 0;
    let whole = 0;
    await fetcher.fetchAll(files, neighbour(), {
      kibibytesPerSecond: options.kibibytesPerSecond,
      signal: options.signal,
      progress: (done, total, overTheLine) => {
        wan = overTheLine;
        whole = total;
        options.progress(base.bytes + done, base.bytes + total, base.wan + overTheLine);
      },
    });
    base = { bytes: base.bytes + whole, wan: base.wan + wan };
  };
}

/** Files for all applications together, once apt has said what they would change. When they
 * conflict, each is planned alone; applying then shows which one is at fault. */
async function plan(
  apt: Apt,
  viaApt: readonly ViaApt[],
  lists: Lists,
  { known, note }: { known: () => Promise<Known>; note: (text: string) => void },
): Promise<AptFile[]> {
  if (viaApt.length === 0) return [];
  const all = viaApt.flatMap(({ args }) => args);
  const ask = async () => {
    const started = performance.now();
    const [answer] = await Promise.all([
      apt.plan(['install', ...all]),
      // Both only read. Together they take as long as one alone.
      judgeAll(apt, viaApt, all, known),
    ]);
    note(`apt was asked first: ${((performance.now() - started) / 1000).toFixed(2)} s`);
    return answer;
  };
  let answer = await ask().catch(async (error: unknown) => {
    // An old list of packages is the usual reason.
    if (lists.read()) throw error;
    await lists.update();
    return ask();
  });
  if (answer.refusal !== null && !lists.read()) {
    await lists.update();
    answer = await ask();
  }
  if (answer.refusal === null) return answer.files;
  const files: AptFile[] = [];
  for (const { args } of viaApt) files.push(...(await apt.plan(['install', ...args])).files);
  return files;
}

/** Asks for all together; when that would remove something, or is refused, for each alone. Throws
 * what the first one is refused for. */
async function judgeAll(
  apt: Apt,
  viaApt: readonly ViaApt[],
  all: readonly string[],
  known: () => Promise<Known>,
): Promise<void> {
  const facts = await known();
  const packagesOfAll = viaApt.flatMap(({ application }) => packagesOf(application.recipes.linux));
  const together = await apt.simulate(['install', ...all]);
  const first = viaApt[0]?.application.slug ?? '';
  if (judgeInstall({ slug: first, packages: packagesOfAll }, together, facts) === null) return;
  for (const { application, args } of viaApt) {
    const { slug } = application;
    const alone = viaApt.length === 1 ? together : await apt.simulate(['install', ...args]);
    const refusal = judgeInstall({ slug, packages: packagesOf(application.recipes.linux) }, alone, {
      ...facts,
      wanted: facts.wanted.filter((each) => each.slug !== slug),
    });
    if (refusal !== null) throw refused(apt, application, refusal);
  }
}

/** The refusal of an application, with the sources that could not be read where they may be its
 * cause. */
function refused(
  apt: Apt,
  application: Installable,
  { code, message }: NonNullable<Outcome>,
): AppError {
  const unread = apt.unread();
  const may = unread.length > 0 && (code === 'PACKAGE_NOT_FOUND' || code === 'INSTALL_FAILED');
  const sources = unread.map(({ source, why }) => `${source}: ${why}`).join('; ');
  return blame(
    application,
    new AppError(may ? 'SOURCE_UNREADABLE' : code, {
      why: may ? `${message}; cannot be read: ${sources}`.slice(0, 1900) : message,
    }),
  );
}
