/** What strangers do to a controller by holding on to it: the real program, with few files to open,
 * a real Redis, a real guacd. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  freePort,
  root,
  type Service,
  startGuacd,
  startRedis,
  startService,
  until,
} from '../dev/services.ts';

const openFiles = 1024;
const held = 1100;

let folder: string;
let url: string;
let port: number;
let controller: Service;
let redis: Service;
let guacd: Service;
const clients = new Set<Socket>();

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'preau-doors-'));
  mkdirSync(join(folder, 'data'));
  const guacdPort = await freePort();
  guacd = startGuacd(join(folder, 'guacd'), guacdPort);
  const started = startRedis(join(folder, 'redis'));
  redis = started.service;
  await until('redis', started.ready);
  port = await freePort();
  url = `http://127.0.0.1:${port}`;
  controller = startService({
    name: 'controller',
    file: '/bin/sh',
    args: [
      '-c',
      `ulimit -n ${openFiles}; exec "$0" "$@"`,
      process.execPath,
      join(root, 'controller/src/main.ts'),
    ],
    env: {
      PREAU_PORT: String(port),
      PREAU_DATA: join(folder, 'data'),
      PREAU_REDIS_URL: started.url,
      PREAU_GUACD_PORT: String(guacdPort),
    },
    logPath: join(folder, 'controller.log'),
  });
  await until('the controller', answers, 60_000);
});
afterEach(async () => {
  for (const client of clients) client.destroy();
  clients.clear();
  for (const service of [controller, guacd, redis]) {
    // One that has ended takes no signal.
    if (existsSync(`/proc/${service.pid()}`)) process.kill(service.pid(), 'SIGCONT');
    await service.kill();
  }
  rmSync(folder, { recursive: true, force: true });
});

/** Somebody else's call, on a connection of its own. */
const answers = async (): Promise<boolean> => {
  const answer = await fetch(`${url}/api/openapi.json`, {
    headers: { connection: 'close' },
    signal: AbortSignal.timeout(2000),
  });
  await answer.arrayBuffer();
  return answer.status === 200;
};

/** Opens one connection, writes, and never lets go of its own end. */
function hold(text: string) {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  clients.add(socket);
  const seen = { text: '', over: false };
  socket.on('data', (chunk) => {
    seen.text += chunk.toString().slice(0, 1000);
  });
  socket.on('error', () => undefined);
  for (const event of ['end', 'close'])
    socket.on(event, () => {
      seen.over = true;
    });
  socket.write(text);
  return { socket, seen };
}
const upgrade = (path: string) =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n';
const slowBody =
  'POST /api/sign-in HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{';
const ways: [what: string, text: string][] = [
  ['upgrades that nobody owns', upgrade('/api/hubX')],
  ['upgrades of the hub that never join', upgrade('/api/hub/?EIO=4&transport=websocket')],
  ['upgrades of a tunnel with nothing in them', upgrade('/api/tunnel')],
  ['connections that say nothing', ''],
  ['half a header', 'GET / HTTP/1.1\r\nHost: x\r\nX-More: '],
  ['half a body', slowBody],
];

describe(`at ${openFiles} open files, ${held} held`, () => {
  test.each(ways)('%s keep nobody out', async (_what, text) => {
    for (let count = 0; count < held; count += 1) {
      hold(text);
      if (count % 100 === 99) expect(await answers()).toBe(true);
    }
    for (let times = 0; times < 5; times += 1) {
      expect(await answers()).toBe(true);
      await pause(200);
    }
  });

  test('an upgrade that nobody owns is answered, and closed at once', async () => {
    const { seen } = hold(upgrade('/api/hubX'));
    await expect.poll(() => seen.over, { timeout: 3000 }).toBe(true);
    expect(seen.text).toMatch(/^HTTP\/1\.1 404 /);
  });
});

test(
  'a controller that is held on to from all sides, with Redis and guacd hanging, stops ' +
    'within ten seconds',
  async () => {
    for (const [, text] of ways) for (let count = 0; count < held / 4; count += 1) hold(text);
    for (let count = 0; count < 20; count += 1)
      hold('GET /api/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n').socket.pause();
    expect(await answers()).toBe(true);
    for (const { pid } of [redis, guacd]) process.kill(pid(), 'SIGSTOP');
    const began = performance.now();
    await controller.stop();
    expect(performance.now() - began).toBeLessThan(10_000);
  },
);
