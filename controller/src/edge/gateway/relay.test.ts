import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { encode } from '#src/platform/guacamole.ts';
import { pump } from './relay.ts';

const silentMs = 300;
const closers: (() => unknown)[] = [];
/** guacd's end, and the browser's. */
let guacd: Socket;
let page: WebSocket;
let ours: Socket;
let why: (string | null)[];

beforeEach(async () => {
  why = [];
  const far = createServer((socket) => {
    guacd = socket;
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => far.listen(0, '127.0.0.1', resolve));
  ours = connect({ host: '127.0.0.1', port: (far.address() as AddressInfo).port });
  ours.on('error', () => undefined);
  await new Promise((resolve) => ours.once('connect', resolve));
  const http = createHttpServer();
  const sockets = new WebSocketServer({ server: http });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  page = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}/`);
  const [browser] = await Promise.all([
    new Promise<WebSocket>((resolve) => sockets.once('connection', resolve)),
    new Promise((resolve) => page.once('open', resolve)),
  ]);
  pump(
    { socket: ours, early: Buffer.alloc(0) },
    browser,
    (reason) => why.push(reason),
    undefined,
    silentMs,
  );
  closers.push(
    () => page.terminate(),
    () => ours.destroy(),
    () => guacd.destroy(),
    () => far.close(),
    () => http.close(),
  );
});
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

describe('a guacd that connects for ever', () => {
  test('by saying nothing, is given up', async () => {
    await expect.poll(() => why).toEqual(['guacd is silent']);
  });
  test('by one byte at a time that makes no instruction, is given up', async () => {
    guacd.write('9999.');
    const timer = setInterval(() => guacd.write('a'), 50);
    closers.push(() => clearInterval(timer));
    await expect.poll(() => why).toEqual(['guacd is silent']);
  });
  test('by an instruction without end, is given up', async () => {
    guacd.write('99999999.');
    const more = () => {
      while (!guacd.destroyed && guacd.write(Buffer.alloc(65_536, 'a'))) continue;
    };
    guacd.on('drain', more);
    more();
    await expect.poll(() => why).toEqual(['an instruction of more than 4194304 bytes']);
  });
});

test('a guacd that has nothing to draw says nop, and stays', async () => {
  for (let times = 0; times < 10; times += 1) {
    guacd.write(encode(['nop']));
    await pause(silentMs / 4);
  }
  expect(why).toEqual([]);
  guacd.end();
  await expect.poll(() => why).toEqual([null]);
});

test('a guacd that floods waits for the browser, and is not taken for silent meanwhile', async () => {
  page.pause();
  const frame = Buffer.from(encode(['blob', '1', 'x'.repeat(6000)]).repeat(10));
  let sent = 0;
  const more = () => {
    while (!guacd.destroyed && guacd.write(frame)) sent += frame.length;
  };
  guacd.on('drain', more);
  more();
  await expect.poll(() => ours.isPaused(), { timeout: 5000 }).toBe(true);
  await pause(silentMs * 3);
  const before = sent;
  await pause(200);
  expect([sent, why]).toEqual([before, []]);
  page.resume();
  await expect.poll(() => sent, { timeout: 5000 }).toBeGreaterThan(before + 10_000_000);
});
