import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { agentNamespace, consoleNamespace, hubPath } from '@preau/contract/hub.ts';
import { audiences, type Topic, type TopicKind } from '@preau/contract/topics.ts';
import { io, type Socket } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { budget } from '#src/platform/budget.ts';
import { sha256 } from '#src/platform/secrets.ts';
import { type City, makeCity, publicUrl, type TestAgent } from '#src/testing.fixture.ts';
import { signedIn } from './edge.fixture.ts';
import { createHub, type Hub } from './hub.ts';
import { routeUpgrades } from './upgrades.ts';

const people = ['pupil', 'teacher', 'contact', 'technician'] as const;
type Who = (typeof people)[number];

let city: City;
let hub: Hub;
const http = createServer();
const heard = Object.fromEntries(people.map((who) => [who, [] as string[]])) as Record<
  Who,
  string[]
>;
const tokens = {} as Record<Who, string>;
const pages = {} as Record<Who, Socket>;

const connected = (socket: Socket) =>
  new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', reject);
  });

beforeAll(async () => {
  city = await makeCity();
  hub = createHub({
    ...city.platform,
    originAllowed: (origin: string | undefined) => origin === publicUrl,
  });
  routeUpgrades(
    http,
    { [`${hubPath}/`]: hub.handleUpgrade },
    { log: city.platform.log, addressOf: () => '127.0.0.1' },
  );
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}${consoleNamespace}`;
  for (const who of people) {
    tokens[who] = await signedIn(city, city[who].id);
    pages[who] = io(url, {
      path: hubPath,
      transports: ['websocket'],
      forceNew: true,
      reconnection: false,
      extraHeaders: { cookie: `preau_sign_in=${tokens[who]}` },
    });
    pages[who].on('wake', (topics: string[]) => heard[who].push(...topics));
    await connected(pages[who]);
  }
});
afterAll(async () => {
  for (const page of Object.values(pages)) page.disconnect();
  await hub.close();
  http.close();
  await city.close();
});

/** Who has heard it, once everybody has heard what was woken after it. */
async function hearers(topic: Topic): Promise<Who[]> {
  for (const list of Object.values(heard)) list.length = 0;
  city.platform.wakeups.wake([topic, 'portal']);
  await expect
    .poll(() => people.every((who) => heard[who].includes('portal')), { timeout: 5000 })
    .toBe(true);
  return people.filter((who) => heard[who].includes(topic));
}

// biome-ignore format: a table
const cases: [Topic, Who[]][] = [
  ['sites',           ['technician']],
  ['servers',         ['technician']],
  ['applications',    ['technician']],
  ['rules',           ['technician']],
  ['sessions',        ['technician']],
  ['audit',           ['technician']],
  ['rollouts',        ['technician']],
  ['people',          ['technician']],
  ['directories',     ['technician']],
  ['recordings',      ['technician']],
  ['health',          ['technician']],
  ['addition:add_1',  ['technician']],
  ['requests',        ['contact', 'technician']],
  ['classes',         ['teacher', 'contact', 'technician']],
  ['portal',          ['pupil', 'teacher', 'contact', 'technician']],
  ['mail',            []],
  ['session:ses_1',   []],
  ['rollout:rol_1',   []],
  ['agent:srv_1',     []],
  ['retired:srv_1',   []],
  ['person:acc_1',    []],
  ['sign-in:nobody',  []],
];
test.each(cases)('%s is told to the pages of %j', async (topic, whom) => {
  expect(await hearers(topic)).toEqual(whom);
});
test('every kind of topic has been asked about', () => {
  const asked = cases.map(([topic]) => topic.split(':')[0] as TopicKind);
  expect(asked.sort()).toEqual(Object.keys(audiences).sort());
});

test('a person’s topic is told to their own pages alone', async () => {
  expect(await hearers(`person:${city.pupil.id}`)).toEqual(['pupil']);
});

test('what one moment wakes is told in one message, each topic once', async () => {
  const messages: string[][] = [];
  const note = (topics: string[]) => void messages.push(topics);
  pages.technician.on('wake', note);
  city.platform.wakeups.wake(['sites', 'audit']);
  city.platform.wakeups.wake(['audit', 'rules']);
  await expect.poll(() => messages).toEqual([['sites', 'audit', 'rules']]);
  city.platform.wakeups.wake(['sites']);
  await expect.poll(() => messages).toEqual([['sites', 'audit', 'rules'], ['sites']]);
  pages.technician.off('wake', note);
});

test('pages whose sign-in is over are disconnected, and nobody else’s', async () => {
  const gone = new Promise<string>((resolve) => pages.teacher.once('disconnect', resolve));
  city.platform.wakeups.wake([`sign-in:${sha256(tokens.teacher)}`]);
  expect(await gone).toBe('io server disconnect');
  expect(people.filter((who) => pages[who].connected)).toEqual(['pupil', 'contact', 'technician']);
});

describe('a server’s link', () => {
  const links: Socket[] = [];
  afterAll(() => {
    for (const link of links) link.disconnect();
  });
  const linkOf = (agent: TestAgent, at = city.time.at, as = agent.actor.id) => {
    const [, , , signature] = agent.authorization('LINK', agentNamespace, null, at).split(' ');
    const { port } = http.address() as AddressInfo;
    const link = io(`http://127.0.0.1:${port}${agentNamespace}`, {
      path: hubPath,
      transports: ['websocket'],
      forceNew: true,
      reconnection: false,
      auth: { serverId: as, at, signature },
    });
    links.push(link);
    const told: string[] = [];
    link.on('wake', (topics: string[]) => told.push(...topics));
    return { link, told };
  };
  test('is told of its own desired state, of nobody else’s, and of nothing that pages are', async () => {
    const other = await city.enrolServer('serveur-2');
    const [mine, theirs] = [linkOf(city.agent), linkOf(other)];
    await Promise.all([connected(mine.link), connected(theirs.link)]);
    city.platform.wakeups.wake(['servers', 'portal', 'rules']);
    city.platform.wakeups.wake([`agent:${city.agent.actor.id}`]);
    await expect.poll(() => mine.told).toEqual(['desired-state']);
    city.platform.wakeups.wake([`agent:${other.actor.id}`]);
    await expect.poll(() => theirs.told).toEqual(['desired-state']);
    expect(mine.told).toEqual(['desired-state']);
    // One that is retired is hung up on; the other stays.
    const gone = new Promise<string>((resolve) => theirs.link.once('disconnect', resolve));
    city.platform.wakeups.wake([`retired:${other.actor.id}`]);
    expect(await gone).toBe('io server disconnect');
    expect(mine.link.connected).toBe(true);
  });
  test('opens by its own key, for now, and by no cookie', async () => {
    const other = await city.enrolServer('serveur-3');
    const refusal = ({ link }: ReturnType<typeof linkOf>) =>
      connected(link).then(
        () => 'done',
        (error: Error) => error.message.split(':')[0],
      );
    expect(await refusal(linkOf(other, city.time.at, city.agent.actor.id))).toBe('AGENT_REFUSED');
    expect(await refusal(linkOf(other, city.time.at - 301_000))).toBe('CLOCK_SKEWED');
    const { port } = http.address() as AddressInfo;
    const page = io(`http://127.0.0.1:${port}${agentNamespace}`, {
      path: hubPath,
      transports: ['websocket'],
      forceNew: true,
      reconnection: false,
      extraHeaders: { cookie: `preau_sign_in=${tokens.technician}` },
    });
    links.push(page);
    expect(await refusal({ link: page, told: [] })).toBe('AGENT_REFUSED');
    expect(await refusal(linkOf(other))).toBe('done');
  });
});

describe('a hub connection', () => {
  const short = { ...budget.upgrades, acceptMs: 300, hubPerSignIn: 3 };
  let small: Hub;
  let door: Server;
  let port: number;
  const sockets: WebSocket[] = [];
  beforeAll(async () => {
    small = createHub({ ...city.platform, originAllowed: (origin) => origin === publicUrl }, short);
    door = createServer();
    routeUpgrades(
      door,
      { [`${hubPath}/`]: small.handleUpgrade },
      { log: city.platform.log, addressOf: () => '127.0.0.1' },
      short,
    );
    await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
    port = (door.address() as AddressInfo).port;
  });
  afterAll(async () => {
    for (const socket of sockets) socket.terminate();
    await small.close();
    door.close();
  });

  /** Without socket.io's client, which is too polite. */
  function open(headers: Record<string, string> = {}) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${hubPath}/?EIO=4&transport=websocket`, {
      headers,
    });
    sockets.push(socket);
    const heard: string[] = [];
    socket.on('message', (data) => heard.push(data.toString()));
    socket.on('error', () => undefined);
    return { socket, heard, isClosed: () => socket.readyState === WebSocket.CLOSED };
  }
  const cookie = () => ({ cookie: `preau_sign_in=${tokens.pupil}` });
  const join = async (page: ReturnType<typeof open>) => {
    await expect.poll(() => page.heard.length).toBe(1);
    page.socket.send('40/console,');
    await expect.poll(() => page.heard.length).toBe(2);
  };

  test('that never says who it is ends', async () => {
    const { heard, isClosed } = open();
    await expect.poll(() => heard.length).toBe(1);
    await expect.poll(isClosed, { timeout: 3000 }).toBe(true);
  });
  test('that is refused ends too, though it stays on the line', async () => {
    const page = open();
    await join(page);
    expect(page.heard[1]).toMatch(/^44\/console,/);
    await expect.poll(page.isClosed, { timeout: 3000 }).toBe(true);
  });
  test('that has joined stays', async () => {
    const page = open(cookie());
    await join(page);
    await new Promise((resolve) => setTimeout(resolve, short.acceptMs * 2));
    expect([page.heard[1]?.slice(0, 11), page.isClosed()]).toEqual(['40/console,', false]);
  });
  test('gives way, the oldest first, when one sign-in has too many', async () => {
    const pages: ReturnType<typeof open>[] = [];
    for (let count = 0; count < 5; count += 1) {
      const page = open(cookie());
      pages.push(page);
      await join(page);
    }
    await expect
      .poll(() => pages.map(({ isClosed }) => isClosed()))
      .toEqual([true, true, false, false, false]);
  });
  test('that joins again and again, or sends without end, is cut', async () => {
    const joining = open(cookie());
    await join(joining);
    for (let times = 0; times < 100; times += 1) joining.socket.send('40/console,');
    await expect.poll(joining.isClosed).toBe(true);
    const pinging = open(cookie());
    await join(pinging);
    for (let times = 0; times < 20_000; times += 1) pinging.socket.ping();
    await expect.poll(pinging.isClosed).toBe(true);
  });
  test('opens for our own pages and for agents, who name no origin; for nobody else’s pages', async () => {
    const own = open({ ...cookie(), origin: publicUrl });
    await join(own);
    expect(own.heard[1]).toMatch(/^40\/console,/);
    for (const origin of ['https://evil.example', `${publicUrl}.evil.example`, 'null']) {
      const page = open({ ...cookie(), origin });
      await expect.poll(page.isClosed, { timeout: 3000 }).toBe(true);
      expect([origin, page.heard]).toEqual([origin, []]);
    }
  });
  test('is never one that polls', async () => {
    const answer = await fetch(`http://127.0.0.1:${port}${hubPath}/?EIO=4&transport=polling`, {
      signal: AbortSignal.timeout(500),
    }).then(
      ({ status }) => status,
      () => 'nobody answers',
    );
    expect(answer).toBe('nobody answers');
  });
});
