/** The root systems of school servers, built once per list of packages and kept in the cache. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { serverPackages } from '../../packaging/linux/requirements.mjs';
import type { Suite } from '../bare-root.ts';
import { buildTree, keep } from './kept-trees.ts';

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
export const prepareRoot = (suite: Suite, kind: RootKind): Promise<string> =>
  keep(
    {
      name: `machine-${suite}-${kind}`,
      ingredients: [included[kind], runUnit, hook('')],
      days: 14,
    },
    (work) => {
      writeFileSync(join(work, 'run.service'), runUnit);
      return buildTree(work, { suite, packages: included[kind], hook: hook(work) });
    },
  );
