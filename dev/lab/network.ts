/** One city on one machine: a bridge in the root namespace is the city's network; each school is a
 * namespace with a switch, whose uplink joins that bridge; each server is a namespace with a cable
 * to its school's switch. The names on the machine tell which lab they belong to: no state file
 * could be lost. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { must, namespaceOf, processesWhere, run, signal, startedAt } from './host.ts';

/** Eight labs may be up at once on one machine, each in a slot. */
export const slots = [0, 1, 2, 3, 4, 5, 6, 7] as const;
export type Slot = (typeof slots)[number];

const two = (number: number) => String(number).padStart(2, '0');
export const names = {
  prefix: (slot: Slot) => `preau-lab${slot}-`,
  bridge: (slot: Slot) => `prlab${slot}`,
  uplink: (slot: Slot, school: number) => `prlab${slot}-${two(school)}`,
  school: (slot: Slot, school: number) => `preau-lab${slot}-${two(school)}`,
  server: (slot: Slot, school: number, server: number) =>
    `preau-lab${slot}-${two(school)}-${server}`,
};
const network = (slot: Slot) => `10.${208 + slot}`;
export const cityAddress = (slot: Slot) => `${network(slot)}.0.1`;
export const serverAddress = (slot: Slot, school: number, server: number) =>
  `${network(slot)}.${school}.${server}`;

export interface Owner {
  pid: number;
  started: string;
  folder: string;
}

/** Who made the lab in this slot, read from the bridge itself. */
export function ownerOf(slot: Slot): Owner | null {
  try {
    const [pid = '', started = '', ...folder] = readFileSync(
      `/sys/class/net/${names.bridge(slot)}/ifalias`,
      'utf8',
    )
      .trim()
      .split(' ');
    // The bridge has no owner yet, either for an instant after its creation or because of a crash
    // in that instant: `down` removes it.
    if (pid === '') return null;
    return { pid: Number(pid), started, folder: folder.join(' ') };
  } catch {
    return null;
  }
}
export const isAlive = (owner: Owner) =>
  owner.started !== '' && startedAt(owner.pid) === owner.started;

/** Claims a free slot for `folder`. Cleans and takes a slot whose lab died. Skips a slot whose
 * addresses are in use elsewhere. */
export async function claimSlot(folder: string): Promise<Slot> {
  for (const slot of slots) {
    const owner = ownerOf(slot);
    if (owner !== null && !isAlive(owner)) await sweep(slot, owner.folder);
    const routes = await must(['ip', '-4', 'route', 'show', 'table', 'all']);
    if (routes.includes(` ${network(slot)}.`) || routes.startsWith(`${network(slot)}.`)) continue;
    // Creating the bridge is the claim: of two concurrent attempts, one fails.
    if ((await run(['ip', 'link', 'add', 'name', names.bridge(slot), 'type', 'bridge'])).code !== 0)
      continue;
    await must([
      'ip',
      'link',
      'set',
      names.bridge(slot),
      'alias',
      `${process.pid} ${startedAt(process.pid)} ${folder}`,
    ]);
    await must(['ip', '-batch', '-'], {
      input: `addr add ${cityAddress(slot)}/16 dev ${names.bridge(slot)}\nlink set ${names.bridge(slot)} up\n`,
    });
    return slot;
  }
  throw new Error(`all ${slots.length} slots are taken: npm run lab -- status`);
}

export async function layCables(
  slot: Slot,
  schools: readonly { number: number; servers: number }[],
): Promise<void> {
  const city: string[] = [];
  for (const { number, servers } of schools) {
    city.push(`netns add ${names.school(slot, number)}`);
    for (let server = 1; server <= servers; server += 1)
      city.push(`netns add ${names.server(slot, number, server)}`);
    city.push(
      `link add ${names.uplink(slot, number)} type veth peer name wan netns ${names.school(slot, number)}`,
      `link set ${names.uplink(slot, number)} master ${names.bridge(slot)} up`,
    );
  }
  await must(['ip', '-batch', '-'], { input: `${city.join('\n')}\n` });
  await Promise.all(
    schools.map(async ({ number, servers }) => {
      const each = Array.from({ length: servers }, (_, index) => index + 1);
      const lines = [
        'link set lo up',
        'link add lan type bridge',
        'link set wan master lan up',
        'link set lan up',
        ...each.flatMap((server) => [
          `link add s${server} type veth peer name eth0 netns ${names.server(slot, number, server)}`,
          `link set s${server} master lan up`,
        ]),
      ];
      await must(['ip', '-n', names.school(slot, number), '-batch', '-'], {
        input: `${lines.join('\n')}\n`,
      });
      await Promise.all(
        each.map((server) =>
          must(['ip', '-n', names.server(slot, number, server), '-batch', '-'], {
            input: `link set lo up\naddr add ${serverAddress(slot, number, server)}/16 dev eth0\nlink set eth0 up\n`,
          }),
        ),
      );
    }),
  );
}

const inside = (namespace: string, ...argv: string[]) => [
  'ip',
  'netns',
  'exec',
  namespace,
  ...argv,
];

/** Drops packets on a school's uplink: all of them, or a share; in both directions, silently. */
export async function dropOnUplink(namespace: string, percent: number): Promise<void> {
  const chance = percent >= 100 ? '' : `numgen random mod 100 < ${Math.round(percent)} `;
  const rules =
    'table bridge fault\ndelete table bridge fault\ntable bridge fault { chain crossing { type ' +
    `filter hook forward priority 0; policy accept; iifname "wan" ${chance}drop; oifname "wan" ` +
    `${chance}drop; }; }\n`;
  await must(inside(namespace, 'nft', '-f', '-'), { input: rules });
}
export const dropNothing = async (namespace: string): Promise<void> => {
  await must(inside(namespace, 'nft', '-f', '-'), {
    input: 'table bridge fault\ndelete table bridge fault\n',
  });
};

/** Limits the uplink's rate in both directions; null removes the limit. */
export async function limitUplink(slot: Slot, school: number, kbit: number | null): Promise<void> {
  for (const where of [['tc', '-n', names.school(slot, school)], ['tc']]) {
    const device = where.length === 1 ? names.uplink(slot, school) : 'wan';
    if (kbit === null) await run([...where, 'qdisc', 'del', 'dev', device, 'root']);
    else
      await must([
        ...where,
        'qdisc',
        'replace',
        'dev',
        device,
        'root',
        'tbf',
        'rate',
        `${kbit}kbit`,
        'burst',
        `${Math.max(Math.ceil(kbit / 80), 4)}kb`,
        'latency',
        '1000ms',
      ]);
  }
}

export const setCable = (namespace: string, state: 'up' | 'down') =>
  must(['ip', '-n', namespace, 'link', 'set', 'eth0', state]);

/** Bytes that crossed the school's uplink since its creation: packages, states, reports, with
 * headers. */
export function uplinkBytes(slot: Slot, school: number): { fromCity: number; toCity: number } {
  const read = (name: string) =>
    Number(readFileSync(`/sys/class/net/${names.uplink(slot, school)}/statistics/${name}`, 'utf8'));
  return { fromCity: read('tx_bytes'), toCity: read('rx_bytes') };
}

export interface Leftovers {
  namespaces: string[];
  links: string[];
  processes: number[];
  mounts: string[];
}

/** What is left of the lab in this slot on the machine, found by inspecting the machine. */
export function leftoversOf(slot: Slot, folder: string | null): Leftovers {
  const namespaces = (existsSync('/run/netns') ? readdirSync('/run/netns') : []).filter((name) =>
    name.startsWith(names.prefix(slot)),
  );
  const links = readdirSync('/sys/class/net').filter(
    (name) => name === names.bridge(slot) || name.startsWith(`${names.bridge(slot)}-`),
  );
  const inodes = new Set(namespaces.map((name) => `net:[${statSync(`/run/netns/${name}`).ino}]`));
  const own = namespaceOf('self', 'net');
  const processes = processesWhere((pid) => {
    const net = namespaceOf(pid, 'net');
    if (net !== own) return inodes.has(net);
    if (folder === null || pid === process.pid) return false;
    // The controller is recognised by its data folder, Redis by the socket in its title, a server's
    // first process by its disk.
    if (
      readFileSync(`/proc/${pid}/environ`, 'utf8')
        .split('\0')
        .includes(`PREAU_DATA=${folder}/controller`)
    )
      return true;
    const title = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    return /^(\/usr\/bin\/)?redis-server |^unshare /.test(title) && title.includes(`${folder}/`);
  }).map(({ pid }) => pid);
  const mounts =
    folder === null
      ? []
      : readFileSync('/proc/mounts', 'utf8')
          .split('\n')
          .map((line) => line.split(' ')[1] ?? '')
          .filter((path) => path.startsWith(`${folder}/`));
  return { namespaces, links, processes, mounts };
}

/** Removes everything left of the lab in this slot; the bridge, which names the owner, goes
 * last. */
export async function sweep(slot: Slot, folder: string | null): Promise<void> {
  for (let round = 0; round < 100; round += 1) {
    const { processes } = leftoversOf(slot, folder);
    if (processes.length === 0) break;
    for (const pid of processes) signal(pid, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { namespaces, links, mounts } = leftoversOf(slot, folder);
  for (const path of mounts.reverse()) await run(['umount', '-l', path]);
  const cables = links.filter((name) => name !== names.bridge(slot));
  if (namespaces.length + cables.length > 0)
    await run(['ip', '-force', '-batch', '-'], {
      input: `${[
        ...cables.map((name) => `link del ${name}`),
        ...namespaces.map((name) => `netns del ` + `${name}`),
      ].join('\n')}\n`,
    });
  const bridge = names.bridge(slot);
  if (!links.includes(bridge)) return;
  const done = await run(['ip', 'link', 'del', bridge]);
  // Two that begin at once find the same dead: the other may have removed it.
  if (done.code !== 0 && existsSync(`/sys/class/net/${bridge}`)) throw new Error(done.stderr);
}
