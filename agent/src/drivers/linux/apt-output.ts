/** Parses what apt and dpkg print. Pure. */
import { AppError, type ErrorCode } from '@preau/contract/errors.ts';

export interface AptFile {
  uri: string;
  /** File name that apt expects in its archives folder. */
  name: string;
  size: number;
  sha256: string;
}

/** Parses `--print-uris`: `'uri' name size hash`. A line without SHA-256 is skipped: the file could
 * not be checked. */
export function parseUris(text: string): AptFile[] {
  return [...text.matchAll(/^'([^']+)' (\S+) (\d+) (\S*)$/gm)].flatMap(
    ([, uri = '', name = '', size = '', hash = '']) => {
      if (uri.startsWith('file:')) return [];
      const sha256 = /^SHA256:([0-9a-f]{64})$/.exec(hash)?.[1];
      if (sha256 === undefined)
        throw new AppError('HASH_MISMATCH', { why: `the source announces no SHA-256 for ${name}` });
      return [{ uri, name, size: Number(size), sha256 }];
    },
  );
}

/** Packages that apt does not know, or not in this version. */
export const parseUnknown = (text: string): string[] => [
  ...[...text.matchAll(/^E: Unable to locate package (\S+)/gm)].map(([, name = '']) => name),
  ...[...text.matchAll(/^E: Version '([^']+)' for '([^']+)' was not found/gm)].map(
    ([, version = '', name = '']) => `${name}=${version}`,
  ),
  ...[...text.matchAll(/^E: Package '([^']+)' has no installation candidate/gm)].map(
    ([, name = '']) => name,
  ),
];

/** Pending updates from `apt-get -s dist-upgrade`: `Inst name [old] (new Origin:version/suite, …
 * [arch])`. */
export const parsePending = (
  text: string,
): { name: string; version: string; security: boolean }[] =>
  [...text.matchAll(/^Inst (\S+) \[[^\]]+\] \((\S+) ([^)]*)\)/gm)].map(
    ([, name = '', version = '', origins = '']) => ({
      name: name.split(':')[0] ?? name,
      version,
      security: /security/i.test(origins),
    }),
  );

/** Why a run of apt-get failed, from what it wrote. Pure. */
export function codeOf(
  { tail, timedOut }: { tail: string; timedOut: boolean },
  otherwise: ErrorCode = 'INSTALL_FAILED',
): ErrorCode {
  if (timedOut) return 'INSTALL_TIMED_OUT';
  if (/No space left on device|have enough free space/i.test(tail)) return 'DISK_FULL';
  if (parseUnknown(tail).length > 0) return 'PACKAGE_NOT_FOUND';
  if (/Hash Sum mismatch/i.test(tail)) return 'HASH_MISMATCH';
  return /Unable to fetch some archives|Failed to fetch/i.test(tail)
    ? 'DOWNLOAD_FAILED'
    : otherwise;
}

/** The end of the output, without warnings, for a person to read. */
export const lastWords = ({ tail }: { tail: string }): string =>
  tail
    .replace(/^W: .*\n?/gm, '')
    .trim()
    .slice(-1200);

/** Packages that dpkg itself says failed. Pure. */
export const parseFailing = (tail: string): string[] =>
  [
    ...[...tail.matchAll(/^dpkg: error processing (?:package|archive) (\S+)/gm)].map(
      ([, name = '']) => name,
    ),
    ...[...tail.matchAll(/^Errors were encountered while processing:\n((?: \S+\n?)+)/gm)].flatMap(
      ([, list = '']) => list.trim().split(/\s+/),
    ),
  ].map((name) => (name.split('/').at(-1) ?? name).replace(/_.*$/, '').replace(/:[a-z0-9]+$/, ''));
