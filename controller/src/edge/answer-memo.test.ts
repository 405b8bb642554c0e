import { get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { plainRule } from '@preau/contract/rule.ts';
import type { Topic } from '@preau/contract/topics.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createRule } from '#src/access/rules.ts';
import { signOut } from '#src/accounts/sign-ins/sign-in.ts';
import { newToken, sha256 } from '#src/platform/secrets.ts';
import { type City, makeCity } from '#src/testing.fixture.ts';
import { createAnswerMemo } from './answer-memo.ts';
import { openEdge, signedIn } from './edge.fixture.ts';

let city: City;
let url: string;
let cookie: string;
let close: () => Promise<void>;

beforeEach(async () => {
  city = await makeCity();
  const app = await openEdge(city.platform);
  await app.listen({ host: '127.0.0.1', port: 0 });
  url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/api/portal`;
  const token = await signedIn(city, city.pupil.id);
  cookie = `preau_sign_in=${token}`;
  close = async () => {
    await app.close();
    await city.close();
  };
});
afterEach(() => close());

const ask = (headers: Record<string, string> = { cookie }) =>
  new Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }>(
    (resolve, reject) => {
      get(url, { headers, agent: false }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(parts),
          }),
        );
      }).on('error', reject);
    },
  );
const slugs = async () =>
  (JSON.parse((await ask()).body.toString()) as { items: { slug: string }[] }).items.map(
    ({ slug }) => slug,
  );
/** A change that nobody is woken for: only what was remembered hides it. */
const changeInSilence = () =>
  city.platform.database.updateTable('server_applications').set({ state: 'failed' }).execute();

test('the same answer again, with the same headers, until somebody is woken', async () => {
  const first = await ask();
  await changeInSilence();
  const again = await ask();
  expect(again.status).toBe(200);
  expect(again.body.equals(first.body)).toBe(true);
  for (const name of [
    'content-security-policy',
    'content-type',
    'cache-control',
    'x-content-type-options',
  ])
    expect(again.headers[name]).toBe(first.headers[name]);
  city.platform.wakeups.wake([`person:${city.teacher.id}`]);
  expect((await ask()).body.equals(first.body)).toBe(true);
  city.platform.wakeups.wake([`person:${city.pupil.id}`]);
  expect((await ask()).body.equals(first.body)).toBe(false);
});

test('a saved rule shows at once', async () => {
  expect(await slugs()).toEqual(['gimp', 'tuxpaint']);
  await createRule(city.platform, city.technician, {
    ...plainRule,
    effect: 'allow',
    target: { kind: 'application', applicationId: city.applications.secret.id },
    audience: { kind: 'everyone' },
  });
  expect(await slugs()).toEqual(['gimp', 'secret', 'tuxpaint']);
});

test('nothing is remembered for who has signed out, for another cookie, or for a token', async () => {
  await ask();
  expect((await ask({ cookie: `preau_sign_in=${newToken()}` })).status).toBe(401);
  expect((await ask({})).status).toBe(401);
  expect((await ask({ cookie, authorization: 'Bearer preau_x' })).status).toBe(403);
  await signOut(city.platform, { ...city.pupil, signIn: sha256(cookie.split('=')[1] ?? '') });
  expect((await ask()).status).toBe(401);
});

test('an answer read before a change is not remembered after it', () => {
  const { wakeups } = city.platform;
  const memo = createAnswerMemo(wakeups, () => '10.0.0.1');
  const request = { url: '/api/portal', method: 'GET', headers: { cookie } } as IncomingMessage;
  let answered = '';
  const response = {
    writeHead: () => undefined,
    end: (text: string) => {
      answered = text;
    },
  } as unknown as ServerResponse;
  const owner = { accountId: city.pupil.id, signIn: sha256('x') };
  const topics: [Topic, kept: boolean][] = [
    ['rules', false],
    ['portal', false],
    ['applications', false],
    ['sites', false],
    [`person:${city.pupil.id}`, false],
    [`sign-in:${owner.signIn}`, false],
    ['audit', true],
    ['session:ses_1', true],
  ];
  for (const [topic, kept] of topics) {
    const epoch = memo.epoch();
    wakeups.wake([topic]);
    memo.keep(request, epoch, owner, {}, topic);
    expect([topic, memo.answer(request, response)]).toEqual([topic, kept]);
    expect(kept ? answered : topic).toBe(topic);
    wakeups.wake(['portal']);
  }
  memo.close();
});

test('an answer is remembered for two seconds, for one address, for reading', () => {
  const at = { now: 0, address: '10.0.0.1' };
  const memo = createAnswerMemo(
    city.platform.wakeups,
    () => at.address,
    () => at.now,
  );
  const request = { url: '/api/portal', method: 'GET', headers: { cookie } };
  const response = { writeHead: () => undefined, end: () => undefined };
  const isKnown = (more: Partial<typeof request> = {}) =>
    memo.answer({ ...request, ...more } as IncomingMessage, response as unknown as ServerResponse);
  memo.keep(
    request as IncomingMessage,
    memo.epoch(),
    { accountId: city.pupil.id, signIn: 'x' },
    {},
    '{}',
  );
  expect(isKnown()).toBe(true);
  expect(isKnown({ method: 'POST' })).toBe(false);
  expect(isKnown({ url: '/api/me' })).toBe(false);
  at.address = '10.0.0.2';
  expect(isKnown()).toBe(false);
  at.address = '10.0.0.1';
  at.now = 1999;
  expect(isKnown()).toBe(true);
  at.now = 2000;
  expect(isKnown()).toBe(false);
  memo.close();
});

test('gzip for who takes it', async () => {
  await city.platform.database
    .updateTable('applications')
    .set({
      description_fr: 'Pour dessiner. '.repeat(18).trim(),
      description_en: 'For drawing. '.repeat(20).trim(),
    })
    .execute();
  await createRule(city.platform, city.technician, {
    ...plainRule,
    effect: 'allow',
    target: { kind: 'application', applicationId: city.applications.secret.id },
    audience: { kind: 'everyone' },
  });
  const plain = await ask();
  expect(plain.body.length).toBeGreaterThan(2048);
  const packed = await ask({ cookie, 'accept-encoding': 'gzip, br' });
  expect(packed.headers['content-encoding']).toBe('gzip');
  expect(gunzipSync(packed.body).equals(plain.body)).toBe(true);
});
