/** The software half of the Linux driver: detects, fetches, installs and removes. */
import { join } from 'node:path';
import { scriptReviewText } from '@preau/contract/application.ts';
import { factsOf } from '@preau/contract/recipe-kinds.ts';
import type { Inventory } from '@preau/contract/report.ts';
import type { Bundles } from '#src/bundles.ts';
import type { Driver } from '#src/drivers/driver.ts';
import { makeFolder, names, readText, remove } from '#src/files.ts';
import { type Identity, isSignedByController } from '#src/identity.ts';
import { type Limits, usualLimits } from '#src/packages/download.ts';
import { createFetcher, type Sources } from '#src/packages/fetch.ts';
import { openStore } from '#src/packages/store.ts';
import { createApplier } from './apply.ts';
import { createApt } from './apt.ts';
import { createAptHelper } from './apt-helper.ts';
import { createForeseer } from './asking.ts';
import { createDetector } from './detect.ts';
import { type Dpkg, readDpkg } from './dpkg.ts';
import { createInstallers, safeKey } from './installer.ts';
import { spareAgent } from './needrestart.ts';
import { createNeighbours } from './neighbours.ts';
import { openPlaced } from './placed.ts';
import { driverOf } from './recipes/table.ts';
import { createStager } from './stage.ts';
import { filesOf, stagedUnder } from './staged.ts';
import { createTrials } from './trials.ts';

/** In the run folder: which installers run. */
export const installersFolder = 'installers';

export interface SoftwareDeps {
  stateFolder: string;
  runFolder: string;
  /** Folder in which archives are unpacked. */
  applications: string;
  cache: { host: string; port: number; maxBytes: number; slowestBytesPerSecond: number };
  identity: Identity;
  readPackage: Sources['readPackage'];
  bundles: Bundles;
  /** SHA-256 of the running bundle, and whether a launcher started it. */
  running: { sha256: string | null; launched: boolean };
  /** An installer may never run longer. */
  installSeconds: number;
  /** Ends this agent so that the launcher starts the next one. */
  restart: () => void;
  now: () => number;
  /** For tests: apt restricted to the tests' own sources; shorter limits. */
  aptOptions?: readonly string[];
  dpkg?: Dpkg;
  lockPatience?: { everyMs: number; forMs: number };
  sourcesFolder?: string;
  limits?: Partial<Limits>;
}

export interface Software
  extends Pick<
    Driver,
    | 'refuses'
    | 'detect'
    | 'foresee'
    | 'unreadSources'
    | 'stage'
    | 'apply'
    | 'installerOf'
    | 'logOf'
    | 'discard'
    | 'setNeighbours'
  > {
  /** This part's share of the inventory. */
  inventory: () => Promise<Pick<Inventory, 'packages' | 'chosen' | 'cache'>>;
  stop: () => Promise<void>;
}

export function createSoftware(deps: SoftwareDeps): Software {
  const { now, identity } = deps;
  const stageRoot = join(deps.stateFolder, 'staged');
  makeFolder(deps.stateFolder, 0o700);
  const store = openStore({
    folder: join(deps.stateFolder, 'packages'),
    maxBytes: deps.cache.maxBytes,
    boot: readText('/proc/sys/kernel/random/boot_id')?.trim() ?? '',
    now,
  });
  const installerRuns = join(deps.runFolder, installersFolder);
  const installers = createInstallers({
    run: installerRuns,
    logs: join(deps.stateFolder, 'logs'),
  });
  const dpkg = deps.dpkg ?? readDpkg();
  const apt = createApt({
    stampFile: join(deps.stateFolder, 'lists-read'),
    now,
    ...(deps.aptOptions === undefined ? {} : { options: deps.aptOptions }),
    ...(deps.lockPatience === undefined ? {} : { lockPatience: deps.lockPatience }),
    ...(deps.sourcesFolder === undefined ? {} : { sourcesFolder: deps.sourcesFolder }),
  });
  const placed = openPlaced(join(deps.stateFolder, 'placed.json'));
  const limits: Limits = {
    ...usualLimits,
    slowestBytesPerSecond: deps.cache.slowestBytesPerSecond,
    ...deps.limits,
  };

  const fetcher = createFetcher({
    store,
    limits,
    sources: { ...createAptHelper(apt.options), readPackage: deps.readPackage },
  });

  const trials = createTrials({ ...deps, stageRoot });
  const neighbours = createNeighbours({ ...deps, store, fetcher, apt });

  const detect = createDetector({
    dpkg,
    apt,
    applications: deps.applications,
    runningAgent: deps.running.sha256,
    now,
  });
  const planning = { store, fetcher, apt, dpkg, placed, neighbour: neighbours.first, now };
  const stage = createStager({ ...planning, root: stageRoot, note: installers.note });
  const applier = createApplier({
    root: stageRoot,
    applications: deps.applications,
    dpkg,
    apt,
    placed,
    installers,
    beginTrial: trials.begin,
  });

  const refuses: Driver['refuses'] = ({ recipes: { linux } }) => {
    if (linux === undefined || driverOf(linux) === null || linux.detect.kind === 'registry')
      return 'NOT_APPLICABLE';
    const reviewed = factsOf(linux)?.reviewed(linux) ?? null;
    return reviewed === null ||
      isSignedByController(identity.controllerKey, scriptReviewText(reviewed), reviewed.signature)
      ? null
      : 'SCRIPT_REFUSED';
  };
  const foresee = createForeseer({ ...planning, root: join(deps.stateFolder, 'asked'), refuses });

  let applying = 0;
  const apply: typeof applier = async (key, applications, options) => {
    applying += 1;
    spareAgent();
    try {
      return await applier(key, applications, {
        ...options,
        timeoutMs: Math.min(options.timeoutMs, deps.installSeconds * 1000),
      });
    } finally {
      applying -= 1;
    }
  };
  let lastInventory: Pick<Inventory, 'packages' | 'chosen'> | null = null;

  return {
    refuses,
    foresee,
    unreadSources: apt.unread,
    detect: (application) => {
      neighbours.remember(filesOf({ recipes: application.recipes, want: 'present' }));
      return detect(application);
    },
    stage: (key, applications, options) => {
      neighbours.remember(applications.flatMap(filesOf));
      return stage(key, applications, options);
    },
    apply,
    installerOf: (key) => installers.resume(key) ?? trials.under(key),
    logOf: installers.logOf,
    discard: (key) => remove(stagedUnder(stageRoot, safeKey(key)).folder),
    setNeighbours: neighbours.set,
    inventory: async () => {
      spareAgent();
      // During an installation the answer changes many times a second, and computing it would slow
      // the installer.
      if (applying === 0 || lastInventory === null)
        lastInventory = { packages: (await dpkg.packages()).size, chosen: await dpkg.chosen() };
      return { ...lastInventory, cache: await neighbours.serving() };
    },
    stop: async () => {
      await neighbours.stop();
      if (names(installerRuns).length === 0) remove(installerRuns);
    },
  };
}
