/** A server with a dpkg and an apt of its own in a folder: real programs, packages made for the test,
 * and nothing of this machine. Scripts of packages run outside, with DPKG_ROOT set. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import type { LinuxRecipe, PackageFile } from '@preau/contract/application.ts';
import { AppError } from '@preau/contract/errors.ts';
import { openBundles } from '#src/bundles.ts';
import { run } from '#src/command.ts';
import type { Applied, Installable, Wanted } from '#src/drivers/driver.ts';
import { newKeyPair } from '#src/identity.ts';
import { unattended } from './apt.ts';
import { readDpkg } from './dpkg.ts';
import type { Repository } from './packages.fixture.ts';
import { createSoftware, type Software } from './software.ts';

export const id = (prefix: string, text: string) =>
  `${prefix}_${text
    .replace(/[^A-Za-z0-9]/g, '')
    .padEnd(22, '0')
    .slice(0, 22)}`;

export interface PackagesRoot {
  folder: string;
  software: Software;
  /** dpkg, as an administrator of this server would call it. */
  dpkg: (...args: string[]) => Promise<string>;
  /** apt-get, likewise. */
  apt: (...args: string[]) => Promise<string>;
  /** `name version status` of every package. */
  packages: () => Promise<string[]>;
  /** Puts a file into the city's store. */
  upload: (path: string) => PackageFile;
  change: (
    key: string,
    applications: Installable[],
    more?: { wanted?: Wanted[]; timeoutMs?: number },
  ) => Promise<Applied[]>;
}

export function packagesRoot(folder: string): PackagesRoot {
  const uploads = new Map<string, Buffer>();
  const root = join(folder, 'root');
  for (const each of ['sources', 'lists/partial', 'cache/archives/partial', 'run'])
    mkdirSync(join(folder, each), { recursive: true });
  for (const each of ['updates', 'info', 'triggers'])
    mkdirSync(join(root, 'var/lib/dpkg', each), { recursive: true });
  for (const each of ['status', 'available']) writeFileSync(join(root, 'var/lib/dpkg', each), '');
  const dpkgOptions = [`--root=${root}`, '--force-script-chrootless'];
  const options = [
    'Dir::Etc::sourcelist=/dev/null',
    `Dir::Etc::sourceparts=${folder}/sources`,
    `Dir::State::lists=${folder}/lists`,
    `Dir::State::status=${root}/var/lib/dpkg/status`,
    `Dir::State::extended_states=${folder}/extended_states`,
    `Dir::Cache=${folder}/cache`,
    ...dpkgOptions.map((option) => `DPkg::Options::=${option}`),
    'DPkg::Pre-Install-Pkgs::=',
    'DPkg::Post-Invoke::=',
    'APT::Sandbox::User=root',
    'APT::Update::Post-Invoke-Success::=',
    'Acquire::Languages=none',
  ].flatMap((option) => ['-o', option]);
  const software = createSoftware({
    stateFolder: join(folder, 'state'),
    runFolder: join(folder, 'run'),
    applications: join(folder, 'opt'),
    installSeconds: 7200,
    identity: {
      serverId: id('srv', 'root'),
      controllerUrl: 'http://127.0.0.1:9',
      controllerKey: newKeyPair().publicKey,
      privateKey: newKeyPair().privateKey,
    },
    cache: { host: '127.0.0.1', port: 0, maxBytes: 1e9, slowestBytesPerSecond: 1000 },
    limits: { windowMs: 2000, pauseMs: 50 },
    readPackage: async (sha256, from) => {
      const bytes = uploads.get(sha256);
      if (bytes === undefined) throw new AppError('NOT_FOUND');
      return Readable.from([bytes.subarray(from)]);
    },
    bundles: openBundles(join(folder, 'state')),
    running: { sha256: null, launched: false },
    restart: () => undefined,
    now: () => Date.now(),
    sourcesFolder: join(folder, 'sources'),
    aptOptions: options,
    dpkg: readDpkg(join(root, 'var/lib/dpkg'), join(folder, 'extended_states'), dpkgOptions),
    lockPatience: { everyMs: 200, forMs: 8000 },
  });
  const call = async (file: string, args: readonly string[]) => {
    const done = await run(file, args, { timeoutMs: 60_000, env: unattended });
    return `${done.stdout}${done.stderr}`;
  };
  const dpkg = (...args: string[]) => call('/usr/bin/dpkg', [...dpkgOptions, ...args]);
  return {
    folder,
    software,
    dpkg,
    apt: (...args) => call('/usr/bin/apt-get', [...options, '-y', '-q', ...args]),
    packages: async () =>
      (
        await call('/usr/bin/dpkg-query', [
          `--admindir=${root}/var/lib/dpkg`,
          '-W',
          '-f',
          '${Package} ${Version} ${db:Status-Status}\n',
        ])
      )
        .split('\n')
        .filter((line) => / \S+ \S+$/.test(line) && !line.startsWith('dpkg-query:')),
    upload: (path) => {
      const bytes = readFileSync(path);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      uploads.set(sha256, bytes);
      return { name: basename(path), sha256, size: bytes.length };
    },
    change: async (key, applications, { wanted = [], timeoutMs = 60_000 } = {}) => {
      await software.stage(key, applications, {
        kibibytesPerSecond: null,
        wanted,
        progress: () => undefined,
        signal: new AbortController().signal,
      });
      return software.apply(key, applications, {
        wanted,
        progress: () => undefined,
        signal: new AbortController().signal,
        timeoutMs,
      });
    },
  };
}

/** An application of the repository's package of that name, or of the recipe. */
export function application(
  slug: string,
  repository: Repository,
  more: { want?: 'present' | 'absent'; packages?: string[]; recipe?: LinuxRecipe } = {},
): Installable {
  return {
    applicationId: id('app', slug),
    versionId: id('ver', slug),
    slug,
    version: '1.0',
    want: more.want ?? 'present',
    recipes: {
      linux: more.recipe ?? {
        kind: 'apt',
        packages: more.packages ?? [slug],
        source: { uri: repository.uri, suite: 'test', components: ['main'], key: repository.key },
        detect: { kind: 'package', package: slug },
      },
    },
  };
}

/** What a refusal says: its code, the application it names, and why. */
export const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no refusal',
    (error: unknown) =>
      error instanceof AppError
        ? `${error.code} ${error.details['element'] ?? ''}: ${error.details['why']}`
        : String(error),
  );
