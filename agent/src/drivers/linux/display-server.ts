/** The agent's own xrdp and xrdp-sesman, in private mount, pid and IPC namespaces: the host's xrdp,
 * its files, ports and display numbers are never touched, no program reaches the shared memory that
 * holds the screens' pictures, and ending one process ends every display. */
import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { AppError } from '@preau/contract/errors.ts';
import { run, startDetached } from '#src/command.ts';
import {
  exists,
  isSameFile,
  makeFolder,
  names,
  readBytes,
  readText,
  remove,
  write,
} from '#src/files.ts';
import type { Layout } from './layout.ts';
import { endAll, listProcesses, type Process, pidNamespace } from './processes.ts';
import {
  oneUsePassword,
  pamConfiguration,
  type Sesman,
  serveScript,
  sesmanIni,
  sesmanOf,
  waitScript,
  xorgScript,
  xrdpIni,
} from './xrdp-files.ts';

/** A display server that runs. */
export interface DisplayServer {
  /** Where xrdp accepts RDP connections. */
  rdp: number;
  /** Its private /etc/xrdp; an earlier agent may have kept it elsewhere. */
  etc: string;
  sesman: Sesman;
  /** False when an earlier agent started it with another configuration. */
  isCurrent: boolean;
}

const programs = [
  '/usr/bin/bwrap',
  '/usr/sbin/xrdp',
  '/usr/sbin/xrdp-sesman',
  '/usr/bin/xrdp-sesrun',
  '/usr/lib/xorg/Xorg',
  '/usr/bin/openbox',
  '/usr/bin/xprop',
  '/usr/bin/dbus-run-session',
  '/usr/bin/setpriv',
  '/usr/bin/openssl',
  '/usr/bin/xauth',
];

/** xrdp 0.10 is recognised by a program that earlier versions do not have. */
const sesmanKind = (): Sesman['kind'] =>
  names('/usr/lib').some((name) => exists(join('/usr/lib', name, 'xrdp/xrdp-sesexec')))
    ? 'socket'
    : 'port';

/** Starts the display server, or finds the one that outlived the last agent. What is left of one
 * that has lost a part is ended first. `wantedPort` 0 picks a free one. Throws AppError
 * DISPLAY_FAILED, which names missing programs. */
export async function startDisplayServer(
  layout: Layout,
  wantedPort: number,
): Promise<DisplayServer> {
  const missing = programs.filter((program) => !exists(program));
  if (missing.length > 0)
    throw new AppError('DISPLAY_FAILED', {
      why:
        `missing ${missing.join(', ')}: apt-get install bubblewrap xrdp xorgxrdp openbox ` +
        'x11-utils dbus-daemon openssl xauth',
    });
  const running = runningServer(layout) ?? (await secondLook(layout));
  if (running !== null) return running;
  await stopDisplayServer(layout);

  const rdp = wantedPort === 0 ? await freePort(layout.rdpHost) : wantedPort;
  const sesman: Sesman =
    sesmanKind() === 'socket'
      ? { kind: 'socket', path: join(layout.xrdpRun, 'sockdir/sesman.socket') }
      : { kind: 'port', port: await freePort('127.0.0.1') };
  await writeConfiguration(layout, rdp, sesman);
  const started = await startDetached(
    '/usr/bin/bwrap',
    serverArguments(layout),
    join(layout.logs, 'display-server.log'),
  );
  await waitUntil(async () => isListening(rdp) && isAnswering(sesman), {
    what: 'the display server',
    log: 'display-server.log',
    timeoutMs: 10_000,
    exited: started.exited,
  });
  write(join(layout.run, 'ports.json'), JSON.stringify({ rdp, version: version(layout) }), 0o600);
  return { rdp, etc: layout.xrdpEtc, sesman, isCurrent: true };
}

/** Differs between agents that start display servers in different ways. */
const version = (layout: Layout): string =>
  createHash('sha256')
    .update(
      JSON.stringify([
        serverArguments(layout),
        xrdpIni(layout.rdpHost, 0),
        sesmanIni({ kind: 'port', port: 0 }),
        [serveScript, xorgScript, waitScript, oneUsePassword, pamConfiguration],
      ]),
    )
    .digest('hex');

/** The display server, if all of it runs: its bwrap, and what answers on both of its ports. */
export function runningServer(layout: Layout): DisplayServer | null {
  const { outer, inner } = findServer(layout);
  const known = readText(join(layout.run, 'ports.json'));
  const args = outer[0]?.args ?? [];
  const etc = args[args.indexOf('/etc/xrdp') - 1];
  const sesman = sesmanOf(readText(join(etc ?? '', 'sesman.ini')) ?? '');
  if (known === undefined || etc === undefined || sesman === null) return null;
  const ports = JSON.parse(known) as { rdp: number; version?: string };
  const hasAll = serverPrograms.every((name) => inner.some(({ args }) => isProgram(args, name)));
  return hasAll && isListening(ports.rdp) && isAnswering(sesman)
    ? { rdp: ports.rdp, etc, sesman, isCurrent: ports.version === version(layout) }
    : null;
}

/** The kernel's tables may miss a line while they change. Sessions must not end for that, so a server
 * whose programs all run is looked at again for two seconds. */
async function secondLook(layout: Layout): Promise<DisplayServer | null> {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const { inner } = findServer(layout);
    if (!serverPrograms.every((name) => inner.some(({ args }) => isProgram(args, name))))
      return null;
    await new Promise((resolve) => setTimeout(resolve, 200));
    const running = runningServer(layout);
    if (running !== null) return running;
  }
  return null;
}

const serverPrograms = ['xrdp', 'xrdp-sesman'];
const isProgram = (args: readonly string[], name: string) => args[0]?.split('/').at(-1) === name;

/** `outer`: the bwrap processes that contain this agent's display server. `inner`: everything in
 * their pid namespaces, also when bwrap itself is dead: xrdp and sesman are known by the folder that
 * they see as /run/xrdp. */
function findServer(layout: Layout): { outer: Process[]; inner: Process[] } {
  const all = listProcesses();
  const own = pidNamespace(process.pid);
  const outer = all.filter(
    ({ pid, args }) =>
      isProgram(args, 'bwrap') && args.includes(layout.xrdpRun) && pidNamespace(pid) === own,
  );
  const holders = new Set(outer.map(({ pid }) => pid));
  const spaces = new Set(
    all
      .filter(
        ({ pid, parent, args }) =>
          holders.has(parent) ||
          (serverPrograms.some((name) => isProgram(args, name)) &&
            isSameFile(`/proc/${pid}/root/run/xrdp`, layout.xrdpRun)),
      )
      .map(({ pid }) => pidNamespace(pid)),
  );
  const isInside = ({ pid }: Process) => {
    const space = pidNamespace(pid);
    return space !== undefined && space !== own && spaces.has(space);
  };
  return { outer, inner: all.filter(isInside) };
}

/** Ends the display server, or what is left of it, and every display with it. */
export async function stopDisplayServer(layout: Layout): Promise<void> {
  await endAll(() => {
    const { outer, inner } = findServer(layout);
    return [...inner, ...outer];
  }, 0);
}

const serverArguments = (layout: Layout): string[] => [
  '--dev-bind',
  '/',
  '/',
  '--bind',
  layout.xrdpEtc,
  '/etc/xrdp',
  '--bind',
  layout.xrdpRun,
  '/run/xrdp',
  '--ro-bind',
  layout.pamFile,
  '/etc/pam.d/xrdp-sesman',
  '--bind',
  layout.displayTmp,
  '/tmp',
  '--unshare-pid',
  // Shared by xrdp and all X servers: xrdp reads the pictures of each from shared memory.
  '--unshare-ipc',
  '--as-pid-1',
  '--proc',
  '/proc',
  // Should bubblewrap itself be killed, nothing of the server holds its port any longer.
  '/usr/bin/setpriv',
  '--pdeathsig',
  'KILL',
  '/bin/bash',
  '/etc/xrdp/serve',
];

async function writeConfiguration(layout: Layout, rdp: number, sesman: Sesman): Promise<void> {
  const xrdp = await userOf('xrdp');
  for (const folder of [layout.xrdpEtc, layout.xrdpRun, layout.displayTmp]) remove(folder);
  makeFolder(layout.xrdpEtc, 0o755);
  makeFolder(layout.xrdpRun, 0o755, { uid: xrdp.uid, gid: 0 });
  makeFolder(layout.credentials, 0o700);
  makeFolder(layout.displayTmp, 0o1777);
  makeFolder(layout.x11, 0o1777);
  // The folder is setgid: sockets of displays get xrdp's group, so that xrdp may connect.
  makeFolder(join(layout.xrdpRun, 'sockdir'), 0o3777, { uid: 0, gid: xrdp.gid });
  // Keyboard tables are copied from the package.
  for (const name of names('/etc/xrdp'))
    if (/^(km-.*|xrdp_keyboard)\.ini$/.test(name))
      write(join(layout.xrdpEtc, name), readBytes(join('/etc/xrdp', name)).toString('utf8'), 0o644);
  const key = join(layout.xrdpEtc, 'key.pem');
  const made = await run(
    '/usr/bin/openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      key,
      '-out',
      join(layout.xrdpEtc, 'cert.pem'),
      '-days',
      '3650',
      '-subj',
      '/CN=preau-display',
    ],
    { timeoutMs: 10_000 },
  );
  if (made.code !== 0)
    throw new AppError('DISPLAY_FAILED', { why: `openssl: ${made.stderr.slice(0, 300)}` });
  write(key, readText(key) ?? '', 0o600, xrdp);
  // xrdp requires this key pair too, though legacy encryption is off.
  const legacyKeys = join(layout.xrdpEtc, 'rsakeys.ini');
  await run('/usr/bin/xrdp-keygen', ['xrdp', legacyKeys, '2048'], { timeoutMs: 20_000 });
  write(legacyKeys, readText(legacyKeys) ?? '', 0o600, xrdp);
  const put = (name: string, text: string, mode = 0o644) =>
    write(join(layout.xrdpEtc, name), text, mode);
  put('xrdp.ini', xrdpIni(layout.rdpHost, rdp));
  put('sesman.ini', sesmanIni(sesman));
  put('serve', serveScript, 0o755);
  put('xorg', xorgScript, 0o755);
  put('wait', waitScript, 0o755);
  put('reconnectwm.sh', '#!/bin/sh\nexit 0\n', 0o755);
  put('one-use-password', oneUsePassword, 0o755);
  write(layout.pamFile, pamConfiguration, 0o644);
}

export async function userOf(name: string): Promise<{ uid: number; gid: number }> {
  const found = await run('/usr/bin/getent', ['passwd', name], { timeoutMs: 5000 });
  const [, , uid, gid] = found.stdout.split(':');
  if (found.code !== 0 || uid === undefined || gid === undefined)
    throw new AppError('DISPLAY_FAILED', { why: `no account ${name}` });
  return { uid: Number(uid), gid: Number(gid) };
}

function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, host, () => {
      const address = server.address();
      server.close(() =>
        resolve(typeof address === 'object' && address !== null ? address.port : 0),
      );
    });
  });
}

/** Reads the kernel's tables instead of connecting, because xrdp forks for each connection. */
function isListening(port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const tables = ['/proc/net/tcp', '/proc/net/tcp6'].map((table) => readText(table) ?? '');
  return new RegExp(`:${hex} [0-9A-F]+:0000 0A`).test(tables.join(''));
}

/** A socket file outlives what listened on it: the kernel's table shows what listens. */
const isAnswering = (sesman: Sesman): boolean =>
  sesman.kind === 'socket'
    ? (readText('/proc/net/unix') ?? '')
        .split('\n')
        .some((line) => / 00010000 /.test(line) && line.endsWith(` ${sesman.path}`))
    : isListening(sesman.port);

/** Waits for a program that was started. `log`: the name of the file it writes to. Throws AppError
 * DISPLAY_FAILED when it ends or the time is over. */
export async function waitUntil(
  done: () => Promise<boolean>,
  program: { what: string; log: string; timeoutMs: number; exited: Promise<number | null> },
): Promise<void> {
  let gone = false;
  void program.exited.then(() => {
    gone = true;
  });
  const deadline = performance.now() + program.timeoutMs;
  while (!(await done())) {
    if (gone || performance.now() > deadline)
      throw new AppError('DISPLAY_FAILED', {
        why: gone
          ? `${program.what} ended at once: see ${program.log}`
          : `${program.what} did not come up in time`,
      });
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
