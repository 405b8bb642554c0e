/** One download, watched from outside: by the size of the file it fills. Bounds what a source can
 * do to this server: it can be slow, stop, lie or never end, and costs a minute, never the disk. */
import { AppError, errors } from '@preau/contract/errors.ts';
import { remove, sizeOf } from '#src/files.ts';

export interface Limits {
  /** Slower than this for `windowMs`: given up. */
  slowestBytesPerSecond: number;
  windowMs: number;
  /** How long a failed source is left alone; grows with each time that brought nothing. */
  pauseMs: number;
}
export const usualLimits = { windowMs: 60_000, pauseMs: 1000 };

/** Fills `path`, going on from what is there. Resolves with null when the source is done, or with
 * why it stopped. */
export type Download = (path: string, signal: AbortSignal) => Promise<string | null>;

const lookEveryMs = 200;
const triesWithoutProgress = 3;
/** A source that breaks off again and again is followed as long as each time brings this much. */
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

/** Until the file has its announced size. `onBytes` is given what came over the line since the last
 * time. Throws AppError DOWNLOAD_FAILED or HASH_MISMATCH (larger than announced; the part is
 * gone). */
export async function watchDownload(
  file: { path: string; name: string; size: number },
  download: Download,
  options: { limits: Limits; onBytes: (bytes: number) => void; signal: AbortSignal },
): Promise<void> {
  const { limits, signal } = options;
  let last = sizeOf(file.path);
  const look = (): number => {
    const size = sizeOf(file.path);
    // Smaller than before: the source began anew.
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

/** Several small files in one go of the downloader: starting it for each costs more than they do.
 * Watched as one: broken off when a file grows beyond what was announced, or when nothing comes any
 * more. What it did not bring is nobody's failure yet: it is then fetched alone. */
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

/** Lets at most so many bytes through per second. */
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
