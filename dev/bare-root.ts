/** A bare Debian on this machine, with git, Node and npm and nothing else: what a newcomer who
 * reads the README has. Its processes, mounts and files are isolated, and removed when it is closed
 * or when this process ends. */
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { reachOptions, sourcesList } from './lab/base.ts';
import {
  type Done,
  must,
  processesWhere,
  run,
  signal,
  startTalking,
  type Talking,
} from './lab/host.ts';
import { root as checkout, until } from './services.ts';

/** Debian 12 and 13. */
export const suites = ['bookworm', 'trixie'] as const;
export type Suite = (typeof suites)[number];

export interface BareRoot {
  /** Its first process, seen from outside: names its namespaces. */
  pid: number;
  /** Runs a shell command as root, in the clone of the repository. */
  run: (line: string, timeoutMs?: number) => Promise<Done>;
  /** The same for a long-running command; `onLine` receives its output. */
  start: (line: string, env?: Record<string, string>, onLine?: (said: string) => void) => Running;
  /** Ends its processes and deletes its files. */
  close: () => Promise<void>;
}

export interface Running {
  /** The standard output and error so far. */
  said: () => string;
  /** null while it runs, and when a signal ended it. */
  code: () => number | null;
  /** Resolves when every process that could write output has ended. */
  ended: Promise<void>;
  /** Interrupts all of its processes, as Ctrl-C in a terminal does. */
  interrupt: () => void;
}

/** Set inside a bare root, where no further one is made. */
export const insideMarker = 'PREAU_BARE_ROOT';

const included = ['git', 'nodejs', 'npm', 'ca-certificates'];
/** Also hard-coded in bare-root.sh. */
const home = '/root/preau';
/** Bases, roots and downloads are kept between runs. */
export const cache = process.env['PREAU_TEST_CACHE'] ?? '/var/cache/preau-test';
const runs = join(cache, 'runs');

/** This machine's network and registry settings, copied into the bare root. */
const reachFiles = [
  join(homedir(), '.npmrc'),
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/resolv.conf',
  '/etc/hosts',
];
const reachVariables = /^(https?_proxy|no_proxy|npm_config_registry|node_extra_ca_certs)$/i;

export interface BareOptions {
  /** `shared`: this machine's network, so that a browser outside reaches servers inside. `own`:
   * outbound only; a lab inside must not see this machine's labs, whose holders it would take for
   * dead. */
  network: 'shared' | 'own';
  /** MiB of memory for the writable layer, which is faster and vanishes at once; 0: on the disk. */
  memory: number;
}

/** Opens a bare root with a clone of our HEAD. Needs root, mmdebstrap, and slirp4netns for a
 * network of its own. */
export async function openBareRoot(suite: Suite, options: BareOptions): Promise<BareRoot> {
  const base = await prepareBase(suite);
  sweepRuns();
  const folder = join(runs, `${process.pid}-${suite}`);
  const downloads = [join(cache, `debs-${suite}`), join(cache, 'npm')];
  const seed = join(folder, 'seed');
  for (const path of [join(seed, 'etc'), ...downloads]) mkdirSync(path, { recursive: true });
  try {
    await fill(seed);
    // slirp4netns asks this machine's resolver, also one that listens on loopback.
    if (options.network === 'own')
      writeFileSync(join(seed, 'etc/resolv.conf'), 'nameserver 10.0.2.3\n');
    return await enter([base, folder, String(options.memory), ...downloads], folder, options);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Built once per list of packages, in about a minute; returns its path. */
export async function prepareBase(suite: Suite): Promise<string> {
  const recipe = {
    sources: sourcesList(suite),
    apt: `${await reachOptions()}Acquire::Languages "none";\n`,
    dpkg: 'force-unsafe-io\n',
  };
  const key = createHash('sha256')
    .update(JSON.stringify([included, recipe]))
    .digest('hex');
  const base = join(cache, `base-${suite}-${key.slice(0, 12)}`);
  if (existsSync(base)) return base;
  const work = join(cache, `new-${process.pid}-${suite}`);
  mkdirSync(work, { recursive: true });
  try {
    for (const [name, text] of Object.entries(recipe)) writeFileSync(join(work, name), text);
    await must(
      [
        // In a mount namespace of its own, so that its mounts vanish if it is killed.
        ...['unshare', '--mount', 'mmdebstrap'],
        '--mode=root',
        '--variant=minbase',
        '--format=directory',
        `--include=${included.join(',')}`,
        `--aptopt=${join(work, 'apt')}`,
        `--dpkgopt=${join(work, 'dpkg')}`,
        suite,
        join(work, 'base'),
        join(work, 'sources'),
      ],
      { env: { TMPDIR: work } },
    );
    const past = readdirSync(cache).filter((name) => name.startsWith(`base-${suite}-`));
    // Another test may have built the same base meanwhile.
    if (existsSync(base)) return base;
    for (const name of past) rmSync(join(cache, name), { recursive: true });
    renameSync(join(work, 'base'), base);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return base;
}

/** Removes the folders of runs that were killed before they could clean up. */
function sweepRuns(): void {
  if (!existsSync(runs)) return;
  for (const name of readdirSync(runs))
    if (!signal(Number(name.split('-')[0]), 0))
      rmSync(join(runs, name), { recursive: true, force: true });
}

async function fill(seed: string): Promise<void> {
  for (const path of reachFiles.filter(existsSync)) {
    mkdirSync(dirname(join(seed, path)), { recursive: true });
    copyFileSync(path, join(seed, path));
  }
  // The checkout may belong to another user: git would refuse to read it.
  await must([
    ...['git', '-c', 'safe.directory=*', 'clone', '--quiet'],
    ...[`file://${checkout}`, join(seed, home)],
  ]);
}

/** Everything in the root depends on two processes outside, which end when their input closes. */
async function enter(
  bootArguments: readonly string[],
  folder: string,
  { network }: BareOptions,
): Promise<BareRoot> {
  let isUp = false;
  let complaint = '';
  const holders = [
    startTalking(
      [
        ...['unshare', '--mount', '--pid', '--fork', '--kill-child'],
        ...(network === 'own' ? ['--net'] : []),
        ...['bash', join(checkout, 'dev/bare-root.sh'), ...bootArguments],
      ],
      (line) => {
        isUp ||= line === 'up';
        complaint = line;
      },
    ),
  ];
  const close = async () => {
    await Promise.all(holders.map(end));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await until('the bare root', () => isUp || holders[0]?.exitCode !== null, 60_000);
    const first = processesWhere(() => true).find(({ parent }) => parent === holders[0]?.pid);
    if (!isUp || first === undefined)
      throw new Error(`the bare root did not come up: ${complaint}`);
    const inside = commandsIn(first.pid);
    if (network === 'own') {
      const slirp = ['slirp4netns', '--configure', '--disable-host-loopback', '--exit-fd=0'];
      holders.push(startTalking([...slirp, String(first.pid), 'tap0'], () => undefined));
      await until('the network', async () =>
        (await run(inside('cat /proc/net/route'))).stdout.includes('tap0'),
      );
    }
    return {
      pid: first.pid,
      run: (line, timeoutMs = 60_000) => run(inside(line), { timeoutMs }),
      start: (line, env, onLine) => watch(inside(line, env), onLine),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function end(holder: Talking): Promise<void> {
  const gone = new Promise<void>((resolve) => holder.on('exit', () => resolve()));
  if (holder.exitCode !== null || holder.signalCode !== null) return;
  holder.stdin?.end();
  const late = setTimeout(() => holder.kill('SIGKILL'), 10_000);
  await gone;
  clearTimeout(late);
}

/** Builds the argv that runs a shell command inside the root. */
const commandsIn =
  (pid: number) =>
  (line: string, env: Record<string, string> = {}): string[] => [
    ...['nsenter', '--target', String(pid), '--mount', '--pid', '--net', '--', 'env'],
    ...Object.entries({ ...reach(), ...env, [insideMarker]: '1' }).map((pair) => pair.join('=')),
    ...['sh', '-c', `cd ${home} && ${line}`],
  ];

/** The variables by which this machine reaches the network, if it needs any. */
export const reach = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value !== undefined && reachVariables.test(name) ? [[name, value]] : [],
    ),
  );

function watch(argv: readonly string[], onLine: (said: string) => void = () => undefined): Running {
  const lines: string[] = [];
  const child = startTalking(argv, (line) => {
    lines.push(line);
    onLine(line);
  });
  return {
    said: () => lines.join('\n'),
    code: () => child.exitCode,
    ended: new Promise((resolve) => child.on('close', () => resolve())),
    interrupt: () => {
      if (child.pid !== undefined) signal(-child.pid, 'SIGINT');
    },
  };
}
