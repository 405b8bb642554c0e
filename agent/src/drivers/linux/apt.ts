/** Wrapper around apt. apt itself says which file belongs to which package, its address, size and
 * hash; its downloader fetches the files, so that the school's proxies, certificates and passwords
 * apply. apt must never ask a question: nobody is there to answer. */

import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { AptSource } from '@preau/contract/application.ts';
import { AppError } from '@preau/contract/errors.ts';
import { run } from '#src/command.ts';
import { proxyVariables } from '#src/config.ts';
import { exists, makeFolder, readText, remove, stamp, write } from '#src/files.ts';
import {
  type AptFile,
  lockHolder,
  parseChanges,
  parsePending,
  parseSources,
  parseUnknown,
  parseUris,
  type Simulated,
  type Unread,
} from './apt-output.ts';

/** What apt says of a source that is not signed, or by somebody else; apt 3 has words of its own. */
const badSignature = [
  /not signed|NO_PUBKEY|BADSIG|Clearsigned|is not (valid|signed)/i,
  /signatures? (couldn't|could not|were invalid|was invalid)/i,
  /OpenPGP signature verification failed/i,
];

/** Waits while another apt holds the lock. Keeps a configuration file that somebody has changed. */
export const quiet = [
  '-y',
  '-q',
  '-o',
  'DPkg::Lock::Timeout=600',
  '-o',
  'Dpkg::Options::=--force-confold',
  '-o',
  'Dpkg::Options::=--force-confdef',
  '-o',
  'Dpkg::Use-Pty=0',
  '--no-install-recommends',
  '--allow-downgrades',
];
/** Environment of installers: packages must not wait for an answer, whatever front end they
 * prefer. */
export const unattended: Record<string, string> = {
  // apt's own configuration, where it names a proxy, is preferred by apt.
  ...proxyVariables(),
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C.UTF-8',
  HOME: '/root',
  TERM: 'dumb',
  DEBIAN_FRONTEND: 'noninteractive',
  DEBIAN_PRIORITY: 'critical',
  DEBCONF_NONINTERACTIVE_SEEN: 'true',
  APT_LISTCHANGES_FRONTEND: 'none',
  // List only: restarting services after an installation would end the sessions of a school.
  NEEDRESTART_MODE: 'l',
  UCF_FORCE_CONFFOLD: '1',
};

const readOptions = ['Acquire::Retries=2', 'APT::Update::Error-Mode=any'].flatMap((option) => [
  '-o',
  option,
]);
const simulated = ['-s', '-o', 'APT::Get::Show-User-Simulation-Note=false'];
const complaints = (text: string): string =>
  (text.match(/^(E|W|Err): ?.*$/gm) ?? [text]).join('\n').slice(-1200);

/** A source in deb822 format with its key inside: only this key is trusted for this source, and
 * only for this source. */
export const sourceFile = (source: AptSource): string =>
  [
    'Types: deb',
    `URIs: ${source.uri}`,
    `Suites: ${source.suite}`,
    ...(source.components.length === 0 ? [] : [`Components: ${source.components.join(' ')}`]),
    'Signed-By:',
    ...source.key
      .trim()
      .split(/\r?\n/)
      .map((line) => (line.trim() === '' ? ' .' : ` ${line.trim()}`)),
    '',
  ].join('\n');

/** How to wait for a lock of somebody else. `waiting` is called at each attempt, with its holder. */
export interface Patience {
  signal?: AbortSignal;
  waiting?: (holder: string) => void;
}

export interface Apt {
  /** Files that installing these together would fetch. `unknown`: packages that apt does not know;
   * `refusal`: why apt cannot install them. */
  plan: (
    args: readonly string[],
  ) => Promise<{ files: AptFile[]; unknown: string[]; refusal: string | null }>;
  /** What this run would change; changes nothing, and needs no lock. */
  simulate: (args: readonly string[]) => Promise<Simulated>;
  /** Updates that can be installed without removing anything. */
  pending: (scope: 'security' | 'all') => Promise<{ name: string; version: string }[]>;
  /** Files of these packages (`name:arch=version`), from apt's own sources. */
  filesOf: (packages: readonly string[]) => Promise<AptFile[]>;
  /** Updates the package lists. A source that somebody else added and that is dead does not stop
   * it: `unread` names it. Throws AppError DOWNLOAD_FAILED, or PACKAGES_LOCKED after minutes in
   * which another program held the lists. */
  update: (patience?: Patience) => Promise<void>;
  /** Sources that the last update could not read. */
  unread: () => readonly Unread[];
  /** When the lists were last updated successfully, epoch ms; 0: never. */
  updatedAt: () => number;
  /** Writes the source and reads its package list. Does nothing when the source is there
   * already. */
  addSource: (slug: string, source: AptSource, patience?: Patience) => Promise<void>;
  removeSource: (slug: string) => void;
  listsStamp: () => string;
  options: readonly string[];
}

export function createApt(deps: {
  options?: readonly string[];
  sourcesFolder?: string;
  /** File that records when the lists were last updated. */
  stampFile: string;
  now: () => number;
  /** For tests. */
  lockPatience?: { everyMs: number; forMs: number };
}): Apt {
  const options = deps.options ?? [];
  const folder = deps.sourcesFolder ?? '/etc/apt/sources.list.d';
  const get = (args: readonly string[], timeoutMs: number) =>
    run('/usr/bin/apt-get', [...options, ...args], { timeoutMs, env: unattended });
  const force = ['-o', 'Acquire::ForceHash=SHA256'];
  const nothing = `${deps.stampFile}.none`;
  const sourcePath = (slug: string) => `${folder}/preau-${slug}.sources`;
  let unread: readonly Unread[] = [];
  const { everyMs, forMs } = deps.lockPatience ?? { everyMs: 5000, forMs: 10 * 60_000 };

  /** One run of `apt-get update`. The lock of the lists is not one that DPkg::Lock::Timeout waits
   * for. */
  const read = async (more: readonly string[], { signal, waiting }: Patience) => {
    const until = performance.now() + forMs;
    for (;;) {
      const { code, stdout, stderr } = await get(
        ['update', '-q', ...readOptions, ...more],
        600_000,
      );
      const text = `${stdout}\n${stderr}`;
      const holder = code === 0 ? null : lockHolder(text);
      if (holder === null) return { code, text };
      if (performance.now() >= until)
        throw new AppError('PACKAGES_LOCKED', { why: `${holder} holds the package lists` });
      waiting?.(holder);
      await setTimeout(everyMs, undefined, signal === undefined ? {} : { signal });
    }
  };

  /** Whether a source, as apt names it, is one of the distribution's own: without those, nothing
   * that is said of versions and updates is true. */
  const systemsOwn = async (): Promise<(source: string) => boolean> => {
    const { stdout } = await run(
      '/usr/bin/apt-get',
      [...options, 'indextargets', '--format', '$(REPO_URI) $(ORIGIN)'],
      { timeoutMs: 60_000, env: unattended },
    );
    const known = new Set([...stdout.matchAll(/^(\S+?)\/? Debian$/gm)].map(([, uri = '']) => uri));
    return (source) => {
      const uri = (source.split(' ')[0] ?? '').replace(/\/$/, '');
      return known.has(uri) || /\/debian(-security)?$/.test(uri);
    };
  };

  const apt: Apt = {
    options,
    plan: async (args) => {
      // apt leaves out files that lie in its own archives. An empty folder makes it list all of
      // them, because what is staged must be complete.
      makeFolder(join(nothing, 'partial'), 0o700);
      const answer = await get(
        [
          ...quiet,
          '-qq',
          '--print-uris',
          ...force,
          '-o',
          `Dir::Cache::archives=${nothing}/`,
          ...args,
        ],
        120_000,
      );
      const text = `${answer.stdout}\n${answer.stderr}`;
      return {
        files: parseUris(answer.stdout),
        unknown: parseUnknown(text),
        refusal: answer.code === 0 ? null : text.trim().slice(-1500),
      };
    },
    pending: async (scope) => {
      const answer = await get([...simulated, '-q', 'upgrade', '--with-new-pkgs'], 120_000);
      if (answer.code !== 0)
        throw new AppError('INSTALL_FAILED', { why: `apt-get -s: ${answer.stderr.slice(-1000)}` });
      return parsePending(answer.stdout).filter((update) => scope === 'all' || update.security);
    },
    filesOf: async (packages) => {
      const files: AptFile[] = [];
      const answer = await get(['-qq', '--print-uris', ...force, 'download', ...packages], 120_000);
      if (answer.code === 0) return parseUris(answer.stdout);
      // One unknown package makes the whole call fail: ask for each alone.
      if (packages.length > 1)
        for (const name of packages) files.push(...(await apt.filesOf([name])));
      return files;
    },
    simulate: async (args) => {
      const answer = await get([...quiet, ...simulated, ...args], 120_000);
      const text = `${answer.stdout}\n${answer.stderr}`;
      return { code: answer.code, text, ...parseChanges(answer.stdout) };
    },
    update: async (patience = {}) => {
      const { code, text } = await read([], patience);
      const found = parseSources(text);
      unread = found.unread;
      const own = await systemsOwn();
      if (code !== 0 && (found.read === 0 || unread.some(({ source }) => own(source))))
        throw new AppError('DOWNLOAD_FAILED', { why: `apt-get update: ${complaints(text)}` });
      write(deps.stampFile, String(deps.now()), 0o600);
    },
    unread: () => unread,
    updatedAt: () => Number(readText(deps.stampFile) ?? 0),
    addSource: async (slug, source, patience = {}) => {
      const path = sourcePath(slug);
      const text = sourceFile(source);
      if (readText(path) === text) return;
      write(path, text, 0o644);
      try {
        const only = [
          `Dir::Etc::sourcelist=${path}`,
          'Dir::Etc::sourceparts=/dev/null',
          'APT::Get::List-Cleanup=0',
        ];
        const { code, text } = await read(
          only.flatMap((option) => ['-o', option]),
          patience,
        );
        if (code !== 0)
          throw badSignature.some((pattern) => pattern.test(text))
            ? new AppError('SOURCE_REFUSED', { why: complaints(text) })
            : new AppError('DOWNLOAD_FAILED', { why: `apt-get update: ${complaints(text)}` });
      } catch (error) {
        // A refused source must not break every later update of this server.
        remove(path);
        throw error;
      }
    },
    removeSource: (slug) => {
      if (exists(sourcePath(slug))) remove(sourcePath(slug));
    },
    listsStamp: () => `${stamp('/var/lib/apt/lists') ?? ''} ${stamp(deps.stampFile) ?? ''}`,
  };
  return apt;
}
