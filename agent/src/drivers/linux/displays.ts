/** Displays: a throw-away account, and an X server and a window manager that run under it. One
 * display serves one session and is then destroyed. Starting X takes most of a second on a busy
 * server, so a few stand by. */
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { AppError } from '@preau/contract/errors.ts';
import { run } from '#src/command.ts';
import type { IssuedCredentials } from '#src/drivers/driver.ts';
import { exists, makeFolder, names, remove, write } from '#src/files.ts';
import { type DisplayServer, userOf } from './display-server.ts';
import type { Layout } from './layout.ts';
import { endAll, listProcesses, type Process, readProcess } from './processes.ts';
import { startWindowManager } from './window-manager.ts';
import { loopbacks, sesrunArguments } from './xrdp-files.ts';

export interface Display {
  /** The throw-away account. */
  account: string;
  uid: number;
  /** X display number. */
  number: number;
  /** Process id of the X server; absent in files of earlier agents. */
  pid?: number;
}

/** useradd and userdel share one lock on the machine's accounts: calls queue here rather than
 * fail. */
let accountsLock: Promise<unknown> = Promise.resolve();
const withAccounts = <T>(change: () => Promise<T>): Promise<T> => {
  const next = accountsLock.then(change, change);
  accountsLock = next.catch(() => undefined);
  return next;
};

const homeOf = (layout: Layout, account: string) => join(layout.displays, account);
const credentialOf = (layout: Layout, account: string) => join(layout.credentials, account);
export const cookieOf = (layout: Layout, account: string) =>
  join(homeOf(layout, account), '.Xauthority');
export const socketOf = (layout: Layout, display: Display) =>
  join(layout.x11, `X${display.number}`);

/** Throws AppError DISPLAY_FAILED, and leaves nothing behind in that case. */
export async function createDisplay(layout: Layout, server: DisplayServer): Promise<Display> {
  const account = `${layout.prefix}-${randomBytes(5).toString('hex')}`;
  const home = homeOf(layout, account);
  try {
    const added = await withAccounts(() =>
      run(
        '/usr/sbin/useradd',
        [
          '--system',
          '--no-create-home',
          '--home-dir',
          home,
          '--shell',
          '/usr/sbin/nologin',
          '--gid',
          'nogroup',
          '--no-log-init',
          '--comment',
          'Preau display',
          account,
        ],
        { timeoutMs: 20_000 },
      ),
    );
    if (added.code !== 0)
      throw new AppError('DISPLAY_FAILED', { why: `useradd: ${added.stderr.slice(0, 300)}` });
    const user = await userOf(account);
    makeFolder(home, 0o700, user);
    const number = await startX(layout, server, account);
    const display = { account, uid: user.uid, number };
    const deadline = performance.now() + 15_000;
    while (!exists(socketOf(layout, display))) {
      if (performance.now() > deadline)
        throw new AppError('DISPLAY_FAILED', { why: `X server :${number} did not come up` });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    // Without the cookie no program can connect to this display.
    if (!exists(cookieOf(layout, account)))
      throw new AppError('DISPLAY_FAILED', {
        why: `display :${number} has no cookie: apt-get install xauth`,
      });
    await startWindowManager(layout, {
      ...display,
      socket: socketOf(layout, display),
      cookie: cookieOf(layout, account),
      folder: join(home, 'window-manager'),
    });
    const pid = listProcesses().find(isXOf(display))?.pid;
    return pid === undefined ? display : { ...display, pid };
  } catch (error) {
    await destroyDisplay(layout, account).catch(() => undefined);
    throw error;
  }
}

/** Asks sesman for an X server of the account and returns its display number. */
async function startX(layout: Layout, server: DisplayServer, account: string): Promise<number> {
  const { password } = grantOnce(layout, account);
  const hosts = server.sesman.kind === 'port' ? loopbacks : [''];
  let said = '';
  for (const host of hosts) {
    const { stdout, stderr, timedOut } = await run(
      '/usr/bin/xrdp-sesrun',
      sesrunArguments(server.sesman.kind, host, join(server.etc, 'sesman.ini'), account),
      { timeoutMs: 20_000, input: `${password}\n` },
    );
    const number = Number(/display=:(\d+)/.exec(stdout)?.[1] ?? Number.NaN);
    if (/^ok/m.test(stdout) && !Number.isNaN(number)) return number;
    said += stdout + stderr;
    if (timedOut) said += 'no answer';
    // Once the password is used, sesman was reached and has refused.
    if (timedOut || !grantPending(layout, account)) break;
  }
  throw new AppError('DISPLAY_FAILED', { why: `xrdp-sesrun: ${said.slice(0, 300)}` });
}

/** True while its X server runs and accepts clients. */
export const displayLives = (layout: Layout, display: Display): boolean =>
  exists(socketOf(layout, display)) &&
  exists(cookieOf(layout, display.account)) &&
  (display.pid === undefined ? listProcesses() : [readProcess(display.pid)]).some(isXOf(display));

const isXOf = (display: Display) => (process: Process | undefined) =>
  process?.uid === display.uid && process.args[0]?.endsWith('/Xorg') === true;

/** A new password that opens the account once: 128 random bits. Only its hash is written to
 * disk. */
export function grantOnce(
  layout: Layout,
  account: string,
): Pick<IssuedCredentials, 'username' | 'password'> {
  const password = randomBytes(16).toString('base64url');
  write(credentialOf(layout, account), createHash('sha256').update(password).digest('hex'), 0o600);
  return { username: account, password };
}

export const grantPending = (layout: Layout, account: string): boolean =>
  exists(credentialOf(layout, account));

/** Removes the display's processes, password, sockets, account and home. Safe to repeat, also when
 * only some of them exist. */
export async function destroyDisplay(
  layout: Layout,
  account: string,
  number?: number,
): Promise<void> {
  remove(credentialOf(layout, account));
  const user = await userOf(account).catch(() => undefined);
  if (user !== undefined) {
    // X removes its socket and lock when asked to end; half a second is plenty.
    await endAll(() => listProcesses().filter((process) => process.uid === user.uid), 500);
    await withAccounts(async () => {
      const removed = await run('/usr/sbin/userdel', [account], { timeoutMs: 20_000 });
      if (removed.code !== 0 && removed.code !== 6)
        throw new AppError('DISPLAY_FAILED', { why: `userdel: ${removed.stderr.slice(0, 300)}` });
    });
  }
  // Another display may use the number by now. An X server exists before its socket does, so
  // without a server the socket is stale.
  if (
    number !== undefined &&
    !listProcesses().some(
      (process) => process.args[0]?.endsWith('/Xorg') === true && process.args[1] === `:${number}`,
    )
  ) {
    remove(join(layout.x11, `X${number}`));
    remove(join(layout.displayTmp, `.X${number}-lock`));
  }
  remove(homeOf(layout, account));
}

/** Display accounts that exist in the system's own list, including those that an agent that died
 * left behind. */
export async function listDisplayAccounts(layout: Layout): Promise<string[]> {
  const { stdout } = await run('/usr/bin/getent', ['passwd'], { timeoutMs: 5000 });
  const pattern = new RegExp(`^${layout.prefix}-[0-9a-f]{10}$`);
  const accounts = stdout
    .split('\n')
    .map((line) => line.split(':')[0] ?? '')
    .filter((name) => pattern.test(name));
  return [...new Set([...accounts, ...names(layout.displays)])];
}
