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

/** Pending updates from `apt-get -s upgrade`: `Inst name [old] (new Origin:version/suite, …
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

export interface NamedVersion {
  name: string;
  version: string;
}

/** What a run of apt-get would change. Downgrades count as upgrades. */
export interface Changes {
  installs: NamedVersion[];
  upgrades: NamedVersion[];
  removes: NamedVersion[];
}

/** What `apt-get -s` answered. */
export interface Simulated extends Changes {
  code: number | null;
  text: string;
}

const bare = (name: string) => name.split(':')[0] ?? name;

/** Parses `apt-get -s`: `Inst name [old] (new …)`, `Remv name [version]`, `Purg name [version]`. */
export function parseChanges(text: string): Changes {
  const changes: Changes = { installs: [], upgrades: [], removes: [] };
  for (const [, name = '', old, version = ''] of text.matchAll(
    /^Inst (\S+) (?:\[([^\]]+)\] )?\((\S+)/gm,
  ))
    changes[old === undefined ? 'installs' : 'upgrades'].push({ name: bare(name), version });
  for (const [, name = '', version = ''] of text.matchAll(/^(?:Remv|Purg) (\S+) \[([^\]]*)\]/gm))
    changes.removes.push({ name: bare(name), version });
  return changes;
}

/** Virtual packages that apt refuses to choose for, each with the packages that provide it. */
export const parseVirtual = (text: string): { name: string; providers: string[] }[] =>
  [...text.matchAll(/^Package (\S+) is a virtual package provided by:\n((?: {2}\S.*\n)+)/gm)].map(
    ([, name = '', list = '']) => ({
      name,
      providers: list
        .trim()
        .split('\n')
        .map((line) => line.trim().split(' ')[0] ?? ''),
    }),
  );

/** Held packages that a run would have to change. */
export const parseHeld = (text: string): string[] =>
  [...text.matchAll(/^The following held packages will be changed:\n((?: +\S.*\n)+)/gm)].flatMap(
    ([, list = '']) => list.trim().split(/\s+/),
  );

export interface Unmet {
  name: string;
  relation: string;
  other: string;
}

/** What apt says of packages that cannot be installed together: ` a : Conflicts: b but 1 is to be
 * installed`; a second reason for the same package has no name of its own. */
export function parseUnmet(text: string): Unmet[] {
  const [, list = ''] =
    /^The following packages have unmet dependencies:\n((?: .*\n)+)/m.exec(`${text}\n`) ?? [];
  const unmet: Unmet[] = [];
  for (const line of list.split('\n')) {
    const [, name, relation = '', other = ''] = /^ (?:(\S+) : | +)(\w+): (\S+)/.exec(line) ?? [];
    const subject = name ?? unmet.at(-1)?.name;
    if (subject !== undefined && relation !== '')
      unmet.push({ name: bare(subject), relation, other: bare(other) });
  }
  return unmet;
}

const isLocked = new RegExp(
  'Could not get lock|Unable to lock directory|' +
    'Unable to acquire the dpkg (frontend )?lock|dpkg frontend lock was locked',
  'i',
);

/** Who holds the lock that apt could not get; null: no lock was missing. */
export function lockHolder(text: string): string | null {
  if (!isLocked.test(text)) return null;
  const [, pid, name] = /held by process (\d+)(?: \(([^)]+)\))?/.exec(text) ?? [];
  return pid === undefined ? 'another program' : `${name ?? 'another program'} (process ${pid})`;
}

/** What a program prints that waits for an answer. */
const asks =
  /\[[yoj]\/n\]|\((?:yes\/no|y\/n|o\/n)\)|\?\s*$|^dpkg-preconfigure.*terminal|not a terminal|end of file on stdin/im;

/** What apt says before it changes anything, and why. */
const refusals: readonly [RegExp, ErrorCode][] = [
  [
    /dpkg was interrupted|Try 'apt --fix-broken install'|needs to be reinstalled/i,
    'PACKAGES_BROKEN',
  ],
  [/is a virtual package provided by/i, 'PACKAGE_VIRTUAL'],
  [/Held packages were changed/i, 'PACKAGE_HELD'],
  [/Packages need to be removed but remove is disabled/i, 'PACKAGE_CONFLICT'],
];

/** Why a run of apt-get or of a script failed, from what it wrote. Pure. */
export function codeOf(
  { tail, timedOut }: { tail: string; timedOut: boolean },
  otherwise: ErrorCode = 'INSTALL_FAILED',
): ErrorCode {
  if (isLocked.test(tail.slice(-600))) return 'PACKAGES_LOCKED';
  if (timedOut) return 'INSTALL_TIMED_OUT';
  if (/No space left on device|have enough free space/i.test(tail)) return 'DISK_FULL';
  const refusal = refusals.find(([pattern]) => pattern.test(tail));
  if (refusal !== undefined) return refusal[1];
  if (parseUnmet(tail).some(({ relation }) => /Conflicts|Breaks/.test(relation)))
    return 'PACKAGE_CONFLICT';
  if (parseUnknown(tail).length > 0) return 'PACKAGE_NOT_FOUND';
  if (/Hash Sum mismatch/i.test(tail)) return 'HASH_MISMATCH';
  if (/Unable to fetch some archives|Failed to fetch/i.test(tail)) return 'DOWNLOAD_FAILED';
  // Only the last words before the failure, which follow a prompt on its own line: a question that
  // was answered does no harm.
  const last =
    tail
      .split(/dpkg: error processing/, 1)[0]
      ?.trimEnd()
      .split('\n')
      .slice(-2) ?? [];
  return asks.test(last.join('\n')) ? 'INSTALL_ASKS' : otherwise;
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

export interface Unread {
  /** Address and suite of the source. */
  source: string;
  why: string;
}

/** Sources that `apt-get update` could not read, and how many it could. A file that was read at a
 * later attempt counts as read. */
export function parseSources(text: string): { unread: Unread[]; read: number } {
  const failed = new Map<string, Unread>();
  const read = new Set<string>();
  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    const [, verb, uri, suite, file = ''] = /^(Hit|Get|Err):\d+ (\S+) (\S+) (\S+)/.exec(line) ?? [];
    if (verb === undefined) continue;
    const source = `${uri} ${suite}`;
    if (verb === 'Err')
      failed.set(`${source} ${file}`, { source, why: lines[index + 1]?.trim() ?? '' });
    else {
      failed.delete(`${source} ${file}`);
      read.add(source);
    }
  }
  const unread = [...new Map([...failed.values()].map((each) => [each.source, each])).values()];
  for (const { source } of unread) read.delete(source);
  return { unread, read: read.size };
}
