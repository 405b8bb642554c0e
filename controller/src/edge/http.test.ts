import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { api, type Route, type RouteName } from '@preau/contract/api.ts';
import { errorCodes, errors } from '@preau/contract/errors.ts';
import { pathOf } from '@preau/contract/route-table.ts';
import { kindOfTopic, type Topic } from '@preau/contract/topics.ts';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { createAttempts } from '#src/accounts/attempts/attempts.ts';
import { createApplication } from '#src/applications/create.ts';
import { application, site } from '#src/builders.fixture.ts';
import { createClassEntry } from '#src/classes/enter.ts';
import { plainPasswords, someDirectory, somePage } from '#src/identity/providers.fixture.ts';
import { createIdentity } from '#src/identity/sign-in.ts';
import { budget } from '#src/platform/budget.ts';
import { launch } from '#src/sessions/launch.ts';
import { type City, makeCity, publicUrl, readySession } from '#src/testing.fixture.ts';
import { callsOf, onePixel, type Role, refusal, roles } from './calls.fixture.ts';
import { changesBetween, keptRows } from './changed-rows.fixture.ts';
import { changesOf } from './changes.fixture.ts';
import { openEdge, signedIn, testAdditions } from './edge.fixture.ts';
import { leaves } from './leaves.fixture.ts';

let city: City;
let app: FastifyInstance;
let cookies: Record<'pupil' | 'teacher' | 'contact' | 'technician' | 'administrator', string>;
const waits: number[] = [];
const dataFolder = mkdtempSync(join(tmpdir(), 'preau-http-'));
/** Set by a test that changed nothing: the next one may take over its city. */
let untouched = false;
let close: (() => Promise<void>) | null = null;

beforeEach(async () => {
  if (untouched) {
    untouched = false;
    return;
  }
  await close?.();
  city = await makeCity(':memory:', { PREAU_DATA: dataFolder, PREAU_AGENT_FILES: dataFolder });
  waits.length = 0;
  const additions = testAdditions(city);
  app = await openEdge(city.platform, {
    version: '0.1.0',
    originAllowed: (origin) => origin === publicUrl,
    additions,
    identity: createIdentity(city.platform, [someDirectory, somePage], {
      passwords: plainPasswords,
      attempts: createAttempts({
        now: city.platform.clock.now,
        wait: async (ms) => {
          waits.push(ms);
        },
      }),
    }),
    classEntry: createClassEntry(
      city.platform,
      plainPasswords,
      createAttempts({ now: city.platform.clock.now, wait: async () => undefined }),
    ),
  });
  for (const id of [city.pupil.id, city.technician.id, city.administrator.id])
    await city.platform.database
      .updateTable('accounts')
      .set({ password_hash: 'right' })
      .where('id', '=', id)
      .execute();
  const signIn = (accountId: string) => signedIn(city, accountId);
  close = async () => {
    await additions.close();
    await app.close();
    await city.close();
  };
  cookies = {
    pupil: await signIn(city.pupil.id),
    teacher: await signIn(city.teacher.id),
    contact: await signIn(city.contact.id),
    technician: await signIn(city.technician.id),
    administrator: await signIn(city.administrator.id),
  };
});
afterAll(async () => {
  await close?.();
  rmSync(dataFolder, { recursive: true, force: true });
});

async function call(
  role: Role,
  method: Route['method'],
  url: string,
  body?: unknown,
  headers: Record<string, string> = {},
) {
  const payload =
    body === undefined
      ? undefined
      : typeof body === 'string' || Buffer.isBuffer(body)
        ? body
        : JSON.stringify(body);
  const who: Record<string, string> =
    role === 'none'
      ? {}
      : role === 'agent'
        ? {
            authorization: city.agent.authorization(
              method,
              url,
              typeof payload === 'string' ? payload : null,
            ),
          }
        : { cookie: `preau_sign_in=${cookies[role]}` };
  const options: InjectOptions = {
    method,
    url,
    headers: {
      ...who,
      ...(payload === undefined
        ? {}
        : {
            'content-type': Buffer.isBuffer(payload)
              ? 'application/octet-stream'
              : 'application/json',
          }),
      ...headers,
    },
    ...(payload === undefined ? {} : { payload }),
  };
  return app.inject(options);
}

const calls = callsOf(() => city);

/** What a call has told: to the audit, and to whoever listens. */
async function leftSince(before: readonly { id: string }[], woken: readonly Topic[]) {
  const known = new Set(before.map(({ id }) => id));
  const events = await city.platform.database
    .selectFrom('audit_events')
    .select(['id', 'action'])
    .execute();
  const actions = events.filter(({ id }) => !known.has(id)).map(({ action }) => action);
  return {
    audit: [...new Set(actions)].sort(),
    wakes: [...new Set(woken.map(kindOfTopic))].sort(),
  };
}

describe('every route × every role', () => {
  const names = Object.keys(api) as RouteName[];
  const cases = names.flatMap((name) => roles.map((role): [RouteName, Role] => [name, role]));
  test.each(cases)('%s as %s', async (name, role) => {
    const route: Route = api[name];
    const { params, query = '', body, headers, status, after } = await calls[name](role);
    const before = await city.platform.database.selectFrom('audit_events').select('id').execute();
    const kept = await keptRows(city.platform.database);
    city.woken.length = 0;
    const reply = await call(role, route.method, pathOf(route, params) + query, body, headers);
    const woken = [...city.woken];
    const refused = refusal[route.caller][role];
    let leftSomething = false;
    const changes = changesBetween(kept, await keptRows(city.platform.database));
    if (refused === null) {
      expect([reply.statusCode, reply.statusCode < 400 ? null : reply.json()]).toEqual([
        status ?? route.status ?? 200,
        reply.statusCode < 400 ? null : expect.anything(),
      ]);
      if (reply.statusCode < 400) {
        const left = await leftSince(before, woken);
        expect(left).toEqual(leaves[name]);
        expect(changes).toEqual(changesOf(name));
        leftSomething = left.audit.length > 0 || changes.length > 0;
        await after?.();
        // What people have sent is saved, and never opens under our address.
        if (route.stream === 'down' || route.download !== undefined)
          expect(reply.headers['content-disposition']).toMatch(/^attachment\b/);
      }
    } else {
      expect(reply.statusCode).toBe(errors[refused].status);
      expect(reply.json()).toMatchObject({ code: refused });
      expect(
        await city.platform.database.selectFrom('audit_events').select('id').execute(),
      ).toEqual(before);
      expect(changes).toEqual([]);
    }
    if (reply.statusCode >= 400) {
      const { code, message } = reply.json<{ code: string; message: { fr: string; en: string } }>();
      expect(errorCodes).toContain(code);
      expect(message.fr.length).toBeGreaterThan(10);
      expect(message.en.length).toBeGreaterThan(10);
      expect(message.fr).not.toBe(message.en);
    }
    untouched = refused !== null || (route.method === 'GET' && !leftSomething);
    expect(reply.headers['x-content-type-options']).toBe('nosniff');
    expect(reply.headers['content-security-policy']).toContain("object-src 'none'");
  });

  test('whoever reads the audit sees what a call writes there, but for who comes and goes', () => {
    const silent = Object.entries(leaves)
      .filter(([, { audit, wakes }]) => audit.length > 0 && !wakes.includes('audit'))
      .flatMap(([, { audit }]) => audit);
    expect([...new Set(silent)].sort()).toEqual(['account.signed_in', 'account.signed_out']);
  });

  test('malformed input does not tell more to whoever may not ask', async () => {
    expect((await call('pupil', 'POST', '/api/sites', { nonsense: 1 })).json()).toMatchObject({
      code: 'FORBIDDEN',
    });
    expect((await call('none', 'GET', '/api/sessions/not-an-id')).json()).toMatchObject({
      code: 'NOT_SIGNED_IN',
    });
  });
});

describe('text that no database takes', () => {
  test('is taken out of a report, whose rest is applied', async () => {
    const report = city.agent.report();
    report.inventory.system = 'Debian\u0000 12';
    const reply = await call('agent', 'POST', '/api/agent/report', report);
    expect([reply.statusCode, reply.json()]).toEqual([200, expect.anything()]);
    const { inventory } = await city.platform.database
      .selectFrom('servers')
      .select('inventory')
      .where('id', '=', city.agent.actor.id)
      .executeTakeFirstOrThrow();
    expect(JSON.parse(inventory ?? '{}')).toMatchObject({ system: 'Debian 12' });
  });
  test('is refused from a person, in a body and in a query', async () => {
    const asked = { application: 'tuxpaint\u0000', language: 'fr' };
    for (const reply of [
      await call('pupil', 'POST', '/api/sessions', asked),
      await call('technician', 'GET', '/api/audit?search=%00'),
    ])
      expect([reply.statusCode, reply.json().code]).toEqual([400, 'VALIDATION_FAILED']);
  });
});

describe('origins', () => {
  const cases: [origin: string, ok: boolean][] = [
    [publicUrl, true],
    ['https://evil.example', false],
    [`${publicUrl}.evil.example`, false],
    ['http://preau.example', false],
    ['null', false],
    [publicUrl.toUpperCase(), false],
  ];
  test.each(cases)('%s', async (origin, ok) => {
    for (const [method, url, body] of [
      ['POST', '/api/sessions', { application: 'tuxpaint', language: 'fr' }],
      ['POST', '/api/sign-in', { login: 'lea', password: 'right' }],
      ['POST', '/api/sign-out', undefined],
    ] as const) {
      const reply = await call('pupil', method, url, body, { origin });
      if (ok) expect(reply.statusCode).toBeLessThan(300);
      else
        expect([reply.statusCode, reply.json()]).toEqual([
          403,
          expect.objectContaining({ code: 'ORIGIN_REFUSED' }),
        ]);
    }
  });
  test('a page of another origin changes nothing by any route', async () => {
    const origin = 'https://evil.example';
    for (const route of Object.values(api) as Route[]) {
      if (route.method === 'GET') continue;
      const url = route.path.replace(/:\w+/g, 'x');
      const payload = route.stream === undefined ? undefined : Buffer.from('x');
      const reply = await call('administrator', route.method, url, payload, { origin });
      expect([route.path, reply.json().code]).toEqual([route.path, 'ORIGIN_REFUSED']);
    }
  });
  test('no page of another origin may read answers', async () => {
    const reply = await call('pupil', 'GET', '/api/me', undefined, {
      origin: 'https://evil.example',
    });
    expect(reply.headers['access-control-allow-origin']).toBeUndefined();
  });
});

describe('input', () => {
  const launchBody = { application: 'tuxpaint', language: 'fr' };
  // biome-ignore format: a table
  const cases: [name: string, method: Route['method'], url: string, body: unknown, field: RegExp][] = [
    ['unknown field', 'POST', '/api/sessions', { ...launchBody, serverId: 'srv_x' }, /^body/],
    ['missing field', 'POST', '/api/sessions', { application: 'tuxpaint' }, /^body/],
    ['wrong type', 'POST', '/api/sessions', { ...launchBody, application: 1 }, /^body\/application/],
    ['no body', 'POST', '/api/sessions', undefined, /^body/],
    ['a list', 'POST', '/api/sessions', [], /^body/],
    ['unknown query', 'GET', '/api/sessions?states=live', undefined, /^query/],
    ['limit of 0', 'GET', '/api/sessions?limit=0', undefined, /^query\/limit/],
    ['limit twice', 'GET', '/api/sessions?limit=1&limit=2', undefined, /^query\/limit/],
    ['id of another kind', 'GET', `/api/servers/ses_${'a'.repeat(22)}`, undefined, /^params\/id/],
    ['id that climbs', 'GET', '/api/servers/..%2f..%2fetc', undefined, /^params\/id/],
    ['name with a direction override', 'POST', '/api/sites', site({ name: 'a\u202eb' }), /^body\/name/],
  ];
  test.each(cases)('%s names its field', async (_name, method, url, body, field) => {
    const reply = await call('technician', method, url, body);
    expect(reply.statusCode).toBe(400);
    const { code, details } = reply.json<{
      code: string;
      details: { issues: { field: string; problem: string }[] };
    }>();
    expect(code).toBe('VALIDATION_FAILED');
    expect(details.issues.some((issue) => field.test(issue.field))).toBe(true);
  });
  test('an unknown field is named', async () => {
    const reply = await call('pupil', 'POST', '/api/sessions', {
      ...launchBody,
      serverId: 'srv_x',
    });
    expect(reply.body).toContain('serverId');
  });

  // biome-ignore format: a table
  const raw: [name: string, body: string, headers: Record<string, string>][] = [
    ['__proto__', '{"application":"tuxpaint","language":"fr","__proto__":{"role":"technician"}}', {}],
    ['constructor.prototype', '{"application":"tuxpaint","language":"fr","constructor":{"prototype":{"a":1}}}', {}],
    ['half of JSON', '{"application":', {}],
    ['a form', 'application=tuxpaint', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['plain text', '{"application":"tuxpaint","language":"fr"}', { 'content-type': 'text/plain' }],
  ];
  test.each(raw)('%s is refused', async (_name, body, headers) => {
    const reply = await call('pupil', 'POST', '/api/sessions', body, headers);
    expect(reply.statusCode).toBe(400);
    expect(reply.json()).toMatchObject({
      code: 'VALIDATION_FAILED',
      message: { fr: errors.VALIDATION_FAILED.fr, en: errors.VALIDATION_FAILED.en },
    });
    expect(await city.platform.database.selectFrom('sessions').select('id').execute()).toEqual([]);
  });
  test('a body of 5 MB is too large', async () => {
    expect(
      (await call('technician', 'POST', '/api/icons', `"${'a'.repeat(5_000_000)}"`)).json(),
    ).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
  });
  test('an SVG icon is refused by its bytes', async () => {
    const png = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>').toString('base64');
    const reply = await call('technician', 'POST', '/api/icons', {
      applicationId: city.applications.gimp.id,
      png,
    });
    expect([reply.statusCode, reply.json()]).toEqual([
      415,
      expect.objectContaining({ code: 'ICON_REFUSED' }),
    ]);
  });
  test('unknown addresses are a 404 with both languages', async () => {
    const reply = await call('none', 'GET', '/api/nothing');
    expect([reply.statusCode, reply.json()]).toEqual([
      404,
      expect.objectContaining({
        code: 'NOT_FOUND',
        message: { fr: errors.NOT_FOUND.fr, en: errors.NOT_FOUND.en },
      }),
    ]);
  });
});

describe('agent calls', () => {
  const url = '/api/agent/report';
  test('a signature opens its own call only', async () => {
    const body = JSON.stringify(city.agent.report());
    const good = city.agent.authorization('POST', url, body);
    const send = (authorization: string, payload = body, at = url) =>
      app.inject({
        method: 'POST',
        url: at,
        payload,
        headers: { authorization, 'content-type': 'application/json' },
      });
    expect((await send(good, JSON.stringify(city.agent.report()))).json()).toMatchObject({
      code: 'AGENT_REFUSED',
    });
    expect((await send(good, body, `${url}?x=1`)).json()).toMatchObject({ code: 'AGENT_REFUSED' });
    expect((await send(good, body, '/api/agent/icons')).json()).toMatchObject({
      code: 'AGENT_REFUSED',
    });
    const other = await city.enrolServer('serveur-2');
    expect((await send(good.replace(city.agent.actor.id, other.actor.id))).json()).toMatchObject({
      code: 'AGENT_REFUSED',
    });
    for (const header of ['', 'Bearer x', 'Preau x 1 y', good.slice(0, -1)])
      expect((await send(header)).json()).toMatchObject({ code: 'AGENT_REFUSED' });
    expect((await send(good)).statusCode).toBe(200);
  });
  test('one that is set apart is refused, though it signs well', async () => {
    const url = '/api/agent/desired-state';
    expect((await call('agent', 'GET', url)).statusCode).toBe(200);
    await city.platform.database
      .updateTable('servers')
      .set({ quarantined_at: city.time.at })
      .where('id', '=', city.agent.actor.id)
      .execute();
    expect((await call('agent', 'GET', url)).json()).toMatchObject({ code: 'SERVER_QUARANTINED' });
  });
  test('a clock more than five minutes off is told so', async () => {
    for (const [by, code] of [
      [301_000, 'CLOCK_SKEWED'],
      [-301_000, 'CLOCK_SKEWED'],
      [299_000, 'done'],
    ] as const) {
      const reply = await app.inject({
        method: 'GET',
        url: '/api/agent/desired-state',
        headers: {
          authorization: city.agent.authorization(
            'GET',
            '/api/agent/desired-state',
            null,
            city.time.at + by,
          ),
        },
      });
      expect(reply.json<{ code?: string }>().code ?? 'done').toBe(code);
    }
  });
  test('an agent does not repaint an icon that is there', async () => {
    await call('technician', 'POST', '/api/icons', {
      applicationId: city.applications.gimp.id,
      png: onePixel(),
    });
    const before = (await call('technician', 'GET', '/api/applications')).body;
    const other = Buffer.from(onePixel(), 'base64');
    other.writeUInt32BE(2, 16);
    expect(
      (
        await call('agent', 'POST', '/api/agent/icons', {
          applicationId: city.applications.gimp.id,
          png: other.toString('base64'),
        })
      ).statusCode,
    ).toBe(204);
    expect((await call('technician', 'GET', '/api/applications')).body).toBe(before);
  });
});

describe('icons', () => {
  const drawing =
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="M0 0h1v1z"/></svg>';
  test('a drawing is sent as one, and can do nothing by itself', async () => {
    const { iconHash } = await createApplication(
      city.platform,
      city.technician,
      application('jeu', { icon: drawing }),
    );
    const reply = await call('pupil', 'GET', `/api/icons/${iconHash}`);
    expect([reply.statusCode, reply.body]).toEqual([200, drawing]);
    expect(reply.headers).toMatchObject({
      'content-type': 'image/svg+xml',
      'content-security-policy': expect.stringMatching(/default-src 'none'.*sandbox/),
      'x-content-type-options': 'nosniff',
    });
  });
  test('a PNG stays a PNG', async () => {
    await call('technician', 'POST', '/api/icons', {
      applicationId: city.applications.gimp.id,
      png: onePixel(),
    });
    const { items } = (await call('technician', 'GET', '/api/applications')).json<{
      items: { slug: string; iconHash: string }[];
    }>();
    const hash = items.find(({ slug }) => slug === 'gimp')?.iconHash ?? '';
    const reply = await call('pupil', 'GET', `/api/icons/${hash}`);
    expect(reply.headers['content-type']).toBe('image/png');
    expect(reply.headers['content-security-policy']).not.toContain('sandbox');
  });
});

describe('signing in', () => {
  const attempt = (login: string, password: string) =>
    call('none', 'POST', '/api/sign-in', { login, password });
  test('gives a cookie that pages cannot read, and takes it back', async () => {
    const reply = await attempt(' LEA ', 'right');
    expect(reply.json()).toMatchObject({
      login: 'lea',
      role: 'pupil',
      siteName: 'École Victor-Hugo',
    });
    const cookie = String(reply.headers['set-cookie']);
    expect(cookie).toMatch(/^preau_sign_in=[A-Za-z0-9_-]{43};/);
    for (const attribute of ['HttpOnly', 'Secure', 'SameSite=Lax', 'Path=/'])
      expect(cookie).toContain(attribute);
    const header = { cookie: cookie.split(';')[0] ?? '' };
    expect((await app.inject({ url: '/api/me', headers: header })).statusCode).toBe(200);
    expect(
      (await app.inject({ method: 'POST', url: '/api/sign-out', headers: header })).statusCode,
    ).toBe(204);
    expect((await app.inject({ url: '/api/me', headers: header })).json()).toMatchObject({
      code: 'NOT_SIGNED_IN',
    });
    expect(city.woken.some((topic) => topic.startsWith('sign-in:'))).toBe(true);
  });
  test('a wrong name and a wrong password look the same, are slowed, never locked', async () => {
    const wrongPassword = await attempt('lea', 'wrong');
    const wrongName = await attempt('nobody', 'wrong');
    expect(wrongPassword.statusCode).toBe(401);
    expect(wrongPassword.body).toBe(wrongName.body);
    for (let count = 0; count < 20; count += 1) await attempt('lea', 'wrong');
    expect(waits.slice(0, 3)).toEqual([250, 500, 1000]);
    expect((await attempt('lea', 'right')).statusCode).toBe(200);
  });
  test('a sign-in expires', async () => {
    city.time.at += 3_600_000;
    expect((await call('pupil', 'GET', '/api/me')).json()).toMatchObject({ code: 'NOT_SIGNED_IN' });
  });
  test('a password typed into the name is not kept', async () => {
    await attempt('My Secret Password!', 'x');
    expect(
      JSON.stringify(await city.platform.database.selectFrom('audit_events').selectAll().execute()),
    ).not.toMatch(/secret password/i);
  });
});

describe('what never leaves', () => {
  test('no answer holds a password, a hash, an attachment, or how guacd attaches', async () => {
    const { session } = await launch(city.platform, city.pupil, {
      application: 'tuxpaint',
      language: 'fr',
    });
    await call(
      'agent',
      'POST',
      '/api/agent/report',
      city.agent.report({ sessions: [readySession(session.id, 1)] }),
    );
    const answers = [
      await call('pupil', 'POST', '/api/sessions', { application: 'tuxpaint', language: 'fr' }),
      await call('pupil', 'POST', `/api/sessions/${session.id}/tickets`),
      await call('pupil', 'GET', `/api/sessions/${session.id}`),
      await call('pupil', 'GET', '/api/portal'),
      await call('pupil', 'GET', '/api/me'),
      await call('technician', 'GET', '/api/sessions'),
      await call('technician', 'GET', '/api/servers'),
      await call('technician', 'GET', `/api/servers/${city.agent.actor.id}`),
      await call('technician', 'GET', '/api/audit?limit=200'),
      await call('technician', 'GET', '/api/audiences?search=lea'),
      await call('technician', 'GET', '/api/sites'),
      await call('agent', 'GET', '/api/agent/desired-state'),
      await call('pupil', 'POST', `/api/sessions/${session.id}/end`),
    ];
    for (const answer of answers) {
      expect(answer.statusCode).toBeLessThan(300);
      expect(answer.body).not.toMatch(/one-use-password|preau-1|:3389/i);
      expect(answer.body).not.toMatch(
        /"(password|passwordHash|password_hash|attachment|publicKey|public_key|privateKey|serial)"/i,
      );
    }
  });
  test('an unexpected fault tells a number, not its reason', async () => {
    await city.platform.database.schema.dropTable('rule_versions').execute();
    const reply = await call('pupil', 'GET', '/api/portal');
    expect(reply.statusCode).toBe(500);
    expect(reply.json()).toEqual({
      code: 'INTERNAL',
      message: { fr: errors.INTERNAL.fr, en: errors.INTERNAL.en },
      retryable: true,
      details: { request: expect.any(String) },
    });
    expect(reply.body).not.toMatch(/rule_versions|sqlite/i);
  });
});

test('/api/openapi.json lists every route with its caller', async () => {
  const description = (await call('none', 'GET', '/api/openapi.json')).json<{
    openapi: string;
    paths: Record<string, Record<string, { operationId: string; 'x-caller': string }>>;
  }>();
  expect(description.openapi).toBe('3.1.0');
  for (const [name, route] of Object.entries(api)) {
    expect(
      description.paths[route.path.replace(/:([a-zA-Z]+)/g, '{$1}')]?.[route.method.toLowerCase()],
    ).toMatchObject({ operationId: name, 'x-caller': route.caller });
  }
  expect(Object.values(description.paths).flatMap((path) => Object.keys(path))).toHaveLength(
    Object.keys(api).length,
  );
});

test('an agent that reports in a loop is told how long to wait', async () => {
  const body = city.agent.report();
  const replies = [];
  for (let times = 0; times < 100; times += 1)
    replies.push(await call('agent', 'POST', '/api/agent/report', body));
  const refusals = replies.filter(({ statusCode }) => statusCode === 429);
  expect(replies.slice(0, budget.reports.calls.burst).map(({ statusCode }) => statusCode)).toEqual(
    Array.from({ length: budget.reports.calls.burst }, () => 200),
  );
  expect(refusals.length).toBeGreaterThan(10);
  expect(refusals[0]?.json()).toMatchObject({ code: 'SLOW_DOWN', details: { retryAfterS: 1 } });
  expect(refusals[0]?.headers['retry-after']).toBe('1');
  // Its desired state is another matter.
  expect((await call('agent', 'GET', '/api/agent/desired-state')).statusCode).toBe(200);
});
