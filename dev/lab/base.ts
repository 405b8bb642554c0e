/** What all schools of a lab share, built once and kept in .data/lab: a small Debian, and the
 * packages of ten programs with their dependencies. Both come from the sources of this machine's
 * own apt. */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { readCatalogue } from '../city.ts';
import { root } from '../services.ts';
import { must } from './host.ts';
import { describePackage } from './repository.ts';

export const labFolder = join(root, '.data/lab');
export const baseFolder = join(labFolder, 'base');
export const poolFolder = join(labFolder, 'pool');

/** Ten small real programs, by package name: the first six are in the catalogue. Together about
 * sixty packages per school: a morning's work for one school, yet quick enough to unpack
 * twenty-seven times. */
export const tenPrograms = [
  'galculator',
  'mousepad',
  'lybniz',
  'tuxmath',
  'tuxtype',
  'tuxpaint',
  'l3afpad',
  'lxtask',
  'gpicview',
  'xpad',
] as const;
export const lightApplications = tenPrograms.slice(0, 5);

const catalogue = new Map(readCatalogue().map(({ slug, recipes }) => [slug, recipes.linux]));
/** What a server installs for them: what the catalogue says, or by their names. */
export const tenPackages = tenPrograms.flatMap((program) => {
  const recipe = catalogue.get(program);
  return recipe?.kind === 'apt' ? recipe.packages : [program];
});

/** What the agent and its installer use, without the displays; the libraries that a server with
 * displays has anyway; Python and sshd for Ansible and for people. */
const included = [
  'ca-certificates',
  'openssh-server',
  'python3',
  'python3-apt',
  'librsvg2-bin',
  'iproute2',
  'procps',
  'libgtk-3-0',
  'libsdl2-2.0-0',
  'libpulse0',
];
/** A lab needs no manuals, and speed matters: dpkg does not wait for the disk. */
const dpkgOptions = [
  ...['doc', 'man', 'info', 'locale'].map((name) => `path-exclude=/usr/share/${name}/*`),
  'force-unsafe-io',
];

const stamp = createHash('sha256')
  .update(JSON.stringify([tenPackages, included, dpkgOptions, 3]))
  .digest('hex');
const stampPath = join(labFolder, 'base.stamp');
const indexPath = join(labFolder, 'pool.json');

/** The index entry of each package in the pool, by file name. */
export const readPoolIndex = () =>
  new Map(JSON.parse(readFileSync(indexPath, 'utf8')) as [string, string][]);

export async function prepareBase(
  tell: (step: string, seconds: number) => void = () => undefined,
): Promise<void> {
  if (existsSync(stampPath) && readFileSync(stampPath, 'utf8') === stamp) return;
  const started = Date.now();
  const work = join(labFolder, `new-${process.pid}`);
  mkdirSync(join(work, 'pool'), { recursive: true });
  try {
    const suite = hostSuite();
    writeFileSync(join(work, 'sources.list'), sourcesList(suite));
    // Used only while the base is built.
    writeFileSync(join(work, 'reach.conf'), await reachOptions());
    writeFileSync(join(work, 'dpkg.conf'), `${dpkgOptions.join('\n')}\n`);
    const fetch =
      'rm -f "$1"/var/cache/apt/archives/*.deb; chroot "$1" apt-get install -y -q ' +
      `--no-install-recommends --download-only ${tenPackages.join(' ')} && mv ` +
      `"$1"/var/cache/apt/archives/*.deb "${work}/pool/"`;
    const forget =
      'rm -f "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/etc/apt/sources.list ' +
      '"$1"/etc/apt/sources.list.d/*; chmod 755 "$1"';
    await must(
      [
        'mmdebstrap',
        '--mode=root',
        '--variant=minbase',
        '--format=directory',
        `--include=${included.join(',')}`,
        `--aptopt=${join(work, 'reach.conf')}`,
        `--dpkgopt=${join(work, 'dpkg.conf')}`,
        '--aptopt=Acquire::Languages "none"',
        `--customize-hook=${fetch}`,
        `--customize-hook=${forget}`,
        suite,
        join(work, 'base'),
        join(work, 'sources.list'),
      ],
      { env: { TMPDIR: work } },
    );
    for (const [name, path] of [
      ['base', baseFolder],
      ['pool', poolFolder],
    ] as const) {
      rmSync(path, { recursive: true, force: true });
      renameSync(join(work, name), path);
    }
    const index: [string, string][] = [];
    for (const name of readdirSync(poolFolder))
      index.push([name, await describePackage(join(poolFolder, name))]);
    writeFileSync(indexPath, JSON.stringify(index));
    writeFileSync(stampPath, stamp);
    tell(
      `base system of the lab, and ${index.length} packages for its source`,
      (Date.now() - started) / 1000,
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function hostSuite(): string {
  const suite = /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  if (suite === undefined) throw new Error('/etc/os-release names no Debian');
  return suite;
}

/** apt options for this machine's access to its sources (a proxy, a certificate, a disabled
 * check). */
export async function reachOptions(): Promise<string> {
  const reaching = (await must(['apt-config', 'dump']))
    .split('\n')
    .filter((line) =>
      /^Acquire::(?!IndexTargets|Languages|GzipIndexes|CompressionTypes)/.test(line),
    );
  return `${reaching.join('\n')}\n`;
}

/** The sources.list of a Debian release, with the mirrors this machine uses. */
export function sourcesList(suite: string): string {
  const { main, security } = hostMirrors();
  const signed = '[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]';
  return `deb ${signed} ${main} ${suite} main\ndeb ${signed} ${security} ${suite}-security main\n`;
}

export function hostMirrors(): { main: string; security: string } {
  const folder = '/etc/apt/sources.list.d';
  const files = [
    ...(existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []),
    '/etc/apt/sources.list',
  ].filter((path) => /\.(sources|list)$/.test(path) && existsSync(path));
  const addresses = files
    .flatMap((path) => readFileSync(path, 'utf8').split('\n'))
    .filter((line) => !line.startsWith('#'))
    .flatMap((line) => line.match(/https?:\/\/[^ ]+/g) ?? [])
    .map((address) => address.replace(/\/$/, ''));
  const main = addresses.find((address) => address.endsWith('/debian'));
  const security = addresses.find((address) => address.endsWith('/debian-security'));
  if (main === undefined || security === undefined)
    throw new Error(
      'No Debian mirror was found in /etc/apt/sources.list(.d): add one for main and security, then start again.',
    );
  return { main, security };
}
