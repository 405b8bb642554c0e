/** apt's own downloader: also for addresses of recipes, so that the school's proxy holds for them
 * too. Stopped gently: it leaves what it has, with the source's date, and goes on from there next
 * time. */
import { AppError } from '@preau/contract/errors.ts';
import { runUntil } from '#src/command.ts';
import { remove } from '#src/files.ts';
import type { Sources } from '#src/packages/fetch.ts';
import { unattended } from './apt.ts';

export function createAptHelper(
  options: readonly string[],
): Pick<Sources, 'download' | 'downloadTogether'> {
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
        ...options,
        ...patience,
        ...cap,
        'download-file',
        ...files.flatMap(({ uri, path, sha256 }) => [uri, path, `SHA256:${sha256}`]),
      ],
      { env: unattended, signal },
    );
  };

  return {
    downloadTogether: async (files, { kibibytesPerSecond, signal }) => {
      await helper(files, kibibytesPerSecond, signal);
      for (const { path } of files) remove(`${path}.FAILED`);
    },
    download: async (uri, path, { kibibytesPerSecond, sha256, signal }) => {
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
    },
  };
}
