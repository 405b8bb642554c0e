/** What the machines of a test stand on: a folder, a slot of the lab's network, and a way to
 * Debian's packages. */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { must, run, signal } from '../lab/host.ts';
import {
  cityAddress,
  claimSlot,
  isAlive,
  layCables,
  leftoversOf,
  names,
  ownerOf,
  type Slot,
  serverAddress,
  slots,
  sweep,
} from '../lab/network.ts';
import { root } from '../services.ts';
import { type PackageRelay, startPackageRelay } from './packages.ts';

export interface Ground {
  slot: Slot;
  /** Removed by `close`. */
  folder: string;
  /** This host's address, as its machines see it. */
  cityAddress: string;
  packages: PackageRelay;
  /** Lays a cable for a further machine. */
  connect: () => Promise<{ network: string; address: string; number: number }>;
  /** What is left of it on this host: nothing, after `close`. */
  leftovers: () => Promise<GroundLeftovers>;
  /** Ends and removes everything that stands on it. */
  close: () => Promise<void>;
}

export interface GroundLeftovers {
  processes: number[];
  mounts: string[];
  namespaces: string[];
  links: string[];
  controlGroups: string[];
  folders: string[];
}

const grounds = join(root, '.data/machines');
let opened = 0;

export async function openGround(): Promise<Ground> {
  await sweepDead();
  opened += 1;
  const folder = join(grounds, `${process.pid}-${opened}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  const slot = await claimSlot(folder);
  const packages = await startPackageRelay(cityAddress(slot));
  let number = 0;
  return {
    slot,
    folder,
    cityAddress: cityAddress(slot),
    packages,
    connect: async () => {
      number += 1;
      const own = number;
      await layCables(slot, [{ number: own, servers: 1 }]);
      return {
        network: names.server(slot, own, 1),
        address: serverAddress(slot, own, 1),
        number: own,
      };
    },
    leftovers: async () => ({
      ...leftoversOf(slot, folder),
      controlGroups: await controlGroupsOf(names.prefix(slot)),
      folders: existsSync(folder) ? readdirSync(folder) : [],
    }),
    close: async () => {
      await packages.close();
      await clear(slot, folder);
    },
  };
}

/** Removes what test runs that were killed have left behind. */
async function sweepDead(): Promise<void> {
  for (const slot of slots) {
    const owner = ownerOf(slot);
    if (owner !== null && !isAlive(owner)) await clear(slot, owner.folder);
  }
  for (const name of existsSync(grounds) ? readdirSync(grounds) : [])
    if (!signal(Number(name.split('-')[0]), 0))
      rmSync(join(grounds, name), { recursive: true, force: true });
}

async function clear(slot: Slot, folder: string): Promise<void> {
  const isOurs = folder.startsWith(`${grounds}/`);
  // The bridge goes last and names the owner: whoever is interrupted here leaves it to the next.
  if (isOurs) {
    for (const pid of leftoversOf(slot, folder).processes) signal(pid, 'SIGKILL');
    await removeControlGroups(names.prefix(slot));
  }
  await sweep(slot, folder);
  if (isOurs) rmSync(folder, { recursive: true, force: true });
}

/** This host may mount control groups elsewhere, or not at all. */
const withControlGroups = (line: string) => [
  ...['unshare', '--mount', 'sh', '-c'],
  `mount -t cgroup2 cgroup2 /sys/fs/cgroup && ${line}`,
];
const controlGroupsOf = async (prefix: string): Promise<string[]> =>
  (await must(withControlGroups('ls /sys/fs/cgroup')))
    .split('\n')
    .filter((name) => name.startsWith(prefix));

/** A group can be removed once the kernel has buried its last process. */
export async function removeControlGroups(prefix: string): Promise<void> {
  for (let round = 0; round < 100; round += 1) {
    if ((await controlGroupsOf(prefix)).length === 0) return;
    await run(
      withControlGroups(
        `find /sys/fs/cgroup/${prefix}* -depth -type d -exec rmdir {} + 2>/dev/null`,
      ),
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
