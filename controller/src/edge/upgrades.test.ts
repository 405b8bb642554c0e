import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { budget } from '#src/platform/budget.ts';
import { createLog } from '#src/platform/log.ts';
import { routeUpgrades, type Upgrade } from './upgrades.ts';

const limits = { ...budget.upgrades, acceptMs: 300, waitingPerAddress: 20, waiting: 50 };
let server: Server;
let port: number;
let room: ReturnType<typeof routeUpgrades>;
let address: string;
/** What came to the owner. */
let upgrades: Upgrade[];
const clients = new Set<Socket>();

beforeEach(async () => {
  upgrades = [];
  address = '192.0.2.1';
  server = createServer();
  room = routeUpgrades(
    server,
    {
      '/api/hub/': (upgrade) => upgrades.push(upgrade),
      '/api/broken': () => {
        throw new Error('a fault of ours');
      },
    },
    { log: createLog('silent'), addressOf: () => address },
    limits,
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterEach(() => {
  for (const client of clients) client.destroy();
  clients.clear();
  room.close();
  server.close();
});

/** Asks for an upgrade and never closes its own end. */
function ask(path: string) {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  clients.add(socket);
  const answer = { text: '', closed: false };
  socket.on('data', (chunk) => {
    answer.text += chunk.toString();
  });
  socket.on('error', () => undefined);
  for (const event of ['end', 'close'])
    socket.on(event, () => {
      answer.closed = true;
    });
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n',
  );
  return { socket, answer };
}
const openAtServer = () =>
  new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count)));

describe('an upgrade that nobody owns is refused and closed at once', () => {
  test.each([
    '/api/hubX',
    '/api/hub',
    '/api/hub//',
    '/api/hub/x',
    '/API/HUB/',
    '/api/hub%2f',
    '/',
    '/api/health',
    '/constructor',
    '/__proto__',
  ])('%s', async (path) => {
    const { answer } = ask(path);
    await expect.poll(() => answer.closed).toBe(true);
    expect(answer.text).toMatch(/^HTTP\/1\.1 404 .*"code":"NOT_FOUND"/s);
    await expect.poll(openAtServer).toBe(0);
    expect(upgrades).toEqual([]);
  });
});

describe('an upgrade that somebody owns', () => {
  test('is refused when its owner does not know in time who asks', async () => {
    const { answer } = ask('/api/hub/?EIO=4');
    await expect.poll(() => upgrades.length).toBe(1);
    expect(upgrades[0]?.isOpen()).toBe(true);
    await expect.poll(() => answer.closed).toBe(true);
    expect(answer.text).toMatch(/^HTTP\/1\.1 503 .*Retry-After: \d+.*"code":"BUSY"/s);
    expect(upgrades[0]?.isOpen()).toBe(false);
    await expect.poll(openAtServer).toBe(0);
  });

  test('stays when it was accepted', async () => {
    const { answer } = ask('/api/hub/');
    await expect.poll(() => upgrades.length).toBe(1);
    upgrades[0]?.accept();
    await new Promise((resolve) => setTimeout(resolve, limits.acceptMs * 2));
    expect([answer.closed, room.waiting()]).toEqual([false, 0]);
  });

  test('is let go when the client has left', async () => {
    const { socket } = ask('/api/hub/');
    await expect.poll(() => room.waiting()).toBe(1);
    socket.resetAndDestroy();
    await expect.poll(() => room.waiting()).toBe(0);
    expect(upgrades[0]?.isOpen()).toBe(false);
  });

  test('is refused when its owner fails', async () => {
    const { answer } = ask('/api/broken');
    await expect.poll(() => answer.closed).toBe(true);
    expect(answer.text).toMatch(/^HTTP\/1\.1 500 .*"code":"INTERNAL"/s);
    expect(answer.text).not.toContain('fault of ours');
  });

  test('waits among a bounded number, and whoever comes last is served', async () => {
    for (let count = 0; count < 120; count += 1) ask('/api/hub/');
    await expect.poll(() => upgrades.length).toBe(120);
    expect(room.waiting()).toBe(limits.waitingPerAddress);
    address = '192.0.2.2';
    const { answer } = ask('/api/hub/');
    await expect.poll(() => upgrades.length).toBe(121);
    expect(upgrades.at(-1)?.isOpen()).toBe(true);
    upgrades.at(-1)?.accept();
    await expect.poll(openAtServer).toBeLessThanOrEqual(limits.waitingPerAddress + 1);
    expect(answer.closed).toBe(false);
  });
});
