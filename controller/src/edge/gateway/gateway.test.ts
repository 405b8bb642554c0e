/** The gateway between a WebSocket and a guacd that only says what the protocol asks of it. */
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { errors } from '@preau/contract/errors.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { budget } from '#src/platform/budget.ts';
import { decode, encode, type Instruction } from '#src/platform/guacamole.ts';
import { acceptReport } from '#src/reports/accept-report.ts';
import { launch } from '#src/sessions/launch.ts';
import { selectSession } from '#src/sessions/store.ts';
import { type City, makeCity, publicUrl, readySession } from '#src/testing.fixture.ts';
import { routeUpgrades } from '../upgrades.ts';
import { createGateway, type Gateway, type GatewayLimits, tunnelPath } from './gateway.ts';

const listen = async (server: Server | HttpServer): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};

let city: City;
let gateway: Gateway;
let http: HttpServer;
let guacd: Server;
let port: number;
let limits: { -readonly [K in keyof GatewayLimits]: GatewayLimits[K] };
/** What guacd was told, and its end of the tunnel. */
let heard: Instruction[];
let guacdSocket: Socket | null;
let guacdBytes: number;

beforeEach(async () => {
  heard = [];
  guacdSocket = null;
  guacdBytes = 0;
  guacd = createServer((socket) => {
    guacdSocket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      guacdBytes += chunk.length;
      for (const instruction of decode(chunk.toString()) ?? []) {
        heard.push(instruction);
        if (instruction[0] === 'select')
          socket.write(encode(['args', 'VERSION_1_5_0', 'hostname', 'password', 'disable-paste']));
        // The first picture shares the chunk of `ready`.
        if (instruction[0] === 'connect')
          socket.write(encode(['ready', '$guacd-own-id']) + encode(['sync', '1']));
      }
    });
  });
  city = await makeCity(':memory:', {
    PREAU_GUACD_HOST: '127.0.0.1',
    PREAU_GUACD_PORT: String(await listen(guacd)),
  });
  const { slowestBytesPerSecond, slowForMs } = budget.connections;
  const { perPerson } = budget.tunnel;
  limits = { beatMs: 1000, slowestBytesPerSecond, slowForMs, perPerson };
  gateway = createGateway(
    {
      ...city.platform,
      originAllowed: (origin) => origin === publicUrl,
      authenticate: async () => city.pupil,
      addressOf: () => '127.0.0.1',
    },
    limits,
  );
  http = createHttpServer();
  routeUpgrades(
    http,
    { [tunnelPath]: gateway.handleUpgrade },
    { log: city.platform.log, addressOf: () => '127.0.0.1' },
  );
  port = await listen(http);
});
afterEach(async () => {
  gateway.close();
  http.closeAllConnections();
  http.close();
  guacdSocket?.destroy();
  guacd.close();
  await city.close();
});

async function startSession(): Promise<{ id: string; ticket: string }> {
  const { session, ticket } = await launch(city.platform, city.pupil, {
    application: 'tuxpaint',
    language: 'fr',
    address: null,
  });
  const report = city.agent.report({ sessions: [readySession(session.id, 1)] });
  await acceptReport(city.platform, city.agent.actor, report);
  return { id: session.id, ticket: ticket.ticket };
}

function open(ticket: string, { query = 'width=1280&height=720&dpi=96', origin = publicUrl } = {}) {
  const socket = new WebSocket(
    `ws://127.0.0.1:${port}/api/tunnel?${query}`,
    ['guacamole', `ticket.${ticket}`],
    { headers: { origin } },
  );
  const seen: Instruction[] = [];
  let refused: { status: number | undefined; code: string } | null = null;
  let closed: string | null = null;
  socket.on('error', () => undefined);
  socket.on('message', (data) => seen.push(...(decode(data.toString()) ?? [])));
  socket.on('close', (code, reason) => {
    closed = `${code} ${reason.toString()}`;
  });
  socket.on('unexpected-response', (_request, response) => {
    response.on('data', (chunk: Buffer) => {
      const { code } = JSON.parse(chunk.toString()) as { code: string };
      refused = { status: response.statusCode, code };
    });
  });
  return { socket, seen, refused: () => refused, closed: () => closed };
}

describe('a tunnel', () => {
  test('joins the two: settings by name, pictures one way, keys the other, nothing else', async () => {
    const { id, ticket } = await startSession();
    const { socket, seen, closed } = open(ticket);
    await vi.waitFor(() => expect(seen.map(([opcode]) => opcode)).toContain('sync'), 10_000);
    expect(heard).toEqual([
      ['select', 'rdp'],
      ['size', '1280', '720', '96'],
      ['audio'],
      ['video'],
      ['image', 'image/png', 'image/jpeg', 'image/webp'],
      ['timezone', 'Europe/Paris'],
      ['connect', 'VERSION_1_3_0', '127.0.0.1', 'one-use-password-00000001', 'true'],
    ]);
    // The first word is our own name of the session, never guacd's.
    expect(seen[0]).toEqual(['', id]);
    expect(JSON.stringify(seen)).not.toMatch(/guacd-own-id|one-use-password/);
    await vi.waitFor(async () =>
      expect((await selectSession(city.platform.database, id))?.state).toBe('active'),
    );

    heard.length = 0;
    socket.send(
      encode(['key', '97', '1']) +
        encode(['argv', '1', 'text/plain', 'password']) +
        encode(['nop']),
    );
    socket.send(encode(['', 'ping', '7']));
    await vi.waitFor(() => expect(seen.at(-1)).toEqual(['', 'ping', '7']));
    await vi.waitFor(() => expect(heard).toEqual([['key', '97', '1'], ['nop']]));

    guacdSocket?.end(encode(['error', 'gone', '519']));
    await vi.waitFor(() => expect(closed()).toBe('1011 519 GATEWAY_UNREACHABLE'));
    expect(seen.at(-1)?.[0]).toBe('error');
    await vi.waitFor(async () =>
      expect((await selectSession(city.platform.database, id))?.state).toBe('disconnected'),
    );
  });

  test('half an instruction ends it', async () => {
    const { ticket } = await startSession();
    const { socket, seen, closed } = open(ticket);
    await vi.waitFor(() => expect(seen.length).toBeGreaterThan(1), 10_000);
    socket.send('3.key,2.97');
    await vi.waitFor(() => expect(closed()).toBe('1011 768 VALIDATION_FAILED'));
    await vi.waitFor(() => expect(guacdSocket?.closed).toBe(true));
  });

  test('signing out ends it', async () => {
    const { ticket } = await startSession();
    const { seen, closed } = open(ticket);
    await vi.waitFor(() => expect(seen.length).toBeGreaterThan(1), 10_000);
    city.platform.wakeups.wake([`sign-in:${city.pupil.signIn}`]);
    await vi.waitFor(() => expect(closed()).toBe('1011 769 NOT_SIGNED_IN'));
  });
});

describe('a browser that floods', () => {
  test('gets few answers to its pings', async () => {
    const { ticket } = await startSession();
    const { socket, seen } = open(ticket);
    await vi.waitFor(() => expect(seen.length).toBeGreaterThan(1), 10_000);
    let pongs = 0;
    socket.on('pong', () => {
      pongs += 1;
    });
    for (let count = 0; count < 500; count += 1) {
      socket.send(encode(['', 'ping', String(count)]));
      socket.ping();
    }
    socket.send(encode(['key', '97', '1']));
    await vi.waitFor(() => expect(heard).toContainEqual(['key', '97', '1']));
    const answers = seen.filter(([opcode, what]) => opcode === '' && what === 'ping').length;
    expect(answers + pongs).toBeLessThanOrEqual(12);
    expect(answers + pongs).toBeGreaterThanOrEqual(10);
  });

  test('is read no faster than a person can type', async () => {
    const { ticket } = await startSession();
    const { socket, seen } = open(ticket);
    await vi.waitFor(() => expect(seen.length).toBeGreaterThan(1), 10_000);
    const keys = Array.from({ length: 4000 }, () => encode(['key', '97', '1'])).join('');
    for (let sent = 0; sent < 30_000_000; sent += keys.length) socket.send(keys);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    // A burst of ten thousand keys, then two thousand a second.
    expect(guacdBytes).toBeLessThan(600_000);
    expect(guacdBytes).toBeGreaterThan(100_000);
  });

  test('with sizes: a few pass, and the last one is the last', async () => {
    const { ticket } = await startSession();
    const { socket, seen } = open(ticket);
    await vi.waitFor(() => expect(seen.length).toBeGreaterThan(1), 10_000);
    heard.length = 0;
    for (let count = 0; count < 199; count += 1) {
      socket.send(encode(['size', '8192', '8192']));
      socket.send(encode(['size', String(1000 + count), '2160']));
    }
    const sizes = () => heard.filter(([opcode]) => opcode === 'size');
    await vi.waitFor(() => expect(sizes().at(-1)).toEqual(['size', '1198', '2160']), 5000);
    expect(sizes().length).toBeLessThanOrEqual(3);
  });

  test('has no more tunnels than a person may', async () => {
    limits.perPerson = 0;
    const { ticket } = await startSession();
    const { refused } = open(ticket);
    await vi.waitFor(() => expect(refused()).toEqual({ status: 503, code: 'BUSY' }));
  });
});

describe('a browser that does not read', () => {
  test('is cut off, and guacd is not read meanwhile', async () => {
    limits.slowForMs = 1500;
    const { id, ticket } = await startSession();
    const { socket, seen, closed } = open(ticket);
    await vi.waitFor(() => expect(seen.length).toBeGreaterThan(1), 10_000);
    socket.pause();
    // It goes on saying that it is there.
    const alive = setInterval(() => socket.pong(), 20);
    const frame = Buffer.from(encode(['blob', '1', 'x'.repeat(6000)]).repeat(10));
    let sent = 0;
    const more = () => {
      while (guacdSocket?.destroyed === false && guacdSocket.write(frame)) sent += frame.length;
    };
    guacdSocket?.on('drain', more);
    more();
    await vi.waitFor(
      async () =>
        expect((await selectSession(city.platform.database, id))?.state).toBe('disconnected'),
      10_000,
    );
    clearInterval(alive);
    expect(sent).toBeLessThan(60_000_000);
    socket.resume();
    await vi.waitFor(() => expect(closed()).toMatch(/^1006/));
  });
});

describe('a display where no display can be', () => {
  test('is not connected to: guacd itself, though the server runs on this machine', async () => {
    const { session, ticket } = await launch(city.platform, city.pupil, {
      application: 'tuxpaint',
      language: 'fr',
      address: null,
    });
    const ready = readySession(session.id, 1);
    if (ready.state !== 'ready' || ready.attachment === null) throw new Error('no display');
    const port = city.platform.config.PREAU_GUACD_PORT;
    await acceptReport(
      city.platform,
      city.agent.actor,
      city.agent.report({
        sessions: [{ ...ready, attachment: { ...ready.attachment, port } }],
      }),
    );
    const { closed } = open(ticket.ticket);
    await vi.waitFor(() => expect(closed()).toBe('1011 523 DISPLAY_REFUSED'));
    expect(heard.map(([opcode]) => opcode)).not.toContain('connect');
  });
});

describe('refused before guacd hears anything', () => {
  test.each([
    ['another origin', { origin: 'https://elsewhere.example' }, 'ORIGIN_REFUSED'],
    ['no size', { query: 'width=1280' }, 'SIZE_REFUSED'],
  ] as const)('%s', async (_name, options, code) => {
    const { ticket } = await startSession();
    const { refused } = open(ticket, options);
    await vi.waitFor(() => expect(refused()).toEqual({ status: errors[code].status, code }));
    expect(heard).toEqual([]);
  });

  test('a ticket that was used, or never given', async () => {
    const { ticket } = await startSession();
    const first = open(ticket);
    await vi.waitFor(() => expect(first.seen.length).toBeGreaterThan(1), 10_000);
    heard.length = 0;
    for (const wrong of [ticket, 'a'.repeat(43), 'short']) {
      const { refused } = open(wrong);
      await vi.waitFor(() =>
        expect(refused()).toEqual({
          status: errors.TICKET_REFUSED.status,
          code: 'TICKET_REFUSED',
        }),
      );
    }
    expect(heard).toEqual([]);
  });
});
