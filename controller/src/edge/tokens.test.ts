import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { api, type Route, type RouteName } from '@preau/contract/api.ts';
import { pathOf } from '@preau/contract/route-table.ts';
import { plainRule } from '@preau/contract/rule.ts';
import type { ApiTokenDraft, NewApiToken } from '@preau/contract/token.ts';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { createAttempts } from '#src/accounts/attempts/attempts.ts';
import { insertAccounts } from '#src/accounts/store.ts';
import { createToken, listTokens, revokeToken } from '#src/accounts/tokens/tokens.ts';
import { person, site } from '#src/builders.fixture.ts';
import { createClassEntry } from '#src/classes/enter.ts';
import { changeRole } from '#src/identity/people/people.ts';
import { plainPasswords } from '#src/identity/providers.fixture.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import { sha256 } from '#src/platform/secrets.ts';
import { createSite } from '#src/sites/sites.ts';
import { type City, makeCity, publicUrl } from '#src/testing.fixture.ts';
import { callsOf, type RouteCall } from './calls.fixture.ts';
import { testIdentity } from './calls-identity.fixture.ts';
import { openEdge, signedIn, testAdditions } from './edge.fixture.ts';
import { stringsIn } from './guard.ts';

const dataFolder = mkdtempSync(join(tmpdir(), 'preau-tokens-'));
let city: City;
let app: FastifyInstance;
/** A second school, to which limited tokens are limited. */
let elsewhere: string;
let close: (() => Promise<void>) | null = null;
/** Set by a test that changed nothing: the next one may take over its city. */
let untouched = false;

beforeEach(async () => {
  if (untouched) {
    untouched = false;
    return;
  }
  await close?.();
  city = await makeCity(':memory:', { PREAU_DATA: dataFolder, PREAU_AGENT_FILES: dataFolder });
  const additions = testAdditions(city);
  elsewhere = (
    await createSite(
      city.platform,
      city.technician,
      site({ uai: '0380009Z', name: 'École d’ailleurs' }),
    )
  ).id;
  app = await openEdge(city.platform, {
    originAllowed: (origin) => origin === publicUrl,
    additions,
    identity: testIdentity(city),
    classEntry: createClassEntry(
      city.platform,
      plainPasswords,
      createAttempts({ now: city.platform.clock.now, wait: async () => undefined }),
    ),
  });
  close = async () => {
    await additions.close();
    await app.close();
    await city.close();
  };
});
afterAll(async () => {
  await close?.();
  rmSync(dataFolder, { recursive: true, force: true });
});

const make = (draft: Partial<ApiTokenDraft> = {}, owner = city.technician): Promise<NewApiToken> =>
  createToken(city.platform, owner, {
    name: 'essai',
    scope: 'technician',
    siteIds: null,
    days: 30,
    ...draft,
  });
const calls = callsOf(() => city);

async function send(
  secret: string,
  name: RouteName,
  { params, query = '', body }: RouteCall,
  headers: Record<string, string> = {},
) {
  const route: Route = api[name];
  const payload =
    body === undefined ? undefined : Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const type =
    payload === undefined
      ? {}
      : {
          'content-type': Buffer.isBuffer(payload)
            ? 'application/octet-stream'
            : 'application/json',
        };
  return app.inject({
    method: route.method,
    url: pathOf(route, params) + query,
    headers: { authorization: `Bearer ${secret}`, ...type, ...headers },
    ...(payload === undefined ? {} : { payload }),
  });
}

/** What the audit tells, but for events that a call's own preparation has left. */
const events = async () =>
  (await city.platform.database.selectFrom('audit_events').select('id').execute()).length;
const names = (Object.keys(api) as RouteName[]).filter(
  (name) => !['public', 'agent'].includes(api[name].caller),
);

/** Reading that is refused whole to whoever looks after some schools only, though it names none. */
const ofTheWholeCity: ReadonlySet<RouteName> = new Set<RouteName>(['exportAudit']);
/** A second person reads the plan, and no token is one. */
const neverByToken: ReadonlySet<RouteName> = new Set<RouteName>(['approveRollout']);
/** The call asks for something of the city's first school, not for whatever the caller may see. */
const namesTheSchool = (name: RouteName, { params, query = '' }: RouteCall): boolean =>
  ofTheWholeCity.has(name) || params !== undefined || query.includes(city.site.id);

describe('every route × a token', () => {
  test.each(names)('%s with a token that only reads', async (name) => {
    const route: Route = api[name];
    const input = await calls[name]('technician');
    const { secret } = await make({ scope: 'read' });
    const before = await events();
    const reply = await send(secret, name, input);
    untouched = route.method === 'GET' || reply.statusCode >= 400;
    if (route.reach === 'self' || route.caller === 'administrator' || route.method !== 'GET') {
      expect([reply.statusCode, reply.json()]).toEqual([
        403,
        expect.objectContaining({ code: 'FORBIDDEN' }),
      ]);
      expect(await events()).toBe(before);
    } else expect(reply.statusCode).toBe(input.status ?? route.status ?? 200);
  });

  test.each(names)('%s of a school, with a token for another', async (name) => {
    const route: Route = api[name];
    const input = await calls[name]('technician');
    const { secret } = await make({ siteIds: [elsewhere] });
    const before = await events();
    const reply = await send(secret, name, input);
    untouched = route.method === 'GET' || reply.statusCode >= 400;
    if (route.reach === 'self' || route.caller === 'administrator')
      expect(reply.json()).toMatchObject({ code: 'FORBIDDEN' });
    else if (route.reach === 'city' && route.method === 'GET')
      expect(reply.statusCode).toBe(input.status ?? 200);
    else if (route.method !== 'GET') {
      // An unknown addition belongs to no school.
      expect(reply.json()).toMatchObject({
        code:
          input.status === 404 ? expect.stringMatching(/OUT_OF_SCOPE|NOT_FOUND/) : 'OUT_OF_SCOPE',
      });
      expect(await events()).toBe(before);
    } else if (namesTheSchool(name, input)) {
      expect(reply.json()).toMatchObject({
        code: input.status === 404 ? 'NOT_FOUND' : 'OUT_OF_SCOPE',
      });
    } else {
      // A list is filtered: one that is refused whole is of no use to whoever looks after some schools.
      expect(reply.statusCode).toBe(input.status ?? route.status ?? 200);
      for (const foreign of [city.site.id, city.agent.actor.id, city.site.name, city.pupil.id])
        expect(reply.body).not.toContain(foreign);
    }
  });

  test.each(names)('%s with a token for this school', async (name) => {
    const route: Route = api[name];
    const input = await calls[name]('technician');
    const { secret } = await make({ siteIds: [city.site.id] });
    const reply = await send(secret, name, input);
    untouched = route.method === 'GET' || reply.statusCode >= 400;
    if (route.reach === 'self' || route.caller === 'administrator' || neverByToken.has(name))
      expect(reply.json()).toMatchObject({ code: 'FORBIDDEN' });
    else if (route.reach === 'city' && route.method !== 'GET')
      expect(reply.json()).toMatchObject({ code: 'OUT_OF_SCOPE' });
    else
      expect([reply.statusCode, reply.statusCode >= 400 && reply.json()]).toEqual([
        input.status ?? route.status ?? 200,
        reply.statusCode >= 400 && expect.anything(),
      ]);
  });

  /** A person who signs in, and belongs to another school, or looks after another one only. */
  const stranger = async (role: 'contact' | 'teacher' | 'pupil' | 'technician') => {
    const [id = ''] = await insertAccounts(
      city.platform.database,
      [
        person(`ailleurs-${role}`, {
          displayName: 'Ailleurs',
          role,
          siteId: role === 'technician' ? null : elsewhere,
        }),
      ],
      city.time.at,
    );
    if (role === 'technician')
      await city.platform.database
        .updateTable('accounts')
        .set({ site_ids: JSON.stringify([elsewhere]) })
        .where('id', '=', id)
        .execute();
    const cookie = await signedIn(city, id);
    return { cookie: `preau_sign_in=${cookie}` };
  };
  const persons = (['contact', 'teacher', 'technician'] as const).flatMap((role) =>
    names
      .filter((name) => (api[name] as Route).reach === 'site')
      .map((name): [RouteName, typeof role] => [name, role]),
  );
  test.each(persons)('%s of a school, by a %s of another', async (name, role) => {
    const route: Route = api[name];
    const input = await calls[name]('technician');
    const who = await stranger(role);
    const before = await events();
    const payload =
      input.body === undefined
        ? undefined
        : Buffer.isBuffer(input.body)
          ? input.body
          : JSON.stringify(input.body);
    const type =
      payload === undefined
        ? {}
        : {
            'content-type': Buffer.isBuffer(payload)
              ? 'application/octet-stream'
              : 'application/json',
          };
    const reply = await app.inject({
      method: route.method,
      url: pathOf(route, input.params) + (input.query ?? ''),
      headers: { ...who, ...type },
      ...(payload === undefined ? {} : { payload }),
    });
    untouched = false;
    if (reply.statusCode < 400)
      for (const foreign of [city.site.id, city.agent.actor.id, city.site.name, city.pupil.id])
        expect(reply.body).not.toContain(foreign);
    else
      expect(reply.json()).toMatchObject({
        code: expect.stringMatching(/^(OUT_OF_SCOPE|FORBIDDEN|NOT_FOUND|VALIDATION_FAILED)$/),
      });
    if (route.method !== 'GET') {
      expect(reply.statusCode).toBeGreaterThanOrEqual(400);
      expect(await events()).toBe(before);
    }
  });

  test('a token for the whole city does what a technician does, and no more', async () => {
    const { secret } = await make({}, city.administrator);
    expect(
      (await send(secret, 'createSite', await calls.createSite('technician'))).statusCode,
    ).toBe(201);
    expect(
      (
        await send(secret, 'changeRolloutSettings', await calls.changeRolloutSettings('technician'))
      ).json(),
    ).toMatchObject({ code: 'FORBIDDEN' });
    expect(
      (await send(secret, 'createToken', await calls.createToken('technician'))).json(),
    ).toMatchObject({ code: 'FORBIDDEN' });
    const url = '/api/agent/desired-state';
    expect(
      (
        await app.inject({ method: 'GET', url, headers: { authorization: `Bearer ${secret}` } })
      ).json(),
    ).toMatchObject({ code: 'AGENT_REFUSED' });
  });
});

describe('one foreign id refuses the whole call', () => {
  test('and nothing is done', async () => {
    const mine = await city.enrolServer('serveur-2');
    await city.platform.database
      .updateTable('servers')
      .set({ site_id: elsewhere })
      .where('id', '=', mine.actor.id)
      .execute();
    const { secret } = await make({ siteIds: [elsewhere] });
    const body = (serverIds: string[]) => ({ body: { serverIds, draining: true } });
    const draining = async () =>
      (
        await city.platform.database
          .selectFrom('servers')
          .select('id')
          .where('draining_since', 'is not', null)
          .execute()
      ).length;
    expect(
      (await send(secret, 'drainServers', body([mine.actor.id, city.agent.actor.id]))).json(),
    ).toMatchObject({ code: 'OUT_OF_SCOPE' });
    expect(await draining()).toBe(0);
    expect((await send(secret, 'drainServers', body([mine.actor.id]))).statusCode).toBe(204);
    expect(await draining()).toBe(1);
  });
  test('a rule for one’s own school is made and withdrawn; one for another, or for all, is not', async () => {
    const { secret } = await make({ siteIds: [elsewhere] });
    const rule = (siteId: string | null) => ({
      body: {
        effect: 'allow',
        target: { kind: 'category', category: 'drawing' },
        audience: { kind: 'role', role: 'pupil' },
        ...plainRule,
        place: siteId === null ? plainRule.place : { kind: 'site', siteId },
      },
    });
    for (const siteId of [null, city.site.id])
      expect((await send(secret, 'createRule', rule(siteId))).json()).toMatchObject({
        code: 'OUT_OF_SCOPE',
      });
    const made = await send(secret, 'createRule', rule(elsewhere));
    expect(made.statusCode).toBe(201);
    expect(
      (await send(secret, 'deleteRule', { params: { id: made.json<{ id: string }>().id } }))
        .statusCode,
    ).toBe(204);
  });
  test('every string of an answer is looked at, however deep', () =>
    expect(
      [...stringsIn({ a: [{ b: 'x', c: null }, ['y', 1]], d: { e: { f: 'z' } } })].sort(),
    ).toEqual(['x', 'y', 'z']));
  test('the bytes of a file are not', () => {
    const began = performance.now();
    expect(stringsIn({ file: Buffer.alloc(20_000_000) }).size).toBe(0);
    expect(performance.now() - began).toBeLessThan(100);
  });
});

describe('a token', () => {
  const me = async (headers: Record<string, string>, url = '/api/me') =>
    (await app.inject({ method: 'GET', url, headers })).json<{ code?: string; login?: string }>();

  test('is shown once and kept as a hash', async () => {
    const { secret, token } = await make();
    expect(secret).toMatch(/^preau_[A-Za-z0-9_-]{43}$/);
    const stored = JSON.stringify([
      await city.platform.database.selectFrom('api_tokens').selectAll().execute(),
      await city.platform.database.selectFrom('audit_events').selectAll().execute(),
    ]);
    expect(stored).not.toContain(secret);
    expect(stored).toContain(sha256(secret));
    expect(token).toMatchObject({
      accountId: city.technician.id,
      expiresAt: city.time.at + 30 * 86_400_000,
      lastUsedAt: null,
    });
  });

  test('works until it expires, is revoked, or its owner is no technician any more', async () => {
    const { secret, token } = await make();
    const authorization = { authorization: `Bearer ${secret}` };
    expect(await me(authorization)).toMatchObject({ login: 'tech' });
    city.time.at += 30 * 86_400_000;
    expect(await me(authorization)).toMatchObject({ code: 'TOKEN_REFUSED' });
    city.time.at -= 86_400_000;
    await city.platform.database
      .updateTable('accounts')
      .set({ role: 'teacher' })
      .where('id', '=', city.technician.id)
      .execute();
    expect(await me(authorization, '/api/sites')).toMatchObject({ code: 'FORBIDDEN' });
    await city.platform.database
      .updateTable('accounts')
      .set({ role: 'technician' })
      .where('id', '=', city.technician.id)
      .execute();
    expect(await me(authorization)).toMatchObject({ login: 'tech' });
    await revokeToken(city.platform, city.technician, token.id);
    expect(await me(authorization)).toMatchObject({ code: 'TOKEN_REFUSED' });
    expect(await me(authorization, '/api/sites')).toMatchObject({ code: 'TOKEN_REFUSED' });
  });

  test('of a technician who was disabled opens nothing; it opens again when they are back', async () => {
    const { secret } = await make();
    const authorization = { authorization: `Bearer ${secret}` };
    const disable = (at: number | null) =>
      city.platform.database
        .updateTable('accounts')
        .set({ disabled_at: at })
        .where('id', '=', city.technician.id)
        .execute();
    await disable(city.time.at);
    expect(await me(authorization)).toMatchObject({ code: 'TOKEN_REFUSED' });
    expect(await me(authorization, '/api/sites')).toMatchObject({ code: 'TOKEN_REFUSED' });
    await disable(null);
    expect(await me(authorization)).toMatchObject({ login: 'tech' });
  });

  test('keeps no school that its owner has lost, and gets none that they were not given', async () => {
    const third = (
      await createSite(
        city.platform,
        city.technician,
        site({ uai: '0380008Y', name: 'École de plus loin' }),
      )
    ).id;
    const lookAfter = (siteIds: string[] | null) =>
      changeRole(city.platform, city.administrator, city.technician.id, {
        role: 'technician',
        siteId: null,
        siteIds,
      });
    const whole = await make();
    const two = await make({ siteIds: [city.site.id, elsewhere] });
    const sites = async ({ secret }: NewApiToken) => {
      const reply = await send(secret, 'listSites', {});
      return reply.json<{ items: { id: string }[] }>().items.map(({ id }) => id);
    };
    expect((await sites(two)).sort()).toEqual([city.site.id, elsewhere].sort());
    await lookAfter([elsewhere, third]);
    expect(await sites(two)).toEqual([elsewhere]);
    expect((await sites(whole)).sort()).toEqual([elsewhere, third].sort());
    const drain = { body: { serverIds: [city.agent.actor.id], draining: true } };
    expect((await send(two.secret, 'drainServers', drain)).json()).toMatchObject({
      code: 'OUT_OF_SCOPE',
    });
    // Moved altogether.
    await lookAfter([third]);
    expect(await sites(two)).toEqual([]);
    expect(await sites(whole)).toEqual([third]);
    await lookAfter(null);
    expect((await sites(two)).sort()).toEqual([city.site.id, elsewhere].sort());
  });

  test('its last use is known to the minute, without a write for each call', async () => {
    const { secret, token } = await make();
    const used = async () =>
      (
        await city.platform.database
          .selectFrom('api_tokens')
          .select('last_used_at')
          .where('id', '=', token.id)
          .executeTakeFirstOrThrow()
      ).last_used_at;
    const first = city.time.at;
    await me({ authorization: `Bearer ${secret}` });
    expect(await used()).toBe(first);
    city.time.at += 59_000;
    await me({ authorization: `Bearer ${secret}` });
    expect(await used()).toBe(first);
    city.time.at += 1_000;
    await me({ authorization: `Bearer ${secret}` });
    expect(await used()).toBe(first + 60_000);
  });

  test('with a cookie beside it, in a URL, or misspelt, it opens nothing', async () => {
    const { secret } = await make();
    const cookie = await signedIn(city, city.technician.id);
    expect(await me({ cookie: `preau_sign_in=${cookie}` })).toMatchObject({ login: 'tech' });
    expect(
      await me({ authorization: `Bearer ${secret}`, cookie: `preau_sign_in=${cookie}` }),
    ).toMatchObject({ code: 'FORBIDDEN' });
    expect(
      await me({ authorization: `Bearer ${secret}`, cookie: 'preau_sign_in=x' }),
    ).toMatchObject({ code: 'FORBIDDEN' });
    for (const name of ['token', 'access_token', 'authorization'])
      expect((await me({}, `/api/me?${name}=${secret}`)).code).toBe('NOT_SIGNED_IN');
    for (const wrong of [
      `preau_${randomBytes(32).toString('base64url')}`,
      secret.slice(0, -1),
      secret.toUpperCase(),
      'x',
      sha256(secret),
    ])
      expect(await me({ authorization: `Bearer ${wrong}` })).toMatchObject({
        code: 'TOKEN_REFUSED',
      });
    for (const header of [`bearer ${secret}`, `Bearer  ${secret}`, `Basic ${secret}`, secret])
      expect(await me({ authorization: header })).toMatchObject({ code: 'FORBIDDEN' });
  });

  test('is named in the audit of what it does', async () => {
    const { secret, token } = await make();
    await send(secret, 'createSite', await calls.createSite('technician'));
    const last = await city.platform.database
      .selectFrom('audit_events')
      .selectAll()
      .where('action', '=', 'site.created')
      .where('subject_name', '=', 'École Jules-Ferry')
      .executeTakeFirstOrThrow();
    expect(last.actor_id).toBe(city.technician.id);
    expect(JSON.parse(last.details)).toEqual({ token: token.id });
  });

  test('for a colleague is made by an administrator, for technicians only', async () => {
    const draft = { accountId: city.technician.id };
    expect((await make(draft, city.administrator)).token.accountName).toBe('tech');
    await expect(make({ accountId: city.administrator.id }, city.technician)).rejects.toMatchObject(
      { code: 'FORBIDDEN' },
    );
    await expect(make({ accountId: city.pupil.id }, city.administrator)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    await expect(make({ siteIds: [`sit_${'a'.repeat(22)}`] })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });

  test('of whoever looks after some schools is for some of those', async () => {
    const local = { ...city.technician, siteIds: [elsewhere] };
    for (const siteIds of [null, [city.site.id], [elsewhere, city.site.id]])
      await expect(make({ siteIds }, local)).rejects.toMatchObject({ code: 'OUT_OF_SCOPE' });
    expect((await make({ siteIds: [elsewhere] }, local)).token.siteIds).toEqual([elsewhere]);
  });

  test('one’s own are listed and revoked; an administrator sees and revokes all', async () => {
    const own = (await make()).token.id;
    const other = (await make({}, city.administrator)).token.id;
    const listed = async (actor: AccountActor) =>
      (await listTokens(city.platform, actor)).map(({ id }) => id);
    expect(await listed(city.technician)).toEqual([own]);
    expect((await listed(city.administrator)).sort()).toEqual([own, other].sort());
    await expect(revokeToken(city.platform, city.technician, other)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    await revokeToken(city.platform, city.administrator, own);
    await revokeToken(city.platform, city.administrator, own);
    expect(
      (
        await city.platform.database
          .selectFrom('audit_events')
          .select('id')
          .where('action', '=', 'token.revoked')
          .execute()
      ).length,
    ).toBe(1);
  });
});
