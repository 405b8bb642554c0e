/** The agent's own xrdp and xrdp-sesman, in a private mount and pid namespace: the host's xrdp, its
 * files, ports and display numbers are never touched, and ending one process ends every display. */
import { createServer } from 'node:net';
import { join } from 'node:path';
import { AppError } from '@preau/contract/errors.ts';
import { run, startDetached } from '#src/command.ts';
import { exists, makeFolder, names, readBytes, readText, remove, write } from '#src/files.ts';
import type { Layout } from './layout.ts';
import { listProcesses, type Process, signal } from './processes.ts';
import {
  oneUsePassword,
  pamConfiguration,
  type Sesman,
  serveScript,
  sesmanIni,
  waitScript,
  xrdpIni,
} from './xrdp-files.ts';

export interface Ports {
  rdp: number;
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
export const sesmanKind = (): Sesman['kind'] =>
  names('/usr/lib').some((name) => exists(join('/usr/lib', name, 'xrdp/xrdp-sesexec')))
    ? 'socket'
    : 'port';

/** Starts the display server, or finds the one that outlived the last agent. `wantedPort` 0 picks a
 * free one. Throws AppError DISPLAY_FAILED, which names missing programs. */
export async function startDisplayServer(layout: Layout, wantedPort: number): Promise<Ports> {
  const missing = programs.filter((program) => !exists(program));
  if (missing.length > 0)
    throw new AppError('DISPLAY_FAILED', {
      why:
        `missing ${missing.join(', ')}: apt-get install bubblewrap xrdp xorgxrdp openbox ` +
        'x11-utils dbus-daemon openssl xauth',
    });
  const running = findServer(layout);
  const known = readText(join(layout.run, 'ports.json'));
  const isOurs = known !== undefined && exists(join(layout.xrdpEtc, 'sesman.ini'));
  if (running.length > 0 && isOurs) return JSON.parse(known) as Ports;
  // An agent with other folders started this one: it would keep our port.
  if (running.length > 0) await stopDisplayServer(layout);

  const ports = { rdp: wantedPort === 0 ? await freePort(layout.rdpHost) : wantedPort };
  const sesman: Sesman =
    sesmanKind() === 'socket'
      ? { kind: 'socket', path: join(layout.xrdpRun, 'sockdir/sesman.socket') }
      : { kind: 'port', port: await freePort('127.0.0.1') };
  await writeConfiguration(layout, ports, sesman);
  const started = await startDetached(
    '/usr/bin/bwrap',
    serverArguments(layout),
    join(layout.logs, 'display-server.log'),
  );
  await waitUntil(
    async () => (await isListening(layout.rdpHost, ports.rdp)) && (await isAnswering(sesman)),
    10_000,
    started.exited,
  );
  write(join(layout.run, 'ports.json'), JSON.stringify(ports), 0o600);
  return ports;
}

/** The bwrap process that contains this agent's display server. */
const findServer = (layout: Layout): Process[] =>
  listProcesses().filter(
    (process) =>
      process.args[0]?.endsWith('bwrap') === true && process.args.includes(layout.xrdpRun),
  );

export const displayServerRuns = (layout: Layout): boolean => findServer(layout).length > 0;

/** Ends the display server and every display with it. */
export async function stopDisplayServer(layout: Layout): Promise<void> {
  const servers = findServer(layout);
  const pids = new Set(servers.map((process) => process.pid));
  // Its only child is process 1 of the namespace: the kernel ends the rest with it.
  for (const process of listProcesses())
    if (pids.has(process.parent)) signal(process.pid, 'SIGKILL');
  for (const pid of pids) signal(pid, 'SIGKILL');
  await waitUntil(async () => findServer(layout).length === 0, 5000);
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
  '--as-pid-1',
  '--proc',
  '/proc',
  '/bin/sh',
  '/etc/xrdp/serve',
];

async function writeConfiguration(layout: Layout, ports: Ports, sesman: Sesman): Promise<void> {
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
  put('xrdp.ini', xrdpIni(layout.rdpHost, ports.rdp));
  put('sesman.ini', sesmanIni(sesman));
  put('serve', serveScript, 0o755);
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

/** Reads the kernel's table instead of connecting, because xrdp forks for each connection. */
async function isListening(host: string, port: number): Promise<boolean> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const table = readText(host === '::1' ? '/proc/net/tcp6' : '/proc/net/tcp') ?? '';
  const mapped = host === '::1' ? '' : (readText('/proc/net/tcp6') ?? '');
  return new RegExp(`:${hex} [0-9A-F]+:0000 0A`).test(table + mapped);
}

const isAnswering = async (sesman: Sesman): Promise<boolean> =>
  sesman.kind === 'socket'
    ? exists(sesman.path)
    : (await isListening('127.0.0.1', sesman.port)) || (await isListening('::1', sesman.port));

async function waitUntil(
  done: () => Promise<boolean>,
  timeoutMs: number,
  exited?: Promise<number | null>,
): Promise<void> {
  let gone = false;
  void exited?.then(() => {
    gone = true;
  });
  const deadline = Date.now() + timeoutMs;
  while (!(await done())) {
    if (gone || Date.now() > deadline)
      throw new AppError('DISPLAY_FAILED', {
        why: gone
          ? 'the display server ended at once: see display-server.log'
          : 'the display server did not come up or down in time',
      });
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
