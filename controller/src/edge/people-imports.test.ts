/** Files of people over HTTP: who may send them, how large, and what is said of a body that is
 * none. */
import { maxImportBytes, noChoices } from '@preau/contract/people-import.ts';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { site } from '#src/builders.fixture.ts';
import { previewImport } from '#src/classes/people/preview.ts';
import { createSite } from '#src/sites/sites.ts';
import { type City, makeCity } from '#src/testing.fixture.ts';
import { openEdge, signedIn } from './edge.fixture.ts';

let city: City;
let app: FastifyInstance;
let elsewhere: string;
const cookies: Record<string, string> = {};
beforeAll(async () => {
  city = await makeCity();
  app = await openEdge(city.platform, { originAllowed: () => false });
  elsewhere = (await createSite(city.platform, city.technician, site())).id;
  for (const [name, { id }] of Object.entries({
    contact: city.contact,
    technician: city.technician,
    teacher: city.teacher,
  })) {
    const token = await signedIn(city, id);
    cookies[name] = `preau_sign_in=${token}`;
  }
});
afterAll(async () => {
  await app.close();
  await city.close();
}, 30_000);

const table = 'Nom;Prénom\nPETIT;Léo\n';
const send = (
  who: string,
  siteId: string | null,
  payload: Buffer | string,
  type = 'application/octet-stream',
) =>
  app.inject({
    method: 'POST',
    url: `/api/people-imports/preview${siteId === null ? '' : `?site=${siteId}`}`,
    headers: { cookie: cookies[who] ?? '', 'content-type': type },
    payload,
  });
const body = (text: string | Buffer, choices: object = noChoices) =>
  Buffer.concat([Buffer.from(`${JSON.stringify(choices)}\n`), Buffer.from(text)]);
const codeOf = async (reply: ReturnType<typeof send>) =>
  (await reply).json<{ code?: string }>().code ?? 'done';

describe('who', () => {
  test('a contact for their own school only; a teacher for none; nobody without a sign-in', async () => {
    expect(await codeOf(send('contact', city.site.id, body(table)))).toBe('done');
    expect(await codeOf(send('contact', elsewhere, body(table)))).toBe('OUT_OF_SCOPE');
    expect(await codeOf(send('contact', null, body(table)))).toBe('OUT_OF_SCOPE');
    expect(await codeOf(send('teacher', city.site.id, body(table)))).toBe('FORBIDDEN');
    expect(await codeOf(send('nobody', city.site.id, body(table)))).toBe('NOT_SIGNED_IN');
  });
  test('nor may a contact send away somebody of another school', async () => {
    const stranger = await city.account('tom', 'pupil', elsewhere);
    expect(
      await codeOf(
        send('contact', city.site.id, body(table, { ...noChoices, leave: [stranger.id] })),
      ),
    ).toBe('OUT_OF_SCOPE');
    expect(
      await codeOf(
        send('technician', city.site.id, body(table, { ...noChoices, leave: [stranger.id] })),
      ),
    ).toBe('done');
  });
});

describe('what', () => {
  test('no choices, wrong ones, or none that can be read are told', async () => {
    for (const wrong of [
      Buffer.from(table),
      Buffer.from('{}\nNom'),
      Buffer.from('{'),
      body(table, { ...noChoices, more: 1 }),
      body(table, { ...noChoices, leave: ['x'] }),
      Buffer.alloc(0),
    ])
      expect(await codeOf(send('technician', city.site.id, wrong))).toBe('VALIDATION_FAILED');
    expect(
      await codeOf(send('technician', city.site.id, JSON.stringify(noChoices), 'application/json')),
    ).toBe('VALIDATION_FAILED');
  });
  test('a file larger than 20 MB is refused', async () => {
    const reply = await send(
      'technician',
      city.site.id,
      body(Buffer.alloc(maxImportBytes + 1, 'x')),
    );
    expect([reply.statusCode, reply.json()]).toEqual([
      413,
      expect.objectContaining({ code: 'PAYLOAD_TOO_LARGE' }),
    ]);
  });
});

test('of two imports of one file at once, one adds the children and the other waits its turn', async () => {
  const text = 'Nom;Prénom;Classe\nVIDAL;Zoé;CM1 A\n';
  const { plan } = await previewImport(
    city.platform,
    city.technician,
    city.site.id,
    Buffer.from(text),
    noChoices,
  );
  const apply = async () => {
    const reply = await app.inject({
      method: 'POST',
      url: `/api/people-imports?site=${city.site.id}`,
      headers: { cookie: cookies['technician'] ?? '', 'content-type': 'application/octet-stream' },
      payload: body(text, { ...noChoices, plan }),
    });
    return reply.json<{ code?: string }>().code ?? 'done';
  };
  const outcomes = await Promise.all([apply(), apply()]);
  expect(outcomes.sort()).toEqual(['BUSY', 'done']);
  expect(
    await city.platform.database
      .selectFrom('accounts')
      .select('id')
      .where('display_name', '=', 'Zoé Vidal')
      .execute(),
  ).toHaveLength(1);
  // The place is free again.
  expect(await apply()).not.toBe('BUSY');
});
