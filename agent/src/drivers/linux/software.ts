/** The half of the Linux driver that knows software: what is there, what is fetched from where,
 * what is brought and taken away. */
import { join } from 'node:path';
import type { PackageFile } from '@preau/contract/application.ts';
import { scriptReviewText } from '@preau/contract/application.ts';
import type { DesiredState } from '@preau/contract/desired-state.ts';
import { AppError } from '@preau/contract/errors.ts';
import { factsOf } from '@preau/contract/recipe-kinds.ts';
import type { Inventory } from '@preau/contract/report.ts';
import type { Bundles } from '#src/bundles.ts';
import { runUntil } from '#src/command.ts';
import type { Driver } from '#src/drivers/driver.ts';
import { makeFolder, readText, remove, write } from '#src/files.ts';
import { type Identity, isSignedByController } from '#src/identity.ts';
import { type Limits, usualLimits } from '#src/packages/download.ts';
import { createFetcher, type Sources } from '#src/packages/fetch.ts';
import { type Neighbour, neighbourAt, type PeerServer, servePeers } from '#src/packages/peers.ts';
import { openStore } from '#src/packages/store.ts';
import {
  type FileToFetch,
  type NeighbourRequest,
  ofPackageFile,
  packageOf,
} from '#src/packages/wanted.ts';
import { createApplier } from './apply.ts';
import { createApt, unattended } from './apt.ts';
import { createDetector } from './detect.ts';
import { readDpkg } from './dpkg.ts';
import { createInstallers, safeKey } from './installer.ts';
import { driverOf } from './recipes/table.ts';
import { createStager } from './stage.ts';
import { filesOf, stagedUnder } from './staged.ts';

export interface SoftwareDeps {
  stateFolder: string;
  runFolder: string;
  /** Archives are unpacked below. */
  applications: string;
  cache: { host: string; port: number; maxBytes: number; slowestBytesPerSecond: number };
  identity: Identity;
  readPackage: Sources['readPackage'];
  bundles: Bundles;
  /** SHA-256 of the bundle that runs, and whether a launcher watches over it. */
  running: { sha256: string | null; launched: boolean };
  /** Ends this agent so that the launcher starts the next one. */
  restart: () => void;
  now: () => number;
  /** For tests: apt narrowed to sources of their own; less patience. */
  aptOptions?: readonly string[];
  sourcesFolder?: string;
  limits?: Partial<Limits>;
}

export interface Software
  extends Pick<
    Driver,
    'refuses' | 'detect' | 'stage' | 'apply' | 'installerOf' | 'logOf' | 'discard' | 'setNeighbours'
  > {
  /** What it adds to the inventory. */
  inventory: () => Promise<Pick<Inventory, 'packages' | 'chosen' | 'cache'>>;
  stop: () => Promise<void>;
}

/** A neighbour may make us read our lists anew this often, and no more. */
const updateForNeighboursEveryMs = 600_000;
const rememberedFiles = 5000;
/** What was fetched for somebody who never came for it is forgotten. */
const rememberedWishes = 10_000;

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
  const installers = createInstallers({
    run: join(deps.runFolder, 'installers'),
    logs: join(deps.stateFolder, 'logs'),
  });
  const dpkg = readDpkg();
  const apt = createApt({
    stampFile: join(deps.stateFolder, 'lists-read'),
    now,
    ...(deps.aptOptions === undefined ? {} : { options: deps.aptOptions }),
    ...(deps.sourcesFolder === undefined ? {} : { sourcesFolder: deps.sourcesFolder }),
  });
  const limits: Limits = {
    ...usualLimits,
    slowestBytesPerSecond: deps.cache.slowestBytesPerSecond,
    ...deps.limits,
  };

  /** apt's own downloader: also for addresses of recipes, so that the school's proxy holds for them
   * too. Stopped gently: it leaves what it has, with the source's date, and goes on from there next
   * time. */
  const helper = (
    files: readonly { uri: string; path: string; sha256: string }[],
    kibibytesPerSecond: number | null,
    signal: AbortSignal,
  ) => {
    const cap =
      kibibytesPerSecond === null
        ? []
        : ['http', 'https', 'ftp'].flatMap((way) => [
            '-o',
            `Acquire::${way}::Dl-Limit=${kibibytesPerSecond}`,
          ]);
    const patience = [
      '-o',
      'APT::Sandbox::User=root',
      '-o',
      'Acquire::Retries=0',
      '-o',
      'Acquire::http::Timeout=30',
      '-o',
      'Acquire::https::Timeout=30',
    ];
    return runUntil(
      '/usr/lib/apt/apt-helper',
      [
        ...apt.options,
        ...patience,
        ...cap,
        'download-file',
        ...files.flatMap(({ uri, path, sha256 }) => [uri, path, `SHA256:${sha256}`]),
      ],
      { env: unattended, signal },
    );
  };
  const downloadTogether: Sources['downloadTogether'] = async (
    files,
    { kibibytesPerSecond, signal },
  ) => {
    await helper(files, kibibytesPerSecond, signal);
    for (const { path } of files) remove(`${path}.FAILED`);
  };
  const download: Sources['download'] = async (
    uri,
    path,
    { kibibytesPerSecond, sha256, signal },
  ) => {
    const done = await helper([{ uri, path, sha256 }], kibibytesPerSecond, signal);
    // What it found wrong it keeps under another name.
    remove(`${path}.FAILED`);
    // It looks at the hash itself, and keeps nothing of what is wrong: asking again would bring the
    // same.
    if (/Hash Sum mismatch/i.test(done.output))
      throw new AppError('HASH_MISMATCH', { why: `${uri} is not what was announced` });
    return done.code === 0
      ? null
      : done.output.trim().slice(-800) || `apt-helper ended with ${done.code}`;
  };
  const fetcher = createFetcher({
    store,
    limits,
    sources: { download, downloadTogether, readPackage: deps.readPackage },
  });

  // ---- neighbours ------------------------------------------------------------------------------------------------------

  let neighbour: Neighbour | null = null;
  let neighbourKey = '';
  let peers: DesiredState['peers'] = [];
  let server: PeerServer | null = null;
  let changing: Promise<void> = Promise.resolve();
  const portFile = join(deps.stateFolder, 'cache-port');
  /** Files of this server's own recipes: the only addresses a neighbour can make it fetch. */
  const known = new Map<string, PackageFile>();
  const coming = new Set<string>();
  const charges = new Map<string, { serverId: string; bytes: number }>();
  let updatedForNeighboursAt = 0;

  /** Addresses for what a neighbour wants: from our own apt, our own recipes, or the city. */
  const resolve = async (files: NeighbourRequest['files']): Promise<FileToFetch[]> => {
    const found = files.flatMap((file): FileToFetch[] => {
      const own = known.get(file.sha256);
      if (own !== undefined) return [ofPackageFile(own)];
      return file.origin === 'controller' ? [{ ...file, uri: null }] : [];
    });
    const packages = files
      .filter(({ origin }) => origin === 'apt')
      .map(({ name }) => packageOf(name))
      .filter((name) => name !== null);
    if (packages.length === 0) return found;
    const wanted = new Set(
      files.filter(({ origin }) => origin === 'apt').map(({ sha256 }) => sha256),
    );
    let offered = (await apt.filesOf(packages)).filter(({ sha256 }) => wanted.has(sha256));
    if (
      offered.length < wanted.size &&
      now() - Math.max(updatedForNeighboursAt, apt.updatedAt()) > updateForNeighboursEveryMs
    ) {
      updatedForNeighboursAt = now();
      await apt.update().catch(() => undefined);
      offered = (await apt.filesOf(packages)).filter(({ sha256 }) => wanted.has(sha256));
    }
    return [...found, ...offered.map((file) => ({ ...file, origin: 'apt' as const }))];
  };

  const fetchFor = async (serverId: string, { files, kibibytesPerSecond }: NeighbourRequest) => {
    const missing = files.filter(({ sha256 }) => !store.has(sha256) && !coming.has(sha256));
    for (const { sha256 } of missing) coming.add(sha256);
    try {
      const toFetch = missing.length === 0 ? [] : await resolve(missing);
      const resolved = new Set(toFetch.map(({ sha256 }) => sha256));
      for (const { sha256 } of missing) if (!resolved.has(sha256)) coming.delete(sha256);
      for (const file of toFetch) {
        let bytes = 0;
        await fetcher
          .fetchOne(file, null, {
            kibibytesPerSecond,
            onBytes: () => undefined,
            onWan: (more) => {
              bytes += more;
            },
            signal: AbortSignal.timeout(86_400_000),
          })
          .catch(() => undefined);
        if (bytes > 0) charges.set(file.sha256, { serverId, bytes });
        coming.delete(file.sha256);
      }
    } finally {
      for (const { sha256 } of missing) coming.delete(sha256);
      if (charges.size > rememberedWishes) charges.clear();
    }
  };

  const serve = async () => {
    const wish = deps.cache.port !== 0 ? deps.cache.port : Number(readText(portFile) ?? 0);
    const serving = {
      store,
      peers: () => peers,
      moved: fetcher.moved,
      now,
      coming: (sha256: string) => coming.has(sha256),
      want: (serverId: string, request: NeighbourRequest) => {
        fetchFor(serverId, request).catch(() => undefined);
      },
      charge: (serverId: string, sha256: string) => {
        const charge = charges.get(sha256);
        if (charge?.serverId !== serverId) return 0;
        charges.delete(sha256);
        return charge.bytes;
      },
    };
    // The port of last time may be somebody else's now; a port that was asked for is not exchanged.
    server = await servePeers({ host: deps.cache.host, port: wish }, serving).catch(
      (error: unknown) => {
        if (deps.cache.port !== 0) throw error;
        return servePeers({ host: deps.cache.host, port: 0 }, serving);
      },
    );
    write(portFile, String(server.port), 0o600);
  };

  const remember = (files: readonly PackageFile[]) => {
    for (const file of files) {
      known.delete(file.sha256);
      known.set(file.sha256, file);
      if (known.size > rememberedFiles) known.delete(known.keys().next().value ?? '');
    }
  };

  // ---- the port --------------------------------------------------------------------------------------------------------

  const trialOf = (key: string) => join(stagedUnder(stageRoot, key).folder, 'trial');
  /** Begun under `key` by the agent before this one: this one is it, and has ended its trial once
   * the city has heard it. */
  const trialUnder = (key: string): Promise<void> | null => {
    const sha256 = readText(trialOf(key));
    const over = () =>
      sha256 === undefined ||
      sha256 !== deps.running.sha256 ||
      deps.bundles.trial() !== sha256 ||
      deps.bundles.isConfirmed(sha256);
    if (over()) return null;
    return new Promise((resolve) => {
      const timer = setInterval(() => {
        if (!over()) return;
        clearInterval(timer);
        resolve();
      }, 200);
      timer.unref();
    });
  };

  const detect = createDetector({
    dpkg,
    apt,
    applications: deps.applications,
    runningAgent: deps.running.sha256,
    now,
  });
  const stage = createStager({
    root: stageRoot,
    store,
    fetcher,
    apt,
    neighbour: () => neighbour,
    now,
  });
  const applier = createApplier({
    root: stageRoot,
    applications: deps.applications,
    dpkg,
    apt,
    installers,
    beginTrial: (key, sha256, path) => {
      if (!deps.running.launched)
        throw new AppError('INSTALL_FAILED', {
          why: 'this agent was not started by its launcher: it cannot be replaced',
        });
      if (deps.bundles.isBad(sha256))
        throw new AppError('INSTALL_FAILED', {
          why: 'this agent was tried here and did not report to the city',
        });
      write(trialOf(key), sha256, 0o600);
      deps.bundles.begin(sha256, path);
      deps.restart();
      return new Promise<never>(() => undefined);
    },
  });

  let applying = 0;
  const apply: typeof applier = async (key, applications, options) => {
    applying += 1;
    try {
      return await applier(key, applications, options);
    } finally {
      applying -= 1;
    }
  };
  let lastInventory: Pick<Inventory, 'packages' | 'chosen'> | null = null;

  return {
    refuses: ({ recipes: { linux } }) => {
      if (linux === undefined || driverOf(linux) === null || linux.detect.kind === 'registry')
        return 'NOT_APPLICABLE';
      const reviewed = factsOf(linux)?.reviewed(linux) ?? null;
      return reviewed === null ||
        isSignedByController(identity.controllerKey, scriptReviewText(reviewed), reviewed.signature)
        ? null
        : 'SCRIPT_REFUSED';
    },
    detect: (application) => {
      remember(filesOf({ recipes: application.recipes, want: 'present' }));
      return detect(application);
    },
    stage: (key, applications, options) => {
      remember(applications.flatMap(filesOf));
      return stage(key, applications, options);
    },
    apply,
    installerOf: (key) => installers.resume(key) ?? trialUnder(key),
    logOf: installers.logOf,
    discard: (key) => remove(stagedUnder(stageRoot, safeKey(key)).folder),
    setNeighbours: (neighbours) => {
      const { cache } = neighbours;
      peers = neighbours.peers;
      const key = cache === null ? '' : `${cache.host}:${cache.port}`;
      if (key !== neighbourKey) {
        neighbourKey = key;
        neighbour = cache === null ? null : neighbourAt(cache, identity, now);
      }
      const serves = cache === null && peers.length > 0;
      changing = changing
        .then(async () => {
          if (serves && server === null) await serve();
          else if (!serves && server !== null) {
            await server.close();
            server = null;
          }
        })
        .catch(() => undefined);
    },
    inventory: async () => {
      await changing;
      // In the midst of it the answer changes many times a second, and each costs what the
      // installer could use.
      if (applying === 0 || lastInventory === null)
        lastInventory = { packages: (await dpkg.packages()).size, chosen: await dpkg.chosen() };
      return {
        ...lastInventory,
        cache: server === null ? null : { host: deps.cache.host, port: server.port },
      };
    },
    stop: async () => {
      await changing;
      await server?.close();
      server = null;
    },
  };
}
