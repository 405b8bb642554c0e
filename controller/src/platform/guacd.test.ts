/** The handshake with a guacd that is broken, or is none. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { TunnelQuery } from '@preau/contract/session.ts';
import { afterEach, describe, expect, test } from 'vitest';
import { codeOf } from '#src/testing.fixture.ts';
import { encode } from './guacamole.ts';
import { dialGuacd } from './guacd.ts';

const limits = { answerMs: 400, handshakeBytes: 65_536 };
const args = encode(['args', 'VERSION_1_5_0', 'hostname', 'password']);
const query: TunnelQuery = { width: 800, height: 600, dpi: 96, layout: 'fr-fr-azerty' };
const credentials = {
  serial: 1,
  host: '10.0.0.1',
  port: 3390,
  username: 'preau-1',
  password: 'x'.repeat(22),
};
const clipboard = { in: false, out: false };

let server: Server | undefined;
const sockets = new Set<Socket>();
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  server?.close();
});

/** A guacd that does what it is told with each connection. */
async function guacd(behave: (socket: Socket) => void): Promise<number> {
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    behave(socket);
    socket.resume();
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const dial = (port: number) => dialGuacd('127.0.0.1', port, new AbortController().signal, limits);
const join = async (port: number) => (await dial(port)).connect(query, credentials, clipboard);

/** Answers the first message with `args`, the second with what `then` does. */
const answering = (then: (socket: Socket) => void) => (socket: Socket) => {
  socket.once('data', () => {
    socket.write(args);
    socket.once('data', () => then(socket));
  });
};

/** Writes it again and again, as fast as it is taken, until the other side has had enough. */
const flood = (socket: Socket, bytes: Buffer) => {
  const more = () => {
    while (!socket.destroyed && socket.write(bytes)) continue;
  };
  socket.on('drain', more);
  more();
};
/** One byte at a time. */
const drip = (socket: Socket, everyMs: number) => {
  const timer = setInterval(() => socket.write('1'), everyMs);
  socket.on('close', () => clearInterval(timer));
};

/** How long the event loop was held up meanwhile, at most, in ms. */
async function longestHold(work: Promise<unknown>): Promise<number> {
  let last = performance.now();
  let longest = 0;
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last - 5);
    last = performance.now();
  }, 5);
  await work;
  clearInterval(timer);
  return longest;
}

describe('ends with GATEWAY_UNREACHABLE, and holds nobody up, when guacd', () => {
  const cases: [what: string, behave: (socket: Socket) => void][] = [
    ['never answers', () => undefined],
    ['sends one byte at a time', (socket) => drip(socket, 50)],
    [
      'sends a value without end',
      (socket) => flood(socket, Buffer.from(`9999999.${'a'.repeat(65_536)}`)),
    ],
    ['sends dots without end', (socket) => flood(socket, Buffer.alloc(65_536, '.'))],
    [
      'sends other instructions without end',
      (socket) => flood(socket, Buffer.from('3.nop;'.repeat(1000))),
    ],
    ['gives a length of eleven digits', (socket) => socket.write('99999999999.')],
    ['gives a length that lies', (socket) => socket.write('2.args,1.a;')],
    ['gives more than it announces', (socket) => socket.write('4.args,1.hostname;')],
    ['closes at once', (socket) => socket.end()],
    ['never says ready', answering(() => undefined)],
    ['drips after the connection was asked for', answering((socket) => drip(socket, 50))],
    [
      'floods after the connection was asked for',
      answering((socket) => flood(socket, Buffer.from('3.nop;'.repeat(1000)))),
    ],
    ['closes after the connection was asked for', answering((socket) => socket.end())],
  ];
  test.each(cases)('%s', async (_what, behave) => {
    const port = await guacd(behave);
    const began = performance.now();
    const work = codeOf(join(port));
    expect(await longestHold(work)).toBeLessThan(150);
    expect(await work).toBe('GATEWAY_UNREACHABLE');
    expect(performance.now() - began).toBeLessThan(1500);
    await expect.poll(() => sockets.size).toBe(0);
  });
});

test('a handshake that works keeps what follows it in the same chunk, to the byte', async () => {
  const port = await guacd(answering((socket) => socket.write('5.ready,2.$a;4.sync,1.1;4.sy')));
  const joined = await join(port);
  expect(joined.early.toString()).toBe('4.sync,1.1;4.sy');
  joined.end();
});

test('guacd is not hurried by the time that the school takes to prepare a display', async () => {
  const port = await guacd(answering((socket) => socket.write('5.ready,2.$a;')));
  const handshake = await dial(port);
  await pause(limits.answerMs + 200);
  const joined = await handshake.connect(query, credentials, clipboard);
  expect(joined.early.length).toBe(0);
  joined.end();
});
