/** Fetches missing files into the store: from the site's first server when it has or can get them,
 * otherwise from their source. Callers that want the same file share one download, and one source
 * download runs at a time, so that the bandwidth cap holds for all of them together. */
import { AppError } from '@preau/contract/errors.ts';
import { remove, sizeOf, writeFrom } from '#src/files.ts';
import { type Limits, throttled, watchDownload, watchTogether } from './download.ts';
import type { Neighbour } from './peers.ts';
import type { Store } from './store.ts';
import type { FileToFetch } from './wanted.ts';

export interface Sources {
  /** Downloads an address in the driver's own way. Resolves with null when done, or with why it
   * failed. */
  download: (
    uri: string,
    path: string,
    options: { kibibytesPerSecond: number | null; sha256: string; signal: AbortSignal },
  ) => Promise<string | null>;
  /** Downloads several files, best effort: the caller then fetches missing or wrong ones one by
   * one. */
  downloadTogether: (
    files: readonly { uri: string; path: string; sha256: string }[],
    options: { kibibytesPerSecond: number | null; signal: AbortSignal },
  ) => Promise<void>;
  /** A file that was uploaded to the city, from byte `from` on. */
  readPackage: (
    sha256: string,
    from: number,
    signal: AbortSignal,
  ) => Promise<AsyncIterable<Buffer>>;
}

interface FetchOptions {
  kibibytesPerSecond: number | null;
  /** `onBytes`: bytes since the last call, from any source. `onWan`: those that came over the
   * school's line for this server. */
  onBytes: (bytes: number) => void;
  onWan: (bytes: number) => void;
  signal: AbortSignal;
}

export interface Fetcher {
  /** Fetches all files, through the neighbour when there is one. Throws AppError. */
  fetchAll: (
    files: readonly FileToFetch[],
    neighbour: Neighbour | null,
    options: {
      kibibytesPerSecond: number | null;
      progress: (done: number, total: number, wan: number) => void;
      signal: AbortSignal;
    },
  ) => Promise<void>;
  fetchOne: (
    file: FileToFetch,
    neighbour: Neighbour | null,
    options: FetchOptions,
  ) => Promise<void>;
  /** Bytes that came over the line since the start: shows progress to a waiting neighbour. */
  moved: () => number;
}

export function createFetcher(deps: { store: Store; sources: Sources; limits: Limits }): Fetcher {
  const { store, sources } = deps;
  const flights = new Map<string, Promise<void>>();
  let line: Promise<unknown> = Promise.resolve();
  let moved = 0;

  /** Runs tasks one after the other. A waiting task checks its abort signal when its turn comes. */
  const onTheLine = <T>(task: () => Promise<T>): Promise<T> => {
    const turn = line.then(task, task);
    line = turn.catch(() => undefined);
    return turn;
  };

  const limitsUnder = (kibibytesPerSecond: number | null): Limits => ({
    ...deps.limits,
    slowestBytesPerSecond: Math.min(
      deps.limits.slowestBytesPerSecond,
      kibibytesPerSecond === null ? Number.POSITIVE_INFINITY : kibibytesPerSecond * 256,
    ),
  });

  const fill = async (file: FileToFetch, options: FetchOptions) => {
    const download = async (path: string, signal: AbortSignal): Promise<string | null> => {
      if (file.uri !== null)
        return sources.download(file.uri, path, {
          kibibytesPerSecond: options.kibibytesPerSecond,
          sha256: file.sha256,
          signal,
        });
      const from = sizeOf(path);
      try {
        await writeFrom(
          path,
          from,
          throttled(
            await sources.readPackage(file.sha256, from, signal),
            options.kibibytesPerSecond,
            signal,
          ),
          signal,
        );
        return null;
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    };
    await watchDownload(
      { path: store.partOf(file.sha256), name: file.name, size: file.size },
      download,
      {
        limits: limitsUnder(options.kibibytesPerSecond),
        signal: options.signal,
        onBytes: (bytes) => {
          moved += bytes;
          options.onBytes(bytes);
          options.onWan(bytes);
        },
      },
    );
    await store.adopt([file]);
  };

  const fromSource = (file: FileToFetch, options: FetchOptions): Promise<void> =>
    onTheLine(async () => {
      options.signal.throwIfAborted();
      // The partial file of an earlier attempt may belong to content that has changed since: start
      // over once.
      const resumed = sizeOf(store.partOf(file.sha256)) > 0;
      await fill(file, options).catch(async (error: unknown) => {
        if (!resumed || !(error instanceof AppError) || error.code !== 'HASH_MISMATCH') throw error;
        remove(store.partOf(file.sha256));
        await fill(file, options);
      });
    });

  /** False when the neighbour cannot help. */
  const fromNeighbour = async (
    file: FileToFetch,
    neighbour: Neighbour,
    options: FetchOptions,
  ): Promise<boolean> => {
    const download = async (path: string, signal: AbortSignal): Promise<string | null> => {
      const from = sizeOf(path);
      const answer = await neighbour.read(file.sha256, from, signal);
      if (answer === null) throw new AppError('NOT_FOUND');
      await writeFrom(path, from, answer.stream, signal);
      // The neighbour fetched these bytes over the line for this server, so they count here, once.
      options.onWan(answer.fetchedForUs);
      return null;
    };
    try {
      await watchDownload(
        { path: store.partOf(file.sha256), name: file.name, size: file.size },
        download,
        { limits: deps.limits, signal: options.signal, onBytes: options.onBytes },
      );
      await store.adopt([file]);
      return true;
    } catch (error) {
      options.signal.throwIfAborted();
      if (error instanceof AppError && error.code === 'DISK_FULL') throw error;
      return false;
    }
  };

  /** A second caller for the same file waits for the first, and fetches it only if that failed. */
  const fetchOne = async (
    file: FileToFetch,
    neighbour: Neighbour | null,
    options: FetchOptions,
  ): Promise<void> => {
    for (
      let running = flights.get(file.sha256);
      running !== undefined;
      running = flights.get(file.sha256)
    )
      await Promise.race([running.catch(() => undefined), aborted(options.signal)]);
    options.signal.throwIfAborted();
    if (store.has(file.sha256)) return;
    const flight = (async () => {
      if (neighbour === null || !(await fromNeighbour(file, neighbour, options)))
        await fromSource(file, options);
    })().finally(() => flights.delete(file.sha256));
    flights.set(file.sha256, flight);
    await flight;
  };

  /** Fetches a batch of small files from their source. Other callers for one of them wait for the
   * batch. */
  const bringTogether = async (
    batch: readonly FileToFetch[],
    options: FetchOptions,
  ): Promise<void> => {
    const parts = batch.flatMap(({ uri, sha256, size }) =>
      uri === null ? [] : [{ uri, sha256, size, path: store.partOf(sha256) }],
    );
    const flight = onTheLine(async () => {
      options.signal.throwIfAborted();
      await watchTogether(
        parts,
        (signal) =>
          sources.downloadTogether(parts, {
            kibibytesPerSecond: options.kibibytesPerSecond,
            signal,
          }),
        {
          limits: limitsUnder(options.kibibytesPerSecond),
          signal: options.signal,
          onBytes: (bytes) => {
            moved += bytes;
            options.onBytes(bytes);
            options.onWan(bytes);
          },
        },
      );
      await store
        .adopt(parts.filter(({ path, size }) => sizeOf(path) === size))
        .catch(() => undefined);
    });
    for (const { sha256 } of parts) flights.set(sha256, flight);
    await flight.finally(() => {
      for (const { sha256 } of parts) flights.delete(sha256);
    });
  };

  return {
    moved: () => moved,
    fetchOne,
    fetchAll: async (files, neighbour, { kibibytesPerSecond, progress, signal }) => {
      const wanted = [...new Map(files.map((file) => [file.sha256, file])).values()];
      const total = wanted.reduce((sum, { size }) => sum + size, 0);
      const missing = wanted.filter(({ sha256 }) => !store.has(sha256));
      const helper =
        missing.length > 0 &&
        neighbour !== null &&
        (await neighbour.ask(missing, kibibytesPerSecond, signal))
          ? neighbour
          : null;
      let finished = total - missing.reduce((sum, { size }) => sum + size, 0);
      let wan = 0;
      progress(finished, total, wan);
      if (helper === null) {
        for (const batch of batchesOf(
          missing.filter(
            ({ sha256 }) => !flights.has(sha256) && sizeOf(store.partOf(sha256)) === 0,
          ),
        )) {
          let bytes = 0;
          await bringTogether(batch, {
            kibibytesPerSecond,
            signal,
            onWan: (more) => {
              wan += more;
            },
            onBytes: (more) => {
              bytes += more;
              progress(Math.min(finished + bytes, total), total, wan);
            },
          });
          finished += batch
            .filter(({ sha256 }) => store.has(sha256))
            .reduce((sum, { size }) => sum + size, 0);
        }
      }
      for (const file of missing) {
        if (store.has(file.sha256)) continue;
        // Bytes of an earlier attempt count as done.
        let current = Math.min(sizeOf(store.partOf(file.sha256)), file.size);
        const tell = () => progress(finished + Math.min(current, file.size), total, wan);
        await fetchOne(file, helper, {
          kibibytesPerSecond,
          signal,
          onBytes: (bytes) => {
            current += bytes;
            tell();
          },
          onWan: (bytes) => {
            wan += bytes;
            tell();
          },
        });
        finished += file.size;
        progress(finished, total, wan);
      }
    },
  };
}

const smallBytes = 8_000_000;
const batchBytes = 24_000_000;
const batchFiles = 40;

/** Groups small files that have an address into batches of some seconds each, so that a neighbour
 * that waits for one does not wait long. Pure. */
export function batchesOf(files: readonly FileToFetch[]): FileToFetch[][] {
  const batches: FileToFetch[][] = [];
  let bytes = 0;
  for (const file of files) {
    if (file.uri === null || file.size > smallBytes) continue;
    const last = batches.at(-1);
    if (last === undefined || last.length >= batchFiles || bytes + file.size > batchBytes) {
      batches.push([file]);
      bytes = file.size;
    } else {
      last.push(file);
      bytes += file.size;
    }
  }
  // A single file needs no batch.
  return batches.filter((batch) => batch.length > 1);
}

/** Never resolves; rejects on abort, for use in a race. */
const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
