/** What the machines of a test stand on: a folder, a slot of the lab's network, and a way to
 * Debian's packages. */
import { randomBytes } from 'node:crypto';
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
  connect: () => Promise<Place>;
  /** What is left of it on this host: nothing, after `close`. */
  leftovers: () => Promise<GroundLeftovers>;
  /** Ends and removes everything that stands on it. */
  close: () => Promise<void>;
}

/** Where one machine stands. `network`: its network namespace. `controlGroup`: its name in the
 * hierarchy, which labs that do not see each other share. */
interface Place {
  network: string;
  controlGroup: string;
  address: string;
  number: number;
}

interface GroundLeftovers {
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
  const controlGroups: string[] = [];
  return {
    slot,
    folder,
    cityAddress: cityAddress(slot),
    packages,
    connect: async () => {
      number += 1;
      const own = number;
      await layCables(slot, [{ number: own, servers: 1 }]);
      const network = names.server(slot, own, 1);
      const controlGroup = `${network}-${randomBytes(4).toString('hex')}`;
      controlGroups.push(controlGroup);
      return {
        network,
        controlGroup,
        address: serverAddress(slot, own, 1),
        number: own,
      };
    },
    leftovers: async () => ({
      ...leftoversOf(slot, folder),
      controlGroups: (await listControlGroups()).filter((name) => controlGroups.includes(name)),
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
  // The bridge goes last and names the owner: what is interrupted here is found by the next.
  await sweep(slot, folder);
  await removeControlGroups(`${names.prefix(slot)}*`);
  if (folder.startsWith(`${grounds}/`)) rmSync(folder, { recursive: true, force: true });
}

/** This host may mount control groups elsewhere, or not at all. */
const withControlGroups = (line: string) => [
  ...['unshare', '--mount', 'sh', '-c'],
  `mount -t cgroup2 cgroup2 /sys/fs/cgroup && ${line}`,
];
const listControlGroups = async (): Promise<string[]> =>
  (await must(withControlGroups('ls /sys/fs/cgroup'))).split('\n');

/** Removes those that are empty: the kernel refuses the others. */
const removeControlGroups = (pattern: string) =>
  run(
    withControlGroups(`find /sys/fs/cgroup/${pattern} -depth -type d -exec rmdir {} + 2>/dev/null`),
  );

/** A group can be removed once the kernel has buried its last process. */
export async function removeControlGroup(name: string): Promise<void> {
  for (let round = 0; round < 100; round += 1) {
    await removeControlGroups(name);
    if (!(await listControlGroups()).includes(name)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
