/** The gateway between a WebSocket and a guacd that only says what the protocol asks of it. */
import { errors } from '@preau/contract/errors.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { encode } from '#src/platform/guacamole.ts';
import { acceptReport } from '#src/reports/accept-report.ts';
import { launch } from '#src/sessions/launch.ts';
import { selectSession } from '#src/sessions/store.ts';
import { type City, readySession } from '#src/testing.fixture.ts';
import { type GatewayCity, openGatewayCity, type ScriptedGuacd } from './gateway.fixture.ts';

let all: GatewayCity;
let city: City;
let guacd: ScriptedGuacd;
let limits: GatewayCity['limits'];

beforeEach(async () => {
  all = await openGatewayCity();
  ({ city, guacd, limits } = all);
});
afterEach(() => all.close());

const startSession = () => all.startSession();
const open: GatewayCity['open'] = (ticket, how) => all.open(ticket, how);

describe('a tunnel', () => {
  test('joins the two: settings by name, pictures one way, keys the other, nothing else', async () => {
    const { id, ticket } = await startSession();
    const { socket, seen, closed } = open(ticket);
    await vi.waitFor(() => expect(seen.map(([opcode]) => opcode)).toContain('sync'), 10_000);
    expect(guacd.heard).toEqual([
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

    guacd.heard.length = 0;
    socket.send(
      encode(['key', '97', '1']) +
        encode(['argv', '1', 'text/plain', 'password']) +
        encode(['nop']),
    );
    socket.send(encode(['', 'ping', '7']));
    await vi.waitFor(() => expect(seen.at(-1)).toEqual(['', 'ping', '7']));
    await vi.waitFor(() => expect(guacd.heard).toEqual([['key', '97', '1'], ['nop']]));

    guacd.socket?.end(encode(['error', 'gone', '519']));
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
    await vi.waitFor(() => expect(guacd.socket?.closed).toBe(true));
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
    await vi.waitFor(() => expect(guacd.heard).toContainEqual(['key', '97', '1']));
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
    expect(guacd.bytes).toBeLessThan(600_000);
    expect(guacd.bytes).toBeGreaterThan(100_000);
  });

  test('with sizes: a few pass, and the last one is the last', async () => {
    const { ticket } = await startSession();
    const { socket, seen } = open(ticket);
    await vi.waitFor(() => expect(seen.length).toBeGreaterThan(1), 10_000);
    guacd.heard.length = 0;
    for (let count = 0; count < 199; count += 1) {
      socket.send(encode(['size', '8192', '8192']));
      socket.send(encode(['size', String(1000 + count), '2160']));
    }
    const sizes = () => guacd.heard.filter(([opcode]) => opcode === 'size');
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
      while (guacd.socket?.destroyed === false && guacd.socket.write(frame)) sent += frame.length;
    };
    guacd.socket?.on('drain', more);
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
    expect(guacd.heard.map(([opcode]) => opcode)).not.toContain('connect');
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
    expect(guacd.heard).toEqual([]);
  });

  test('a ticket that was used, or never given', async () => {
    const { ticket } = await startSession();
    const first = open(ticket);
    await vi.waitFor(() => expect(first.seen.length).toBeGreaterThan(1), 10_000);
    guacd.heard.length = 0;
    for (const wrong of [ticket, 'a'.repeat(43), 'short']) {
      const { refused } = open(wrong);
      await vi.waitFor(() =>
        expect(refused()).toEqual({
          status: errors.TICKET_REFUSED.status,
          code: 'TICKET_REFUSED',
        }),
      );
    }
    expect(guacd.heard).toEqual([]);
  });
});
