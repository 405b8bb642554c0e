/** Fetches and holds what an order needs. What that is, apt says, for all of its applications
 * together; what is kept is a second name for files of the store, so that applying needs no network
 * at all. */
import { join } from 'node:path';
import type { PackageFile } from '@preau/contract/application.ts';
import { AppError } from '@preau/contract/errors.ts';
import type { Installable, StageOptions } from '#src/drivers/driver.ts';
import { exists, flush, freeBytes, makeFolder, readText, remove, write } from '#src/files.ts';
import type { Fetcher } from '#src/packages/fetch.ts';
import type { Neighbour } from '#src/packages/peers.ts';
import type { Store } from '#src/packages/store.ts';
import { type FileToFetch, ofPackageFile } from '#src/packages/wanted.ts';
import type { Apt, AptFile } from './apt.ts';
import { safeKey } from './installer.ts';

export interface Staged {
  folder: string;
  /** apt's archives folder of this order. */
  archives: string;
  pathOf: (file: PackageFile) => string;
  /** Updates that were pending when it was staged, as `name=version`, by scope. */
  updates: (scope: 'security' | 'all') => string[];
}

export function stagedUnder(root: string, key: string): Staged {
  const folder = join(root, safeKey(key));
  return {
    folder,
    archives: join(folder, 'archives'),
    // apt tells a file from a package by how its name begins and ends.
    pathOf: ({ sha256, name }) =>
      join(folder, `${sha256.slice(0, 16)}${name.endsWith('.deb') ? '.deb' : ''}`),
    updates: (scope) =>
      (readText(join(folder, `updates-${scope}`)) ?? '').split('\n').filter((line) => line !== ''),
  };
}

/** Files of its own that an application's change needs. */
export function filesOf({
  recipes: { linux },
  want,
}: Pick<Installable, 'recipes' | 'want'>): PackageFile[] {
  switch (linux?.kind) {
    case 'deb':
    case 'archive':
    case 'agent':
      return want === 'present' ? [linux.file] : [];
    case 'script':
      return want === 'present'
        ? [linux.install]
        : linux.remove === undefined
          ? []
          : [linux.remove];
    default:
      return [];
  }
}

/** What apt-get install is to be told for this one. */
export function aptArguments(
  { recipes: { linux } }: Pick<Installable, 'recipes'>,
  staged: Staged,
): string[] {
  if (linux?.kind === 'apt') return linux.packages;
  if (linux?.kind === 'deb') return [staged.pathOf(linux.file)];
  if (linux?.kind === 'updates') return staged.updates(linux.scope);
  return [];
}

/** Beyond the packages themselves: what unpacking them may take before dpkg says so itself. */
const spareBytes = 128 * 1024 ** 2;
const freshMs = 60_000;

export function createStager(deps: {
  root: string;
  store: Store;
  fetcher: Fetcher;
  apt: Apt;
  neighbour: () => Neighbour | null;
  now: () => number;
}) {
  const { store, apt, fetcher } = deps;

  const about = (application: Pick<Installable, 'slug'>, error: unknown): AppError =>
    error instanceof AppError
      ? new AppError(error.code, { ...error.details, element: application.slug }, { cause: error })
      : new AppError('INTERNAL', { why: String(error), element: application.slug });

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
    const coming = applications.filter(({ want }) => want === 'present');
    let updated = deps.now() - apt.updatedAt() < freshMs;
    const update = async () => {
      updated = true;
      await apt.update();
    };

    let base = { bytes: 0, wan: 0 };
    const hold = async (files: readonly FileToFetch[]) => {
      if (files.length === 0) return;
      const missing = files
        .filter(({ sha256 }) => !exists(store.pathOf(sha256)))
        .reduce((sum, { size }) => sum + size, 0);
      const free = freeBytes(staged.folder);
      if (missing > 0 && free < missing + spareBytes)
        throw new AppError('DISK_FULL', { why: `${missing} bytes to fetch, ${free} free` });
      let wan = 0;
      let whole = 0;
      await fetcher.fetchAll(files, deps.neighbour(), {
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

    const own = applications.flatMap((application) =>
      filesOf(application).map((file) => ({ application, file })),
    );
    for (const { application, file } of own) {
      const to = staged.pathOf(file);
      if (exists(to)) continue;
      await hold([ofPackageFile(file)]).catch((error: unknown) => {
        options.signal.throwIfAborted();
        throw about(application, error);
      });
      // Before it has this name: a power cut must not leave half a program that nobody looks at
      // again. Packages of apt are looked at by dpkg.
      await flush(store.pathOf(file.sha256));
      store.link(file.sha256, to);
    }

    for (const application of coming) {
      const { linux } = application.recipes;
      if (linux?.kind === 'apt' && linux.source !== undefined) {
        await apt.addSource(application.slug, linux.source).catch((error: unknown) => {
          throw about(application, error);
        });
      }
      if (linux?.kind === 'updates') {
        if (!updated) await update();
        const pending = await apt.pending(linux.scope);
        write(
          join(staged.folder, `updates-${linux.scope}`),
          pending.map(({ name, version }) => `${name}=${version}\n`).join(''),
          0o600,
        );
      }
    }

    const viaApt = coming
      .map((application) => ({ application, args: aptArguments(application, staged) }))
      .filter(({ args }) => args.length > 0);
    /** Files for all of them. What clashes is planned one by one: who is guilty, applying will
     * tell. */
    const planned = async (): Promise<AptFile[]> => {
      if (viaApt.length === 0) return [];
      const all = viaApt.flatMap(({ args }) => args);
      let answer = await apt.plan(['install', ...all]);
      if (answer.refusal !== null && !updated) {
        // An old list of packages is the usual reason.
        await update();
        answer = await apt.plan(['install', ...all]);
      }
      const unknown = answer.unknown[0];
      if (unknown !== undefined) {
        const guilty = viaApt.find(({ args }) =>
          answer.unknown.some(
            (name) => args.includes(name) || args.some((arg) => arg.startsWith(`${name}=`)),
          ),
        );
        throw new AppError('PACKAGE_NOT_FOUND', {
          why: `no package ${answer.unknown.join(', ')} in this server's sources`,
          element: guilty?.application.slug ?? unknown,
        });
      }
      if (answer.refusal === null) return answer.files;
      const files: AptFile[] = [];
      for (const { args } of viaApt) files.push(...(await apt.plan(['install', ...args])).files);
      return files;
    };
    const bring = async () => {
      const files = await planned();
      await hold(files.map((file) => ({ ...file, origin: 'apt' as const })));
      remove(staged.archives);
      makeFolder(join(staged.archives, 'partial'), 0o700);
      for (const { sha256, name } of files) store.link(sha256, join(staged.archives, name));
    };
    try {
      await bring();
    } catch (error) {
      // The source has moved on since its list was read.
      if (
        !(error instanceof AppError) ||
        updated ||
        !/\b404\b|Not Found|HASH_MISMATCH/i.test(`${error.code} ${error.details['why']}`)
      )
        throw error;
      await update();
      await bring();
    }
  };
}
