/** Downloads with apt's own downloader, even for addresses in recipes, so that the school's proxy
 * settings apply to them too. It is stopped gently: it then keeps the partial file with the
 * source's date, and resumes next time. */
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
      // apt-helper keeps a wrong file under this name.
      remove(`${path}.FAILED`);
      // apt-helper checks the hash itself and keeps no part of a wrong file: retrying would fetch
      // the same content.
      if (/Hash Sum mismatch/i.test(done.output))
        throw new AppError('HASH_MISMATCH', { why: `${uri} is not what was announced` });
      return done.code === 0
        ? null
        : done.output.trim().slice(-800) || `apt-helper ended with ${done.code}`;
    },
  };
}
