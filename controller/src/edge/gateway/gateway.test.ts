/** The gateway between a WebSocket and a guacd that only says what the protocol asks of it. */
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { errors } from '@preau/contract/errors.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { decode, encode, type Instruction } from '#src/platform/guacamole.ts';
import { acceptReport } from '#src/reports/accept-report.ts';
import { launch } from '#src/sessions/launch.ts';
import { selectSession } from '#src/sessions/store.ts';
import { type City, makeCity, publicUrl, readySession } from '#src/testing.fixture.ts';
import { createGateway, type Gateway } from './gateway.ts';

const listen = async (server: Server | HttpServer): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};

let city: City;
let gateway: Gateway;
let http: HttpServer;
let guacd: Server;
let port: number;
/** What guacd was told, and its end of the tunnel. */
let heard: Instruction[];
let guacdSocket: Socket | null;

beforeEach(async () => {
  heard = [];
  guacdSocket = null;
  guacd = createServer((socket) => {
    guacdSocket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
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
  gateway = createGateway({
    ...city.platform,
    originAllowed: (origin) => origin === publicUrl,
    authenticate: async () => city.pupil,
    addressOf: () => '127.0.0.1',
  });
  http = createHttpServer();
  http.on('upgrade', (request, socket, head) => gateway.handleUpgrade(request, socket, head));
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
