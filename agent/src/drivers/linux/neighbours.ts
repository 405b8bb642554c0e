/** Package sharing between the servers of one school: which server this one asks, and which it
 * answers. For a neighbour, this server fetches only what this server's own apt or recipes name, or
 * what the controller keeps. */
import { join } from 'node:path';
import type { PackageFile } from '@preau/contract/application.ts';
import type { DesiredState } from '@preau/contract/desired-state.ts';
import type { Inventory } from '@preau/contract/report.ts';
import { readText, write } from '#src/files.ts';
import type { Identity } from '#src/identity.ts';
import type { Fetcher } from '#src/packages/fetch.ts';
import { type Neighbour, neighbourAt, type PeerServer, servePeers } from '#src/packages/peers.ts';
import type { Store } from '#src/packages/store.ts';
import {
  type FileToFetch,
  type NeighbourRequest,
  ofPackageFile,
  packageOf,
} from '#src/packages/wanted.ts';
import type { Apt } from './apt.ts';

export interface Neighbours {
  /** Sets from which server packages are fetched, and whose requests are answered. */
  set: (neighbours: Pick<DesiredState, 'cache' | 'peers'>) => void;
  /** The server to ask first; null: none. */
  first: () => Neighbour | null;
  /** Files that neighbours may ask for. */
  remember: (files: readonly PackageFile[]) => void;
  /** Where this server answers neighbours, after the last change has taken effect. */
  serving: () => Promise<Inventory['cache']>;
  stop: () => Promise<void>;
}

/** Shortest time between two updates of the package lists on a neighbour's behalf. */
const updateForNeighboursEveryMs = 600_000;
const rememberedFiles = 5000;
/** Beyond this number, the records of bytes fetched for neighbours are cleared, because some
 * neighbours never fetch their files. */
const rememberedWishes = 10_000;

export function createNeighbours(deps: {
  stateFolder: string;
  cache: { host: string; port: number };
  identity: Identity;
  store: Store;
  fetcher: Fetcher;
  apt: Apt;
  now: () => number;
}): Neighbours {
  const { store, fetcher, apt, now } = deps;
  let neighbour: Neighbour | null = null;
  let neighbourKey = '';
  let peers: DesiredState['peers'] = [];
  let server: PeerServer | null = null;
  let changing: Promise<void> = Promise.resolve();
  const portFile = join(deps.stateFolder, 'cache-port');
  /** Files of this server's own recipes: no other address can be fetched for a neighbour. */
  const known = new Map<string, PackageFile>();
  const coming = new Set<string>();
  const charges = new Map<string, { serverId: string; bytes: number }>();
  let updatedForNeighboursAt = 0;

  /** Finds addresses for what a neighbour wants: from this server's apt or recipes, or from the
   * controller. */
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
    // Another program may use last time's port by now, so take a free one; a configured port is
    // never replaced.
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

  return {
    set: (neighbours) => {
      const { cache } = neighbours;
      peers = neighbours.peers;
      const key = cache === null ? '' : `${cache.host}:${cache.port}`;
      if (key !== neighbourKey) {
        neighbourKey = key;
        neighbour = cache === null ? null : neighbourAt(cache, deps.identity, now);
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
    first: () => neighbour,
    remember,
    serving: async () => {
      await changing;
      return server === null ? null : { host: deps.cache.host, port: server.port };
    },
    stop: async () => {
      await changing;
      await server?.close();
      server = null;
    },
  };
}
