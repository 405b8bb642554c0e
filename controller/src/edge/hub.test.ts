import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { consoleNamespace, hubPath } from '@preau/contract/hub.ts';
import { audiences, type Topic, type TopicKind } from '@preau/contract/topics.ts';
import { io, type Socket } from 'socket.io-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { insertSignIn } from '#src/accounts/sign-ins/store.ts';

import { newToken, sha256 } from '#src/platform/secrets.ts';
import { type City, makeCity, publicUrl } from '#src/testing.fixture.ts';
import { createHub } from './hub.ts';

const people = ['pupil', 'teacher', 'contact', 'technician'] as const;
type Who = (typeof people)[number];

let city: City;
let hub: { close: () => Promise<void> };
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
  hub = createHub(
    { ...city.platform, originAllowed: (origin: string | undefined) => origin === publicUrl },
    http,
  );
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}${consoleNamespace}`;
  for (const who of people) {
    tokens[who] = newToken();
    await insertSignIn(city.platform.database, {
      tokenHash: sha256(tokens[who]),
      accountId: city[who].id,
      now: city.time.at,
      expiresAt: city.time.at + 3_600_000,
    });
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

test('pages whose sign-in is over are disconnected, and nobody else’s', async () => {
  const gone = new Promise<string>((resolve) => pages.teacher.once('disconnect', resolve));
  city.platform.wakeups.wake([`sign-in:${sha256(tokens.teacher)}`]);
  expect(await gone).toBe('io server disconnect');
  expect(people.filter((who) => pages[who].connected)).toEqual(['pupil', 'contact', 'technician']);
});
