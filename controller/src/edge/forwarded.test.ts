/** Where a call comes from, when a stranger says that it comes from a school: nowhere do we believe
 * it, unless a proxy of ours says so. */
import type { AddressInfo } from 'node:net';
import { plainRule } from '@preau/contract/rule.ts';
import { noSettings } from '@preau/contract/site.ts';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createRule } from '#src/access/rules.ts';
import { insertGroup } from '#src/accounts/store.ts';
import { launch } from '#src/sessions/launch.ts';
import { saveSiteSettings } from '#src/sites/store.ts';
import { type City, makeCity, publicUrl } from '#src/testing.fixture.ts';
import { openEdge, signedIn } from './edge.fixture.ts';

const school = '10.1.2.3';
const stranger = '203.0.113.9';
/** Of the PCs of the school; nobody else sees the program. */
const subnet = '10.1.0.0/16';

describe.each([
  { name: 'without a proxy', settings: {}, believed: false },
  {
    name: 'behind another proxy than ours',
    settings: { PREAU_TRUSTED_PROXIES: '192.0.2.1' },
    believed: false,
  },
  { name: 'behind our proxy', settings: { PREAU_TRUSTED_PROXIES: '127.0.0.1' }, believed: true },
])('$name', ({ settings, believed }) => {
  let city: City;
  let app: FastifyInstance;
  let url: string;
  let cookie: string;
  beforeAll(async () => {
    city = await makeCity(':memory:', settings);
    app = await openEdge(city.platform);
    await app.listen({ host: '127.0.0.1', port: 0 });
    url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
    cookie = `preau_sign_in=${await signedIn(city, city.pupil.id)}`;
    await createRule(city.platform, city.technician, {
      ...plainRule,
      effect: 'allow',
      target: { kind: 'application', applicationId: city.applications.secret.id },
      audience: { kind: 'role', role: 'pupil' },
      client: { kind: 'subnet', subnet },
    });
  });
  afterAll(async () => {
    await app.close();
    await city.close();
  }, 30_000);

  const ask = async <T>(path: string, from: string | null, init: RequestInit = {}) => {
    const answer = await fetch(url + path, {
      ...init,
      headers: {
        cookie,
        'content-type': 'application/json',
        ...(from === null ? {} : { 'x-forwarded-for': from }),
      },
    });
    return (await answer.json()) as T;
  };
  const sees = async (from: string | null) =>
    (await ask<{ items: { slug: string }[] }>('/api/portal', from)).items
      .map(({ slug }) => slug)
      .includes('secret');

  test('the address is the caller’s, or what our proxy says last', async () => {
    const address = async (from: string | null) =>
      (await ask<{ address: string }>('/api/address', from)).address;
    expect(await address(null)).toBe('127.0.0.1');
    expect(await address(school)).toBe(believed ? school : '127.0.0.1');
    // What the caller had sent stands before what the proxy has added.
    expect(await address(`${school}, ${stranger}`)).toBe(believed ? stranger : '127.0.0.1');
  });

  test('the portal of the school is shown at the school, also while it is remembered', async () => {
    expect(await sees(school)).toBe(believed);
    expect(await sees(stranger)).toBe(false);
    expect(await sees(null)).toBe(false);
    expect(await sees(school)).toBe(believed);
  });

  test('a program of the school opens there only', async () => {
    const start = async (from: string) =>
      (
        await ask<{ code?: string }>('/api/sessions', from, {
          method: 'POST',
          body: JSON.stringify({ application: 'secret', language: 'fr' }),
        })
      ).code ?? 'done';
    expect(await start(stranger)).toBe('WRONG_DEVICE');
    expect(await start(school)).toBe(believed ? 'done' : 'WRONG_DEVICE');
  });

  test('and so does its tunnel', async () => {
    const refusal = async (from: string) => {
      const { ticket } = await launch(city.platform, city.pupil, {
        application: 'secret',
        language: 'fr',
        address: school,
      });
      const socket = new WebSocket(
        `${url.replace('http', 'ws')}/api/tunnel?width=1280&height=720&dpi=96`,
        ['guacamole', `ticket.${ticket.ticket}`],
        { headers: { cookie, origin: publicUrl, 'x-forwarded-for': from } },
      );
      return new Promise<string | null>((resolve) => {
        socket.on('error', () => undefined);
        socket.on('open', () => {
          socket.terminate();
          resolve(null);
        });
        socket.on('unexpected-response', (_request, response) => {
          response.on('data', (chunk: Buffer) =>
            resolve((JSON.parse(chunk.toString()) as { code: string }).code),
          );
        });
      });
    };
    expect(await refusal(stranger)).toBe('WRONG_DEVICE');
    expect(await refusal(school)).toBe(believed ? null : 'WRONG_DEVICE');
  });

  test('the classes of a school are shown in its own rooms only', async () => {
    await saveSiteSettings(city.platform.database, city.site.id, {
      ...noSettings,
      networks: [{ subnet, labels: [] }],
    });
    await insertGroup(
      city.platform.database,
      { kind: 'class', name: 'CM2 Ziegler', siteId: city.site.id },
      [city.pupil.id],
    );
    const hall = async (from: string) =>
      JSON.stringify(await ask('/api/sign-in/classes', from)).includes('CM2 Ziegler');
    expect(await hall(stranger)).toBe(false);
    expect(await hall(school)).toBe(believed);
  });
});
