/** Starts and ends the parts of a city on one machine, each as a process of its own with its output
 * in a file: for the demo, the tests and the benchmarks. Uses free ports and the given folders, and
 * none of the host's services. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const guacdRoot = join(root, '.data/tools/guacd-root');

export interface Service {
  name: string;
  pid: () => number;
  /** Terminates it, then kills it if needed; resolves once it has ended. */
  stop: () => Promise<void>;
  /** Kills it as a crash would, without time to clean up. */
  kill: () => Promise<void>;
  /** Starts it again after `kill` or a crash. */
  restart: () => void;
}

interface Definition {
  name: string;
  file: string;
  args: readonly string[];
  env?: Record<string, string>;
  logPath: string;
  /** Restarted when it ends by itself: the demo keeps itself alive. */
  keepAlive?: boolean;
}

export function startService(definition: Definition): Service {
  let child: ChildProcess;
  let exited: Promise<void>;
  let wanted = true;
  const start = () => {
    const log = openSync(definition.logPath, 'a', 0o600);
    // A process group of its own: Ctrl-C in the terminal reaches only the parent, which ends
    // everything in order.
    child = spawn(definition.file, [...definition.args], {
      stdio: ['ignore', log, log],
      detached: true,
      env: {
        PATH: process.env['PATH'] ?? '/usr/bin:/bin',
        HOME: '/root',
        NODE_NO_WARNINGS: '1',
        ...definition.env,
      },
    });
    closeSync(log);
    exited = new Promise((resolve) => {
      child.on('error', () => resolve());
      child.on('exit', () => {
        resolve();
        if (wanted && definition.keepAlive === true) setTimeout(() => wanted && start(), 500);
      });
    });
  };
  start();
  const end = async (signal: NodeJS.Signals) => {
    wanted = false;
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    const late = setTimeout(() => child.kill('SIGKILL'), 20_000);
    await exited;
    clearTimeout(late);
  };
  return {
    name: definition.name,
    pid: () => child.pid ?? 0,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    restart: () => {
      wanted = true;
      start();
    },
  };
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        resolve(typeof address === 'object' && address !== null ? address.port : 0),
      );
    });
  });
}

/** Polls `ready` every 30 ms until it is true. */
export async function until(
  what: string,
  ready: () => boolean | Promise<boolean>,
  timeoutMs = 20_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    if (await attempt(ready)) return;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

/** Thrown inside `until` when further waiting is pointless. */
export class GivenUp extends Error {}

async function attempt(ready: () => boolean | Promise<boolean>): Promise<boolean> {
  try {
    return await ready();
  } catch (error) {
    if (error instanceof GivenUp) throw error;
    return false;
  }
}

/** A private Redis on a unix socket, unreachable from the network. */
export function startRedis(
  folder: string,
  keepAlive = false,
): { service: Service; url: string; ready: () => boolean } {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const socket = join(folder, 'redis.sock');
  rmSync(socket, { force: true });
  const args = [
    '--port',
    '0',
    '--unixsocket',
    socket,
    '--dir',
    folder,
    '--appendonly',
    'yes',
    '--maxmemory-policy',
    'noeviction',
    '--save',
    '',
    '--daemonize',
    'no',
  ];
  return {
    service: startService({
      name: 'redis',
      file: '/usr/bin/redis-server',
      args,
      logPath: join(folder, 'redis.log'),
      keepAlive,
    }),
    url: `unix://${socket}`,
    ready: () => existsSync(socket),
  };
}

const guacdUser = 'preau-guacd';

function guacdAccount(): { uid: string; gid: string } {
  const known = () =>
    spawnSync('getent', ['passwd', guacdUser], { encoding: 'utf8' }).stdout.split(':');
  if (known().length < 4)
    spawnSync('useradd', [
      '--system',
      '--no-create-home',
      '--home-dir',
      '/nonexistent',
      '--shell',
      '/usr/sbin/nologin',
      guacdUser,
    ]);
  const [, , uid, gid] = known();
  if (uid === undefined || gid === undefined)
    throw new Error(`the account ${guacdUser} could not be made`);
  return { uid, gid };
}

/** guacd on loopback, in a root of its own, as its own user, which owns nothing but an empty home
 * (FreeRDP needs one). bubblewrap starts as root, because a checkout in a private home is closed to
 * other users; ending it ends everything inside. */
export function startGuacd(folder: string, port: number, keepAlive = false): Service {
  const { uid, gid } = guacdAccount();
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(guacdRoot, 'etc/passwd'),
    `root:x:0:0::/:/usr/sbin/nologin\n${guacdUser}:x:${uid}:${gid}::/tmp:/usr/sbin/nologin\n`,
  );
  return startService({
    name: 'guacd',
    file: '/usr/bin/bwrap',
    args: [
      ...['--ro-bind', guacdRoot, '/'],
      ...['--proc', '/proc'],
      ...['--dev', '/dev'],
      ...['--perms', '1777', '--tmpfs', '/tmp'],
      ...['--unshare-pid', '--unshare-ipc', '--die-with-parent'],
      ...['--clearenv', '--setenv', 'HOME', '/tmp'],
      ...['/usr/bin/setpriv', '--reuid', uid, '--regid', gid, '--clear-groups'],
      ...['--no-new-privs', '--bounding-set=-all', '--inh-caps=-all'],
      ...['/usr/sbin/guacd', '-f', '-b', '127.0.0.1', '-l', String(port), '-L', 'info'],
    ],
    logPath: join(folder, 'guacd.log'),
    keepAlive,
  });
}

export const startControllerProcess = (
  env: Record<string, string>,
  logPath: string,
  keepAlive = false,
): Service =>
  startService({
    name: 'controller',
    file: process.execPath,
    args: [join(root, 'controller/src/main.ts')],
    env,
    logPath,
    keepAlive,
  });

export const startAgentProcess = (
  env: Record<string, string>,
  logPath: string,
  keepAlive = false,
): Service =>
  startService({
    name: 'agent',
    file: process.execPath,
    args: [join(root, 'agent/src/main.ts'), 'run'],
    env,
    logPath,
    keepAlive,
  });

export function enrolAgent(
  env: Record<string, string>,
  code: { controllerUrl: string; controllerKey: string; code: string },
): void {
  const done = spawnSync(
    process.execPath,
    [
      join(root, 'agent/src/main.ts'),
      'enrol',
      '--controller',
      code.controllerUrl,
      `--key=${code.controllerKey}`,
      '--code',
      code.code,
    ],
    {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] ?? '', NODE_NO_WARNINGS: '1', ...env },
    },
  );
  if (done.status !== 0) throw new Error(`enrolment: ${done.stdout}${done.stderr}`);
}

/** A child process that answers questions, such as dev/fleet.ts. It ends when we do. */
export interface Talking {
  pid: number;
  /** Rejects with the child's error. */
  ask: (question: object) => Promise<unknown>;
  end: () => Promise<void>;
}

/** `inside`: the words of a program that starts it elsewhere, such as `ip netns exec NAME`. */
export function startTalking(
  file: string,
  logPath: string,
  inside: readonly string[] = [],
): Talking {
  const log = openSync(logPath, 'a', 0o600);
  const [program = '', ...words] = [...inside, process.execPath, join(root, file)];
  const child = spawn(program, words, {
    stdio: ['ignore', log, log, 'ipc'],
    detached: true,
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', NODE_NO_WARNINGS: '1' },
  });
  closeSync(log);
  const waiting = new Map<
    number,
    { resolve: (reply: unknown) => void; reject: (error: Error) => void }
  >();
  const exited = new Promise<void>((resolve) =>
    child.on('exit', () => {
      for (const { reject } of waiting.values()) reject(new Error(`${file} ended: see ${logPath}`));
      resolve();
    }),
  );
  child.on('message', (message: { id: number; reply?: unknown; error?: string }) => {
    const asked = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error === undefined) asked?.resolve(message.reply);
    else asked?.reject(new Error(message.error));
  });
  let last = 0;
  return {
    pid: child.pid ?? 0,
    ask: (question) =>
      new Promise((resolve, reject) => {
        if (!child.connected) return reject(new Error(`${file} ended: see ${logPath}`));
        waiting.set(++last, { resolve, reject });
        child.send({ id: last, question });
      }),
    end: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await exited;
    },
  };
}

interface Remembered {
  pid: number;
  started: string | null;
}

/** Records which processes belong to a folder, and who holds them, so that the next start can end
 * what a crash left behind. */
export function rememberProcesses(folder: string, services: readonly Service[]): void {
  const remembered = (pid: number): Remembered => ({ pid, started: startedAt(pid) });
  writeFileSync(
    join(folder, 'processes.json'),
    JSON.stringify({
      holder: remembered(process.pid),
      services: services.map((service) => remembered(service.pid())),
    }),
  );
}

/** Throws when another live process holds the folder. */
export function endLeftovers(folder: string): void {
  const path = join(folder, 'processes.json');
  if (!existsSync(path)) return;
  // The pid may belong to another process by now: the start time tells.
  const lives = ({ pid, started }: Remembered) => started !== null && startedAt(pid) === started;
  // Older files hold no object: they are ignored.
  const { holder, services = [] } = JSON.parse(readFileSync(path, 'utf8')) as {
    holder?: Remembered;
    services?: Remembered[];
  };
  if (holder !== undefined && lives(holder) && holder.pid !== process.pid)
    throw new Error(
      `Préau runs from this folder already: process ${holder.pid}. Nothing was changed.`,
    );
  for (const service of services) if (lives(service)) process.kill(service.pid, 'SIGKILL');
  rmSync(path);
}

function startedAt(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[19] ?? null;
  } catch {
    return null;
  }
}
