import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openFilesIn } from '#src/platform/open-files.ts';
import { admitted, type Connections, watchConnections } from './connections.ts';

const limits = { most: 60, slowestBytesPerSecond: 10_000, slowForMs: 600, bodyMs: 500 };
/** More than the sockets' own buffers hold. */
const large = Buffer.alloc(40_000_000, 'x');
let server: Server;
let port: number;
let connections: Connections;
const clients = new Set<Socket>();

beforeEach(async () => {
  server = createServer((request, response) => {
    connections.began(request, response);
    if (request.url !== '/' && request.url !== '/large') request.emit(admitted);
    if (request.url === '/unread') return;
    if (request.url === '/chunks') void readChunks(request, () => response.end('small'));
    else request.resume();
    request.on('end', () => response.end(request.url === '/large' ? large : 'small'));
  });
  connections = watchConnections(server, limits);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterEach(() => {
  for (const client of clients) client.destroy();
  clients.clear();
  connections.end();
  server.close();
});

function open(text = ''): { socket: Socket; closed: () => boolean; bytes: () => number } {
  const socket = connect({ host: '127.0.0.1', port });
  clients.add(socket);
  let closed = false;
  let bytes = 0;
  socket.on('error', () => undefined);
  socket.on('close', () => {
    closed = true;
  });
  socket.on('data', (chunk) => {
    bytes += chunk.length;
  });
  if (text !== '') socket.write(text);
  return { socket, closed: () => closed, bytes: () => bytes };
}
const post = (path: string, length: number) =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`;
async function readChunks(body: AsyncIterable<Buffer>, then: () => void): Promise<void> {
  try {
    for await (const chunk of body) void chunk;
    then();
  } catch {
    // The connection was destroyed.
  }
}
const answers = async () => (await fetch(`http://127.0.0.1:${port}/`)).status;

describe('whoever holds connections keeps nobody out', () => {
  test.each([
    ['that say nothing', ''],
    ['that are in the middle of a header', 'GET / HTTP/1.1\r\nHost: x\r\nX: '],
    ['that are in the middle of a body', `${post('/', 1000)}x`],
    ['that have had their answer', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['that do not read their answer', 'GET /large HTTP/1.1\r\nHost: x\r\n\r\n'],
  ])('%s', async (_what, text) => {
    for (let round = 0; round < 10; round += 1) {
      for (let count = 0; count < 20; count += 1) open(text).socket.pause();
      await pause(10);
    }
    expect(await answers()).toBe(200);
    expect(connections.count()).toBeLessThanOrEqual(limits.most);
  });
});

describe('is cut off', () => {
  test('a body that is read as a whole and does not end in time', async () => {
    const { socket, closed } = open(post('/', 1_000_000));
    const timer = setInterval(() => socket.write(Buffer.alloc(5000)), 50);
    await expect.poll(closed, { timeout: 3000 }).toBe(true);
    clearInterval(timer);
  });
  test.each([
    ['', '/upload'],
    [', read chunk by chunk', '/chunks'],
  ])('a long body that comes byte by byte%s', async (_how, path) => {
    const { socket, closed } = open(post(path, 1_000_000));
    const timer = setInterval(() => socket.write('x'), 50);
    await expect.poll(closed, { timeout: 3000 }).toBe(true);
    clearInterval(timer);
  });
  test('an answer that nobody reads', async () => {
    const { socket } = open('GET /large HTTP/1.1\r\nHost: x\r\n\r\n');
    socket.pause();
    await expect.poll(() => connections.count()).toBe(1);
    await expect.poll(() => connections.count(), { timeout: 3000 }).toBe(0);
  });
});

describe('is left alone', () => {
  test.each(['/upload', '/chunks'])('a long body that comes slowly: %s', async (path) => {
    const { socket, closed, bytes } = open(post(path, 60_000));
    for (let part = 0; part < 30; part += 1) {
      socket.write(Buffer.alloc(2000));
      await pause(60);
    }
    await expect.poll(bytes).toBeGreaterThan(0);
    expect(closed()).toBe(false);
  });
  test('a long body that waits for us', async () => {
    const { socket, closed } = open(post('/unread', 1_000_000));
    socket.write(Buffer.alloc(1_000_000));
    await pause(limits.slowForMs * 3);
    expect(closed()).toBe(false);
  });
  test('work that takes long', async () => {
    server.removeAllListeners('request');
    server.on('request', (request, response) => {
      connections.began(request, response);
      setTimeout(() => response.end('late'), limits.slowForMs * 3);
    });
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('late');
  });
});

test('all of them end when the controller does, also those that left HTTP', async () => {
  server.on('upgrade', () => undefined);
  const upgraded = open('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
  const silent = open();
  await expect.poll(() => connections.count()).toBe(2);
  connections.end();
  await expect.poll(() => upgraded.closed() && silent.closed()).toBe(true);
});

test('the number of files that may be open is read as the system writes it', () => {
  const line = (soft: string) =>
    `Limit                     Soft Limit           Hard Limit           Units     
Max processes             95903                95903                processes 
Max open files            ${soft}                 524288               files     
`;
  expect([line('4096'), line('unlimited'), ''].map(openFilesIn)).toEqual([4096, 1024, 1024]);
});
