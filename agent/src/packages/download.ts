/** Supervises a download by the size of the file it fills. A source that is slow, stalls, lies or
 * never ends costs a minute, never the disk. */
import { AppError, errors } from '@preau/contract/errors.ts';
import { remove, sizeOf } from '#src/files.ts';

export interface Limits {
  /** Slower than this for `windowMs`: the download fails. */
  slowestBytesPerSecond: number;
  windowMs: number;
  /** Pause after a failed attempt; doubles with each attempt without progress. */
  pauseMs: number;
}
export const usualLimits = { windowMs: 60_000, pauseMs: 1000 };

/** Fills `path`, resuming from what is there. Resolves with null when the source is done, or with
 * why it stopped. */
export type Download = (path: string, signal: AbortSignal) => Promise<string | null>;

const lookEveryMs = 200;
const triesWithoutProgress = 3;
/** An attempt that brings this much is progress; only attempts without progress are limited. */
const progressBytes = 65_536;

export const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });

/** Downloads until the file has its announced size. `onBytes` gets the bytes that came since its
 * last call. Throws AppError DOWNLOAD_FAILED, DISK_FULL or HASH_MISMATCH (not the announced size;
 * the partial file is deleted). */
export async function watchDownload(
  file: { path: string; name: string; size: number },
  download: Download,
  options: { limits: Limits; onBytes: (bytes: number) => void; signal: AbortSignal },
): Promise<void> {
  const { limits, signal } = options;
  let last = sizeOf(file.path);
  const look = (): number => {
    const size = sizeOf(file.path);
    // Smaller than before: the source started over.
    const grown = size >= last ? size - last : size;
    last = size;
    if (grown > 0) options.onBytes(grown);
    return grown;
  };
  for (let fruitless = 0; ; ) {
    if (sizeOf(file.path) === file.size) return;
    const stop = new AbortController();
    const history: number[] = [];
    let verdict: AppError | null = null;
    let came = 0;
    const timer = setInterval(() => {
      const grown = look();
      came += grown;
      history.push(grown);
      const window = Math.ceil(limits.windowMs / lookEveryMs);
      if (history.length > window) history.shift();
      if (last > file.size)
        verdict = new AppError('HASH_MISMATCH', {
          why: `${file.name} is larger than the ${file.size} bytes announced`,
        });
      else if (
        history.length === window &&
        history.reduce((sum, bytes) => sum + bytes, 0) <
          (limits.slowestBytesPerSecond * limits.windowMs) / 1000
      )
        verdict = new AppError('DOWNLOAD_FAILED', {
          why:
            `${file.name}: less than ${limits.slowestBytesPerSecond} bytes per second for ` +
            `${limits.windowMs / 1000} s`,
        });
      if (verdict !== null) stop.abort(verdict);
    }, lookEveryMs);
    let why: string | null;
    try {
      why = await download(file.path, AbortSignal.any([signal, stop.signal])).catch(
        (error: unknown) => {
          if (
            error instanceof AppError &&
            (error.code === 'HASH_MISMATCH' || !errors[error.code].retryable)
          )
            throw error;
          return error instanceof Error ? error.message : String(error);
        },
      );
    } finally {
      clearInterval(timer);
      came += look();
    }
    signal.throwIfAborted();
    const told = verdict as AppError | null;
    if (last > file.size) {
      remove(file.path);
      throw (
        told ??
        new AppError('HASH_MISMATCH', {
          why: `${file.name} has ${last} bytes instead of ${file.size}`,
        })
      );
    }
    if (told !== null) throw told;
    if (why === null) {
      if (last === file.size) return;
      remove(file.path);
      throw new AppError('HASH_MISMATCH', {
        why: `${file.name} has ${last} bytes instead of ${file.size}`,
      });
    }
    if (/No space left/i.test(why)) throw new AppError('DISK_FULL', { why });
    fruitless = came >= progressBytes ? 0 : fruitless + 1;
    if (fruitless >= triesWithoutProgress)
      throw new AppError('DOWNLOAD_FAILED', { why: `${file.name}: ${why.slice(-600)}` });
    await pause(limits.pauseMs * 2 ** fruitless, signal);
  }
}

/** Downloads several small files in one run of the downloader, whose start costs more than they do.
 * Stops it when a file grows beyond its announced size or nothing comes for `windowMs`. Missing
 * files are no failure yet: the caller fetches them one by one. */
export async function watchTogether(
  files: readonly { path: string; size: number }[],
  download: (signal: AbortSignal) => Promise<unknown>,
  options: { limits: Limits; onBytes: (bytes: number) => void; signal: AbortSignal },
): Promise<void> {
  const sum = () => files.reduce((bytes, { path }) => bytes + sizeOf(path), 0);
  const stop = new AbortController();
  let last = sum();
  let quietMs = 0;
  const look = () => {
    const now = sum();
    if (now > last) options.onBytes(now - last);
    quietMs = now > last ? 0 : quietMs + lookEveryMs;
    last = now;
    if (quietMs >= options.limits.windowMs || files.some(({ path, size }) => sizeOf(path) > size))
      stop.abort();
  };
  const timer = setInterval(look, lookEveryMs);
  try {
    await download(AbortSignal.any([options.signal, stop.signal])).catch(() => undefined);
  } finally {
    clearInterval(timer);
    look();
  }
  options.signal.throwIfAborted();
}

/** Limits a stream to `kibibytesPerSecond`; null: no limit. */
export async function* throttled(
  source: AsyncIterable<Buffer>,
  kibibytesPerSecond: number | null,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const started = performance.now();
  let bytes = 0;
  for await (const chunk of source) {
    yield chunk;
    bytes += chunk.length;
    if (kibibytesPerSecond === null) continue;
    const ahead = (bytes / (kibibytesPerSecond * 1024)) * 1000 - (performance.now() - started);
    if (ahead > 5) await pause(ahead, signal);
  }
}
