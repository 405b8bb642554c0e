/** What a rule says of a session, as guacd and the tablet meet it; and what ends a tunnel. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { directions } from '@preau/contract/rule.ts';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { signOut } from '#src/accounts/sign-ins/sign-in.ts';
import { decode, encode } from '#src/platform/guacamole.ts';
import { acceptReport } from '#src/reports/accept-report.ts';
import { weighSessions } from '#src/sessions/end-of-access.ts';
import { launch } from '#src/sessions/launch.ts';
import { listRecordings } from '#src/sessions/recordings/recordings.ts';
import { selectSession } from '#src/sessions/store.ts';
import { readySession } from '#src/testing.fixture.ts';
import { type GatewayCity, openGatewayCity } from './gateway.fixture.ts';

const asks = [
  'hostname',
  'disable-copy',
  'disable-paste',
  'disable-audio',
  'enable-audio-input',
  'enable-drive',
  'drive-path',
  'disable-download',
  'disable-upload',
  'enable-printing',
  'enable-sftp',
  'static-channels',
  'remote-app',
  'recording-path',
  'create-recording-path',
  'recording-include-keys',
];
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function openCity(
  more: Parameters<typeof openGatewayCity>[0] = {},
): Promise<GatewayCity & { dataFolder: string }> {
  const dataFolder = mkdtempSync(join(tmpdir(), 'preau-tunnel-'));
  const all = await openGatewayCity({ asks, settings: { PREAU_DATA: dataFolder }, ...more });
  closers.push(all.close, () => rmSync(dataFolder, { recursive: true, force: true }));
  return { ...all, dataFolder };
}
const joined = async (
  all: GatewayCity,
  ticket: string,
  how?: Parameters<GatewayCity['open']>[1],
) => {
  const tunnel = all.open(ticket, how);
  await vi.waitFor(() => expect(tunnel.seen.map(([opcode]) => opcode)).toContain('sync'), 10_000);
  return tunnel;
};
const copied = [
  encode(['clipboard', '0', 'text/plain']),
  encode(['blob', '0', Buffer.from('Bonjour').toString('base64')]),
  encode(['end', '0']),
];
const opcodes = (instructions: readonly (readonly string[])[]) =>
  instructions.map(([opcode]) => opcode);

describe.each(directions)('a rule whose clipboard is %s', (clipboard) => {
  const isIn = clipboard === 'in' || clipboard === 'both';
  const isOut = clipboard === 'out' || clipboard === 'both';

  test('is what guacd is told, and files, printing and recording stay off there', async () => {
    const all = await openCity();
    const { ticket } = await all.startSession({ clipboard, files: 'both', printing: true });
    await joined(all, ticket);
    const [, , ...given] = all.guacd.heard.find(([opcode]) => opcode === 'connect') ?? [];
    expect(Object.fromEntries(asks.map((name, index) => [name, given[index]]))).toEqual({
      ...Object.fromEntries(asks.map((name) => [name, ''])),
      hostname: '127.0.0.1',
      'disable-audio': 'true',
      'disable-copy': String(!isOut),
      'disable-paste': String(!isIn),
    });
  });

  test('is what the gateway lets in; what guacd gives out passes', async () => {
    const all = await openCity();
    const { ticket } = await all.startSession({ clipboard });
    const { socket, seen } = await joined(all, ticket);
    all.guacd.heard.length = 0;
    socket.send(`${copied.join('')}${encode(['key', '97', '1'])}`);
    await vi.waitFor(() => expect(opcodes(all.guacd.heard)).toContain('key'));
    expect(opcodes(all.guacd.heard)).toEqual(isIn ? ['clipboard', 'blob', 'end', 'key'] : ['key']);
    all.guacd.socket?.write(copied.join(''));
    await vi.waitFor(() => expect(opcodes(seen).slice(-3)).toEqual(['clipboard', 'blob', 'end']));
  });
});

describe('a rule that records', () => {
  const recordings = async ({ city }: GatewayCity) =>
    (await listRecordings(city.platform, city.technician, { limit: 5 })).items;

  test('keeps what the screen showed, and nothing that was copied or typed', async () => {
    const all = await openCity();
    const { ticket } = await all.startSession({ recording: true, clipboard: 'both' });
    const { socket, seen } = await joined(all, ticket);
    socket.send(encode(['key', '97', '1']));
    all.guacd.socket?.write(
      encode(['rect', '0', '0', '0', '9', '9']) + copied.join('') + encode(['sync', '2']),
    );
    await vi.waitFor(() => expect(seen.at(-1)).toEqual(['sync', '2']));
    socket.close();
    await vi.waitFor(async () =>
      expect((await recordings(all))[0]?.endedAt).toEqual(expect.any(Number)),
    );
    const [{ id = '' } = {}] = await recordings(all);
    const kept = decode(readFileSync(join(all.dataFolder, 'recordings', id)).toString());
    expect(opcodes(kept ?? [])).toEqual(['size', 'sync', 'rect', 'sync']);
  });

  test('and one that does not leaves none', async () => {
    const all = await openCity();
    const { ticket } = await all.startSession({ recording: false });
    await joined(all, ticket);
    expect(await recordings(all)).toEqual([]);
  });
});

describe('a tunnel ends', () => {
  test('when its person signs out, and at guacd too; not when somebody else does', async () => {
    const all = await openCity();
    const { city, guacd } = all;
    const { id, ticket } = await all.startSession();
    const { closed } = await joined(all, ticket);
    await signOut(city.platform, city.teacher);
    expect(closed()).toBeNull();
    await signOut(city.platform, city.pupil);
    await vi.waitFor(() => expect(closed()).toBe('1011 769 NOT_SIGNED_IN'));
    await vi.waitFor(() => expect(guacd.socket?.closed).toBe(true));
    await vi.waitFor(async () =>
      expect((await selectSession(city.platform.database, id))?.state).toBe('disconnected'),
    );
  });

  test('when the tablet answers no ping', async () => {
    const all = await openCity({ beatMs: 50 });
    const { id, ticket } = await all.startSession();
    const { closed } = await joined(all, ticket, { autoPong: false });
    await vi.waitFor(() => expect(closed()).toMatch(/^1006/), 5000);
    await vi.waitFor(async () =>
      expect((await selectSession(all.city.platform.database, id))?.state).toBe('disconnected'),
    );
    await vi.waitFor(() => expect(all.guacd.socket?.closed).toBe(true));
  });

  test('not while the tablet answers, though nobody uses it', async () => {
    const all = await openCity({ beatMs: 50 });
    const { id, ticket } = await all.startSession();
    const { socket, closed } = await joined(all, ticket);
    let pings = 0;
    socket.on('ping', () => {
      pings += 1;
    });
    await vi.waitFor(() => expect(pings).toBeGreaterThan(5), 5000);
    expect(closed()).toBeNull();
    expect((await selectSession(all.city.platform.database, id))?.state).toBe('active');
  });
});

describe('a second tablet of the same person', () => {
  test('is one too many where one is allowed, and nobody else’s tablet is', async () => {
    const all = await openCity();
    all.limits.perPerson = 1;
    const { ticket } = await all.startSession();
    const first = await joined(all, ticket);
    const again = all.open('a'.repeat(43));
    await vi.waitFor(() => expect(again.refused()).toEqual({ status: 503, code: 'BUSY' }));
    all.caller.actor = all.city.teacher;
    await joined(all, (await all.startSession()).ticket);
    expect(first.closed()).toBeNull();
  });
  test('takes the session over: the first is told so, and its leaving changes nothing', async () => {
    const all = await openCity();
    const { city } = all;
    const { id, ticket } = await all.startSession();
    const first = await joined(all, ticket);
    await vi.waitFor(async () =>
      expect((await selectSession(city.platform.database, id))?.state).toBe('active'),
    );
    const again = await launch(city.platform, city.pupil, {
      application: 'tuxpaint',
      language: 'fr',
    });
    await acceptReport(
      city.platform,
      city.agent.actor,
      city.agent.report({ sessions: [readySession(id, 2)] }),
    );
    await vi.waitFor(() => expect(first.closed()).toMatch(/ SUPERSEDED$/), 5000);
    const second = await joined(all, again.ticket.ticket);
    await vi.waitFor(async () =>
      expect((await selectSession(city.platform.database, id))?.state).toBe('active'),
    );
    expect(second.closed()).toBeNull();
  });
});

describe('a session with an idle time', () => {
  const minute = 60_000;
  // biome-ignore format: a table
  test.each([
    ['a key',            encode(['key', '97', '1']),             true],
    ['the mouse',        encode(['mouse', '1', '2', '0']),       true],
    ['an answer',        encode(['sync', '1']),                  false],
    ['another size',     encode(['size', '800', '600']),         false],
    ['nothing',          '',                                     false],
  ])('%s: keeps it alive %#', async (_name, said, goesOn) => {
    const all = await openCity({ beatMs: 50 });
    const { city } = all;
    const { id, ticket } = await all.startSession({ idleMinutes: 10 });
    const { socket } = await joined(all, ticket);
    const job = { kind: 'job', id: 'access', name: 'access' } as const;
    const session = () => selectSession(city.platform.database, id);
    const seenAt = async () =>
      (
        await city.platform.database
          .selectFrom('sessions')
          .select('tunnel_seen_at')
          .where('id', '=', id)
          .executeTakeFirst()
      )?.tunnel_seen_at;
    await vi.waitFor(async () => expect((await session())?.state).toBe('active'));
    city.time.at += 9 * minute;
    if (said !== '') socket.send(said);
    // The heartbeat after what was said has noted it.
    await vi.waitFor(async () => expect(await seenAt()).toBe(city.time.at), 5000);
    let pings = 0;
    socket.on('ping', () => {
      pings += 1;
    });
    await vi.waitFor(() => expect(pings).toBeGreaterThan(2), 5000);
    city.time.at += 2 * minute;
    await weighSessions(city.platform, job);
    expect((await session())?.state).toBe(goesOn ? 'active' : 'ended');
  });
});
