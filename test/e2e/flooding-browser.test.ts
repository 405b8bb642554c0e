/** A browser that floods its tunnel, and a guacd that hangs, with a real guacd and a real display. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RealDriver, realDriver } from '../../agent/src/drivers/linux/driver.fixture.ts';
import { listProcesses } from '../../agent/src/drivers/linux/processes.ts';
import {
  createGateway,
  type Gateway,
  tunnelPath,
} from '../../controller/src/edge/gateway/gateway.ts';
import { routeUpgrades } from '../../controller/src/edge/upgrades.ts';
import type { AccountActor } from '../../controller/src/platform/actor.ts';
import { acceptReport } from '../../controller/src/reports/accept-report.ts';
import { launch } from '../../controller/src/sessions/launch.ts';
import {
  type City,
  makeCity,
  publicUrl,
  readySession,
} from '../../controller/src/testing.fixture.ts';
import { freePort, type Service, startGuacd, until } from '../../dev/services.ts';
import { TunnelClient } from '../../dev/tunnel-client.ts';
import { met } from '../met.ts';

let real: RealDriver;
let guacd: Service;
let guacdPort: number;
let city: City;
let gateway: Gateway;
let signedIn: AccountActor;
const http = createServer();
const folder = mkdtempSync(join(tmpdir(), 'preau-flood-'));

beforeAll(async () => {
  guacdPort = await freePort();
  guacd = startGuacd(join(folder, 'guacd'), guacdPort);
  real = realDriver();
  await real.driver.start();
  city = await makeCity(':memory:', { PREAU_GUACD_PORT: String(guacdPort) });
  gateway = createGateway({
    ...city.platform,
    originAllowed: () => true,
    authenticate: async () => signedIn,
    addressOf: () => '127.0.0.1',
  });
  routeUpgrades(
    http,
    { [tunnelPath]: gateway.handleUpgrade },
    { log: city.platform.log, addressOf: () => '127.0.0.1' },
  );
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  gateway.close();
  http.closeAllConnections();
  http.close();
  await real.end();
  await guacd.stop();
  await city.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A program on a real display, in a tunnel that has drawn. */
async function openTunnel(person: string, actor: AccountActor) {
  signedIn = actor;
  const own = await real.open(person, ['/usr/bin/xmessage', '-center', 'mes devoirs']);
  await until('the window', () => own.opened, 60_000);
  const { host, port, username, password } = await real.driver.issueCredentials(own.sessionId);
  const { session, ticket } = await launch(city.platform, actor, {
    application: 'tuxpaint',
    language: 'fr',
    address: null,
  });
  const ready = readySession(session.id, 1);
  if (ready.state !== 'ready' || ready.attachment === null) throw new Error('no display');
  const attachment = { ...ready.attachment, host, port, username, password };
  await acceptReport(
    city.platform,
    city.agent.actor,
    city.agent.report({ sessions: [{ ...ready, attachment }] }),
  );
  const { port: ours } = http.address() as AddressInfo;
  const tunnel = new TunnelClient(
    { url: `http://127.0.0.1:${ours}`, cookie: '' } as ConstructorParameters<
      typeof TunnelClient
    >[0],
    { ticket: ticket.ticket, origin: publicUrl },
  );
  await until('a picture', () => tunnel.firstFrameAt !== null, 60_000);
  const version = /version (\S+) started/.exec(
    readFileSync(join(folder, 'guacd/guacd.log'), 'utf8'),
  );
  met('guacd', version?.[1] ?? '', 'its log');
  return { tunnel, sessionId: own.sessionId };
}

/** What the session's display server holds, in MB. */
function displayMb(sessionId: string): number {
  const path = join(real.layout.sessions, sessionId, 'display.json');
  const { account } = JSON.parse(readFileSync(path, 'utf8')) as { account: string };
  const uid = Number(spawnSync('id', ['-u', account], { encoding: 'utf8' }).stdout);
  const server = listProcesses().find(
    (each) => each.uid === uid && each.args[0]?.endsWith('/Xorg') === true,
  );
  const status = readFileSync(`/proc/${server?.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1000;
}

test('199 sizes leave the display small, and the last one is the one that is drawn', async () => {
  const { tunnel, sessionId } = await openTunnel('a', city.pupil);
  const sizes: string[] = [];
  tunnel.onInstruction = ([opcode, layer, width, height]) => {
    if (opcode === 'size' && layer === '0') sizes.push(`${width}x${height}`);
  };
  const before = displayMb(sessionId);
  expect(before).toBeGreaterThan(5);
  for (let count = 0; count < 199; count += 1) {
    tunnel.say('size', '8192', '8192');
    tunnel.say('size', String(1200 + count), '900');
    await pause(10);
  }
  // xrdp draws widths that are multiples of four.
  await until('the last size', () => /^139\dx900$/.test(sizes.at(-1) ?? ''), 30_000);
  expect(sizes.length).toBeLessThan(25);
  expect(displayMb(sessionId) - before).toBeLessThan(100);

  // It still obeys, after a flood of pings that nobody answers.
  for (let count = 0; count < 20_000; count += 1) tunnel.say('', 'ping', String(count));
  tunnel.say('size', '1000', '700');
  await until('one more size', () => sizes.at(-1) === '1000x700', 60_000);

  // Nothing moves for longer than guacd may be silent: it says so itself.
  await pause(35_000);
  expect(tunnel.closed).toBe(null);
  tunnel.close();
}, 240_000);

test('a guacd that hangs is given up, however many keys are pressed', async () => {
  const { tunnel } = await openTunnel('b', city.teacher);
  const hanging = listProcesses().filter(({ args }) =>
    args.join(' ').includes(`guacd -f -b 127.0.0.1 -l ${guacdPort} `),
  );
  expect(hanging.length).toBeGreaterThan(0);
  for (const { pid } of hanging) process.kill(pid, 'SIGSTOP');
  const before = process.memoryUsage().rss;
  const flood = setInterval(() => {
    for (let count = 0; count < 50; count += 1) tunnel.say('key', '97', '1');
  }, 50);
  try {
    await until('the end', () => tunnel.closed !== null, 60_000);
  } finally {
    clearInterval(flood);
    for (const { pid } of hanging) process.kill(pid, 'SIGCONT');
  }
  expect(tunnel.closed?.reason).toMatch(/^5\d\d GATEWAY_UNREACHABLE$/);
  expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000);
}, 240_000);
