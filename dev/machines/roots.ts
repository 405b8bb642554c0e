/** The root systems of school servers, built once per list of packages and kept in the cache. */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { serverPackages } from '../../packaging/linux/requirements.mjs';
import type { Suite } from '../bare-root.ts';
import { must, signal } from '../lab/host.ts';
import { cache, startPackageRelay } from './packages.ts';

/** `minimal`: what an installation of Debian without any choice has, and less. `server`: with what
 * install.sh installs, so that an enrolment takes seconds. */
export type RootKind = 'minimal' | 'server';

const minimal = [
  ...['systemd', 'systemd-sysv', 'dbus', 'udev', 'kmod'],
  ...['ca-certificates', 'curl', 'iproute2', 'procps', 'apt-utils'],
];
const included: Record<RootKind, readonly string[]> = {
  minimal,
  server: [...minimal, ...serverPackages],
};

/** A real server mounts /run so; systemd-nspawn does not. Before anything of ours starts. */
const runUnit = `[Unit]
Description=Mounts /run as a machine with a kernel of its own does
DefaultDependencies=no
Before=sysinit.target

[Service]
Type=oneshot
ExecStart=/bin/mount -o remount,nosuid,nodev,noexec /run

[Install]
WantedBy=sysinit.target
`;
/** Written with the units and programs that packages bring; systemd's own choice is kept. */
const hook = (work: string) =>
  [
    'rm -rf "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/etc/apt/sources.list.d "$1"/var/lib/apt/lists/*',
    'mkdir -p "$1"/etc/apt/sources.list.d "$1"/var/lib/apt/lists/partial',
    ': > "$1"/etc/machine-id; chmod 755 "$1"',
    `cp '${work}/run.service' "$1"/etc/systemd/system/machine-run.service`,
    'chroot "$1" systemctl --quiet enable machine-run.service',
    // The displays of the server are the agent's, as after install.sh.
    'chroot "$1" systemctl --quiet disable xrdp xrdp-sesman cups.service cups.socket cups.path || :',
  ].join('; ');

/** Returns its path; builds it first when it is not there, in one to three minutes. */
export async function prepareRoot(suite: Suite, kind: RootKind): Promise<string> {
  const recipe = [included[kind], runUnit, hook('')];
  const key = createHash('sha256').update(JSON.stringify(recipe)).digest('hex').slice(0, 12);
  const prefix = `machine-${suite}-${kind}-`;
  const root = join(cache, `${prefix}${key}`);
  if (existsSync(root)) {
    utimesSync(root, new Date(), new Date());
    return root;
  }
  sweepCache();
  const work = join(cache, `new-machine-${process.pid}-${suite}-${kind}`);
  mkdirSync(work, { recursive: true });
  const relay = await startPackageRelay('127.0.0.1');
  try {
    writeFileSync(join(work, 'sources'), relay.sourcesList(suite));
    writeFileSync(join(work, 'run.service'), runUnit);
    await must(
      [
        // In a mount namespace of its own, so that its mounts vanish if it is killed.
        ...['unshare', '--mount', 'mmdebstrap'],
        '--mode=root',
        '--variant=minbase',
        '--format=directory',
        `--include=${included[kind].join(',')}`,
        '--aptopt=Acquire::Languages "none"',
        '--aptopt=APT::Install-Recommends "false"',
        '--dpkgopt=force-unsafe-io',
        `--customize-hook=${hook(work)}`,
        suite,
        join(work, 'root'),
        join(work, 'sources'),
      ],
      { env: { TMPDIR: work } },
    );
    // Another test may have built the same one meanwhile.
    if (!existsSync(root)) renameSync(join(work, 'root'), root);
  } finally {
    await relay.close();
    rmSync(work, { recursive: true, force: true });
  }
  return root;
}

/** Removes what builds that were killed have left behind, and what nobody has used for a fortnight:
 * a checkout beside this one may use another list of packages. */
function sweepCache(): void {
  const old = Date.now() - 14 * 24 * 3_600_000;
  for (const name of existsSync(cache) ? readdirSync(cache) : []) {
    const path = join(cache, name);
    const builder = /^new-machine-(\d+)-/.exec(name)?.[1];
    const isDead = builder !== undefined && !signal(Number(builder), 0);
    if (isDead || (name.startsWith('machine-') && statSync(path).mtimeMs < old))
      rmSync(path, { recursive: true, force: true });
  }
}
