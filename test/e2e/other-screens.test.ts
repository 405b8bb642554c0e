/** A program that tries to read another person's screen, in a real sandbox on the real display
 * server, while the other's picture is on its way to a browser. */
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RealDriver, realDriver } from '../../agent/src/drivers/linux/driver.fixture.ts';
import { listProcesses } from '../../agent/src/drivers/linux/processes.ts';
import { sesmanOf } from '../../agent/src/drivers/linux/xrdp-files.ts';
import { openBarely } from '../../dev/bare-client.ts';
import { freePort, type Service, startGuacd, until } from '../../dev/services.ts';

let real: RealDriver;
let guacd: Service;
let guacdPort = 0;
const folder = mkdtempSync(join(tmpdir(), 'preau-screens-'));
beforeAll(async () => {
  guacdPort = await freePort();
  guacd = startGuacd(join(folder, 'guacd'), guacdPort);
  real = realDriver();
  await real.driver.start();
});
afterAll(async () => {
  await real.end();
  await guacd.stop();
  rmSync(folder, { recursive: true, force: true });
});

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};
const holding = (words: string): number[] =>
  listProcesses()
    .filter(({ pid }) => read(`/proc/${pid}/environ`).includes(words))
    .map(({ pid }) => pid);
/** Abstract sockets that the processes hold open: every program of the machine reaches these. */
function abstractSocketsOf(pids: readonly number[]): string[] {
  const held = new Set(
    pids.flatMap((pid) =>
      readdirSync(`/proc/${pid}/fd`).map((fd) => {
        try {
          return /socket:\[(\d+)\]/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? '';
        } catch {
          return '';
        }
      }),
    ),
  );
  return read('/proc/net/unix')
    .split('\n')
    .flatMap((line) => {
      const [, , , , , , inode = '', path = ''] = line.trim().split(/\s+/);
      return path.startsWith('@') && held.has(inode) ? [path] : [];
    });
}

test('it gets nothing of the other’s, and its own display works', async () => {
  const { layout, driver } = real;
  const other = await real.open('a', ['/usr/bin/xmessage', '-center', 'mes devoirs']);
  await until('the other’s window', () => other.opened);
  const { port, username, password } = await driver.issueCredentials(other.sessionId);
  const attached = await openBarely(guacdPort, { port: String(port), username, password });

  const display = JSON.parse(read(join(layout.sessions, other.sessionId, 'display.json'))) as {
    number: number;
    account: string;
  };
  const person = `acc_${'a'.repeat(22)}`;
  const files = [
    join(layout.homes, person, '.profile'),
    join(layout.sessions, other.sessionId, 'cookie'),
    join(layout.displays, display.account, '.Xauthority'),
    join(layout.xrdpEtc, 'key.pem'),
    join(layout.credentials, display.account),
  ];
  writeFileSync(files[0] ?? '', 'private', { mode: 0o644 });
  const sockets = readdirSync(join(layout.xrdpRun, 'sockdir'), { recursive: true }).flatMap(
    (name) => [
      join(layout.xrdpRun, 'sockdir', String(name)),
      join('/run/xrdp/sockdir', String(name)),
    ],
  );
  expect(sockets.length).toBeGreaterThan(1);
  sockets.push(join(layout.x11, `X${display.number}`));
  const sesman = sesmanOf(read(join(layout.xrdpEtc, 'sesman.ini')));
  const pids = holding(other.sessionId);
  expect(pids.length).toBeGreaterThan(3);

  const program = read(join(import.meta.dirname, 'reading-program.fixture.pl'));
  const reader = await real.open('b', [
    '/usr/bin/perl',
    '-e',
    program,
    String(display.number),
    pids.join(','),
    files.join(','),
    sockets.join(','),
    sesman?.kind === 'port' ? String(sesman.port) : '',
    display.account,
  ]);
  await until('the reader’s own window', () => reader.opened || reader.outcome !== null, 60_000);
  expect(reader.outcome).toBeNull();
  const found = read(join(layout.homes, `acc_${'b'.repeat(22)}`, 'found'))
    .trim()
    .split('\n');
  expect(found.filter((line) => line.startsWith('GOT'))).toEqual([]);
  expect(found.filter((line) => line.startsWith('own ')).sort()).toEqual([
    'own /dev/shm',
    'own X',
    'own abstract socket',
    'own environ',
    'own screen',
    'own shared memory',
  ]);
  expect(found.filter((line) => line.startsWith('tried'))).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^tried ids \d{4}$/),
      expect.stringMatching(/^tried extension/),
    ]),
  );
  const servers = listProcesses()
    .filter(({ uid, args }) => args[0]?.endsWith('/Xorg') === true && uid > 0)
    .map(({ pid }) => pid);
  expect(servers.length).toBeGreaterThan(1);
  expect(abstractSocketsOf([...pids, ...servers])).toEqual([]);
  attached.socket.destroy();
});
