/** A school of the lab, its uplink and its servers; each server has its own root, process table and
 * network. */
import { existsSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '../client.ts';
import { until } from '../services.ts';
import { baseFolder } from './base.ts';
import {
  type Done,
  type HostProcess,
  must,
  namespaceOf,
  processesWhere,
  type RunOptions,
  residentKib,
  run,
  signal,
  startTalking,
  type Talking,
} from './host.ts';
import {
  dropNothing,
  dropOnUplink,
  limitUplink,
  names,
  type Slot,
  serverAddress,
  setCable,
  uplinkBytes,
} from './network.ts';

const agentRun = '/opt/preau/node /opt/preau/preau-agent.mjs run';

/** A program inside a server that can be stopped and restarted. */
interface Inner {
  /** The pid on this machine; 0 when it does not run. */
  pid: () => number;
  /** Kills it, as a crash would. False when it was not running. */
  kill: () => boolean;
  start: () => Promise<void>;
  /** Kills it if it runs, then starts it. */
  restart: () => Promise<void>;
  freeze: () => boolean;
  thaw: () => boolean;
}

export interface LabServer {
  name: string;
  /** The school's number, from 1; `number` counts the servers within the school. */
  school: number;
  number: number;
  address: string;
  /** Changes after `reimage`. */
  serverId: () => string;
  /** The path of the server's root on this machine, while it is powered on. */
  root: () => string;
  run: (argv: readonly string[], options?: RunOptions) => Promise<Done>;
  processes: () => HostProcess[];
  agent: Inner;
  sshd: Inner;
  /** Version of an installed package; null when dpkg does not list it as installed. */
  installed: (name: string) => Promise<string | null>;
  /** How often dpkg has started to install a package in this root. */
  installs: (name: string) => number;
  agentLog: () => string;
  residentKib: () => number;
  /** kill -9 of apt, dpkg and everything they started. Returns the number of processes killed. */
  killInstaller: () => number;
  unplug: () => Promise<void>;
  plug: () => Promise<void>;
  /** Only with a disk of its own (`diskMib`). Returns the bytes left. */
  fillDisk: () => Promise<number>;
  freeDisk: () => Promise<void>;
  powerOff: () => Promise<void>;
  /** Starts from its existing disk; starts the agent too if it is enrolled. */
  powerOn: () => Promise<void>;
  /** A new disk and a new enrolment; the old server is retired. */
  reimage: () => Promise<void>;
}

export interface School {
  number: number;
  name: string;
  siteId: string;
  servers: LabServer[];
  /** Its first server. */
  first: LabServer;
  addresses: string[];
  /** Bytes that crossed the uplink, of any kind. */
  uplinkBytes: () => { fromCity: number; toCity: number };
  /** Silently drops everything on the uplink. `mend` undoes it, as well as `lose`. */
  cut: () => Promise<void>;
  lose: (percent: number) => Promise<void>;
  mend: () => Promise<void>;
  slow: (kbit: number) => Promise<void>;
  quicken: () => Promise<void>;
}

export interface SchoolPlan {
  slot: Slot;
  number: number;
  name: string;
  siteId: string;
  servers: number;
  folder: string;
  /** Files copied to every new server. */
  seed: string;
  /** 0: unlimited, on this machine's own disk. */
  diskMib: number;
  agentBundle: string;
  technician: Client;
  controllerUrl: string;
}

export function createSchool(plan: SchoolPlan): School {
  const { slot, number } = plan;
  const namespace = names.school(slot, number);
  const servers = Array.from({ length: plan.servers }, (_, index) => createServer(plan, index + 1));
  const [first] = servers;
  if (first === undefined) throw new Error(`${plan.name} has no server`);
  return {
    number,
    name: plan.name,
    siteId: plan.siteId,
    servers,
    first,
    addresses: servers.map((server) => server.address),
    uplinkBytes: () => uplinkBytes(slot, number),
    cut: () => dropOnUplink(namespace, 100),
    lose: (percent) => dropOnUplink(namespace, percent),
    mend: () => dropNothing(namespace),
    slow: (kbit) => limitUplink(slot, number, kbit),
    quicken: () => limitUplink(slot, number, null),
  };
}

function createServer(plan: SchoolPlan, number: number): LabServer {
  const { slot } = plan;
  const namespace = names.server(slot, plan.number, number);
  const name = `ecole-${String(plan.number).padStart(2, '0')}-${number}`;
  const address = serverAddress(slot, plan.number, number);
  const disk = join(plan.folder, 'disks', name);
  let serverId = '';
  let init: { child: Talking; pid: number; pids: string } | null = null;

  const powered = () => {
    if (init === null) throw new Error(`${name} is powered off`);
    return init;
  };
  const processes = () =>
    init === null ? [] : processesWhere((pid) => namespaceOf(pid, 'pid') === init?.pids);
  const inside = (argv: readonly string[]) => [
    'nsenter',
    '--target',
    String(powered().pid),
    '--mount',
    '--pid',
    '--net',
    '--uts',
    '--ipc',
    '--root',
    '--wd',
    '--',
    ...argv,
  ];
  const send = (line: string) => powered().child.stdin?.write(`${line}\n`);
  const rootPath = () => `/proc/${powered().pid}/root`;

  const inner = (find: (args: readonly string[]) => boolean, line: string): Inner => {
    const pid = () => processes().find((process) => find(process.args))?.pid ?? 0;
    const tell = (name: NodeJS.Signals) => {
      const known = pid();
      return known !== 0 && signal(known, name);
    };
    const gone = async (old: number) => {
      if (old !== 0) await until('its end', () => pid() !== old);
    };
    const start = async () => {
      send(line);
      await until(`${name}: ${line.slice(0, 40)}`, () => pid() !== 0);
    };
    return {
      pid,
      start,
      kill: () => tell('SIGKILL'),
      freeze: () => tell('SIGSTOP'),
      thaw: () => tell('SIGCONT'),
      restart: async () => {
        const old = pid();
        tell('SIGKILL');
        await gone(old);
        await start();
      },
    };
  };
  const agent = inner(
    (args) => args[1] === '/opt/preau/preau-agent.mjs' && args[2] === 'run',
    `exec env PREAU_AGENT_RDP_HOST=${address} PREAU_AGENT_RDP_PORT=3390 NODE_NO_WARNINGS=1 ` +
      `${agentRun} >> /var/log/preau-agent.log 2>&1`,
  );
  const sshd = inner(
    (args) => /sshd.*\[listener\]|^\/usr\/sbin\/sshd$/.test(args[0] ?? ''),
    'exec /usr/sbin/sshd -D -e -o UseDNS=no -o UsePAM=no >> /var/log/sshd.log 2>&1',
  );

  const boot = () =>
    new Promise<void>((resolve, reject) => {
      const said: string[] = [];
      const child = startTalking(
        [
          'nsenter',
          `--net=/run/netns/${namespace}`,
          'unshare',
          '--mount',
          '--pid',
          '--fork',
          '--uts',
          '--ipc',
          '--kill-child',
          '--',
          '/bin/bash',
          join(import.meta.dirname, 'boot.sh'),
          baseFolder,
          disk,
          String(plan.diskMib),
          plan.seed,
          process.execPath,
          plan.agentBundle,
          name,
        ],
        (line) => {
          const pid = Number(/^up (\d+)$/.exec(line)?.[1] ?? 0);
          if (pid === 0) said.push(line);
          else {
            init = { child, pid, pids: namespaceOf(pid, 'pid') };
            resolve();
          }
        },
      );
      child.on('error', reject);
      child.on('exit', (code) => {
        if (init?.child === child) init = null;
        reject(
          new Error(`${name} did not start (${code ?? 'signal'}): ${said.join('\n').slice(-800)}`),
        );
      });
    });
  const powerOff = async () => {
    if (init === null) return;
    const { child, pid } = init;
    signal(pid, 'SIGKILL');
    // The kernel reaps a namespace's first process only after all others in it have ended.
    await until(`the end of ${name}`, () => child.exitCode !== null || child.signalCode !== null);
    init = null;
  };
  const powerOn = async () => {
    await boot();
    await sshd.start();
    if (!existsSync(join(rootPath(), 'var/lib/preau-agent/identity.json'))) {
      const code = await plan.technician.call('createEnrolmentCode', {
        params: { id: plan.siteId },
        body: {
          serverName: number === 1 ? 'Serveur pédagogique' : `Serveur pédagogique ${number}`,
        },
      });
      const told = await must(
        inside([
          '/opt/preau/node',
          '/opt/preau/preau-agent.mjs',
          'enrol',
          '--controller',
          plan.controllerUrl,
          `--key=${code.controllerKey}`,
          '--code',
          code.code,
        ]),
      );
      serverId = /Enrolled as (\S+)\./.exec(told)?.[1] ?? '';
      if (serverId === '') throw new Error(`${name}: ${told}`);
    }
    await agent.start();
  };

  return {
    name,
    school: plan.number,
    number,
    address,
    agent,
    sshd,
    processes,
    powerOff,
    powerOn,
    serverId: () => serverId,
    root: rootPath,
    run: (argv, options) => run(inside(argv), options),
    installed: async (packageName) => {
      const [status, version] = (
        await run(inside(['dpkg-query', '-W', '-f', '${db:Status-Status} ${Version}', packageName]))
      ).stdout.split(' ');
      return status === 'installed' ? (version ?? null) : null;
    },
    installs: (packageName) => {
      const log = join(rootPath(), 'var/log/dpkg.log');
      return existsSync(log)
        ? readFileSync(log, 'utf8')
            .split('\n')
            .filter((line) => line.includes(` install ${packageName}:`)).length
        : 0;
    },
    agentLog: () => readFileSync(join(rootPath(), 'var/log/preau-agent.log'), 'utf8'),
    residentKib: () => residentKib(agent.pid()),
    killInstaller: () => {
      const all = processes();
      const doomed = new Set(
        all
          .filter(({ args }) => /^(\/usr\/bin\/)?(apt-get|apt|dpkg|dpkg-deb)$/.test(args[0] ?? ''))
          .map(({ pid }) => pid),
      );
      // Parents usually come before children in the table, but not always: repeat until nothing is
      // added.
      for (let before = -1; before !== doomed.size; ) {
        before = doomed.size;
        for (const { pid, parent } of all) if (doomed.has(parent)) doomed.add(pid);
      }
      return [...doomed].filter((pid) => signal(pid, 'SIGKILL')).length;
    },
    unplug: async () => {
      await setCable(namespace, 'down');
    },
    plug: async () => {
      await setCable(namespace, 'up');
    },
    fillDisk: async () => {
      if (plan.diskMib === 0)
        throw new Error(
          `the disk of ${name} is this machine's own, which is not filled: start the lab with diskMib`,
        );
      await run(inside(['sh', '-c', 'cat /dev/zero > /var/filling 2>/dev/null; sync']));
      const { bavail, bsize } = statfsSync(rootPath());
      return bavail * bsize;
    },
    freeDisk: async () => {
      await must(inside(['rm', '-f', '/var/filling']));
    },
    reimage: async () => {
      await powerOff();
      rmSync(disk, { recursive: true, force: true });
      const old = serverId;
      await powerOn();
      if (old !== '') await plan.technician.call('retireServer', { params: { id: old } });
    },
  };
}
