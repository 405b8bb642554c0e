/** A school's server as a virtual machine: a kernel of its own, systemd's own limits, a disk that
 * loses what was not written when the power is cut. Emulated (no hardware support is needed), so
 * about ten times slower than a real one. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { must, run, startTalking, type Talking } from '../lab/host.ts';
import { names, serverAddress } from '../lab/network.ts';
import type { Ground } from '../machines/ground.ts';
import { type Bootable, insisting, type RunIn } from '../machines/machine.ts';
import { root as checkout, GivenUp, until } from '../services.ts';
import { type Image, prepareEmulator, prepareImage } from './image.ts';

export interface VirtualMachine extends Bootable {
  /** Powers it on with its clock set to that instant. */
  startAt: (clock: Date) => Promise<void>;
}

const bootMs = 300_000;

/** Powers it on. */
export async function openVirtualMachine(ground: Ground): Promise<VirtualMachine> {
  const emulator = await prepareEmulator();
  const image = await prepareImage();
  const folder = join(ground.folder, 'virtual-machine');
  const log = join(folder, 'console.log');
  mkdirSync(folder, { recursive: true });
  writeFileSync(log, '');
  const link = `${names.bridge(ground.slot)}-vm`;
  await must(['ip', 'tuntap', 'add', 'dev', link, 'mode', 'tap']);
  await must(['ip', 'link', 'set', link, 'master', names.bridge(ground.slot), 'up']);
  const address = serverAddress(ground.slot, 1, 1);
  const inEmulator = (...argv: string[]) => [
    ...['unshare', '--mount', '--pid', '--fork', '--kill-child', '--'],
    ...['bash', join(checkout, 'dev/virtual-machine/qemu.sh')],
    ...[emulator, folder, dirname(image.disk), ...argv],
  ];
  const layer = ['-f', 'qcow2', '-F', 'raw', '-b', '/srv/disk', '/mnt/disk'];
  await made(inEmulator('qemu-img', 'create', '-q', ...layer), log);
  const machine = runningOn({
    folder,
    log,
    address,
    ground,
    argv: (clock) => inEmulator(...emulated({ link, address, ground, clock })),
    ssh: sshTo(address, folder, image),
  });
  try {
    await machine.start();
  } catch (error) {
    await machine.close();
    throw error;
  }
  return machine;
}

/** Its input stays open until it has ended. */
async function made(argv: readonly string[], log: string): Promise<void> {
  const child = startTalking(argv, (line) => appendFileSync(log, `${line}\n`));
  await until('the disk', () => child.exitCode !== null, 30_000);
  if (child.exitCode !== 0) throw new Error(`no disk: ${readFileSync(log, 'utf8')}`);
}

/** The emulator and its arguments. */
function emulated(machine: {
  link: string;
  address: string;
  ground: Ground;
  clock: Date | null;
}): string[] {
  const { link, address, ground, clock } = machine;
  const card = `${address}::${ground.cityAddress}:255.255.0.0:serveur-1:eth0:none`;
  return [
    ...['qemu-system-x86_64', '-accel', 'tcg,thread=multi', '-smp', '2', '-m', '1536'],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-serial', 'stdio'],
    ...['-kernel', '/srv/kernel', '-initrd', '/srv/initrd'],
    ...['-append', `root=/dev/vda rw console=ttyS0 net.ifnames=0 ip=${card}`],
    ...['-drive', 'file=/mnt/disk,if=virtio,format=qcow2'],
    ...['-netdev', `tap,id=cable,ifname=${link},script=no,downscript=no`],
    ...['-device', 'virtio-net-pci,netdev=cable', '-device', 'virtio-rng-pci'],
    ...['-rtc', `base=${clock === null ? 'utc' : clock.toISOString().slice(0, 19)}`],
  ];
}

interface Ssh {
  run: (line: string, options: RunIn) => ReturnType<typeof run>;
  /** Forgets the connection: the other end has lost its power. */
  forget: () => Promise<void>;
}

/** One connection for all commands: each new one costs the emulated processor a second. */
function sshTo(address: string, folder: string, { sshKey }: Image): Ssh {
  const socket = join(folder, 'ssh');
  const argv = [
    ...[
      'ssh',
      '-i',
      sshKey,
      '-o',
      'StrictHostKeyChecking=no',
      '-o',
      'UserKnownHostsFile=/dev/null',
    ],
    ...['-o', 'BatchMode=yes', '-o', 'LogLevel=ERROR', '-o', 'ConnectTimeout=10'],
    ...['-o', 'ServerAliveInterval=5', '-o', `ControlPath=${socket}`],
  ];
  return {
    run: async (line, { timeoutMs = 120_000, input, env = {} }) => {
      if (!existsSync(socket))
        await run([...argv, '-o', 'ControlMaster=yes', '-fN', `root@${address}`], {
          timeoutMs: 30_000,
        });
      const settings = Object.entries(env).map(([name, value]) => `${name}=${quoted(value)}`);
      return run([...argv, `root@${address}`, [...settings, 'sh', '-c', quoted(line)].join(' ')], {
        timeoutMs,
        ...(input === undefined ? {} : { input }),
      });
    },
    forget: async () => {
      await run([...argv, '-O', 'exit', `root@${address}`], { timeoutMs: 10_000 });
      rmSync(socket, { force: true });
    },
  };
}

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

interface Parts {
  folder: string;
  log: string;
  address: string;
  ground: Ground;
  argv: (clock: Date | null) => string[];
  ssh: Ssh;
}

function runningOn({ folder, log, address, ground, argv, ssh }: Parts): VirtualMachine {
  const name = 'serveur-1';
  let holder: Talking | null = null;
  const consoleText = () => readFileSync(log, 'utf8');
  const isOn = () => holder !== null && holder.exitCode === null && holder.signalCode === null;
  const runIn = (line: string, options: RunIn = {}) => ssh.run(line, options);
  const bootId = async () =>
    (await runIn('cat /proc/sys/kernel/random/boot_id', { timeoutMs: 20_000 })).stdout.trim();

  /** Waits until a boot other than `before` has started everything. */
  const up = (before: string) =>
    until(
      `${name} to boot`,
      async () => {
        if (!isOn()) throw new GivenUp(`${name} did not boot: ${consoleText().slice(-1500)}`);
        const now = await bootId();
        if (now === '' || now === before) {
          await ssh.forget();
          return false;
        }
        return /^(running|degraded)/.test(
          (await runIn('systemctl is-system-running', { timeoutMs: 20_000 })).stdout,
        );
      },
      bootMs,
    );
  const off = async (withinMs: number) => {
    await until(`the end of ${name}`, () => !isOn(), withinMs);
    await ssh.forget();
    holder = null;
  };
  const insist = async () => {
    await runIn('systemctl reboot --ignore-inhibitors');
  };
  const pullPlug = async () => {
    if (!isOn()) return;
    holder?.stdin?.end();
    await off(10_000);
  };
  const startWith = async (clock: Date | null) => {
    if (isOn()) throw new Error(`${name} is powered on`);
    holder = startTalking(argv(clock), (line) => appendFileSync(log, `${line}\n`));
    await up('');
    const sources = ground.packages.sourcesList('bookworm');
    await runIn('cat > /etc/apt/sources.list', { input: sources });
  };

  return {
    suite: 'bookworm',
    name,
    address,
    cityAddress: ground.cityAddress,
    ground,
    run: runIn,
    must: insisting(name, runIn),
    isOn,
    start: () => startWith(null),
    startAt: startWith,
    reboot: async (order = insist) => {
      const before = await bootId();
      await order();
      await up(before);
    },
    powerOff: async () => {
      await runIn('systemctl poweroff');
      await off(200_000);
    },
    pullPlug,
    close: async () => {
      await pullPlug();
      rmSync(folder, { recursive: true, force: true });
    },
    console: consoleText,
  };
}
