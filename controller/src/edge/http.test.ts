import { randomBytes } from 'node:crypto';
import { defaultDraft, type RolloutDraft, type ScheduleDraft } from '@preau/contract/rollout.ts';
import { createRollout, startRollout } from '#src/rollouts/prepare.ts';
import { readRollout } from '#src/rollouts/read.ts';
import { createSchedule } from '#src/rollouts/schedules.ts';
import { pauseRollout } from '#src/rollouts/steer.ts';
import { api, type Policy, pathOf, type Route, type RouteName } from '@preau/contract/api.ts';
import { AppError, errorCodes, errors } from '@preau/contract/errors.ts';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { createSlowDown } from '#src/accounts/sign-in.ts';
import { insertSignIn } from '#src/accounts/store.ts';
import { newToken, sha256 } from '#src/platform/secrets.ts';
import { createAdditions } from '#src/servers/additions/add-server.ts';
import { launch } from '#src/sessions/launch.ts';
import { createSiteGroup } from '#src/sites/groups.ts';
import { type City, draft, makeCity, publicUrl, readySession } from '#src/testing.ts';
import { createHttp } from './http.ts';

type Role = 'none' | 'pupil' | 'teacher' | 'technician' | 'agent';
const roles: Role[] = ['none', 'pupil', 'teacher', 'technician', 'agent'];

let city: City;
let app: FastifyInstance;
let cookies: Record<'pupil' | 'teacher' | 'technician', string>;
const waits: number[] = [];
/** Set by a test that changed nothing: the next one may take over its city. */
let untouched = false;
let close: (() => Promise<void>) | null = null;

beforeEach(async () => {
  if (untouched) {
    untouched = false;
    return;
  }
  await close?.();
  city = await makeCity();
  waits.length = 0;
  app = await createHttp({
    ...city.platform, version: '0.1.0', publicUrl: () => publicUrl, originAllowed: (origin) => origin === publicUrl,
    providers: [async ({ login, password }) => {
      if (login === 'broken') throw new AppError('BUSY');
      return login === 'lea' && password === 'right' ? city.pupil.id : null;
    }],
    additions: createAdditions({ ...city.platform, publicUrl: () => publicUrl }),
    slowDown: createSlowDown(city.platform.clock.now, async (ms) => {
      waits.push(ms);
    }),
  });
  const signIn = async (accountId: string) => {
    const token = newToken();
    await insertSignIn(city.platform.database, { tokenHash: sha256(token), accountId, now: city.time.at, expiresAt: city.time.at + 3_600_000 });
    return token;
  };
  close = async () => {
    await app.close();
    await city.close();
  };
  cookies = { pupil: await signIn(city.pupil.id), teacher: await signIn(city.teacher.id), technician: await signIn(city.technician.id) };
});
afterAll(() => close?.());

async function call(role: Role, method: Route['method'], url: string, body?: unknown, headers: Record<string, string> = {}) {
  const payload = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  const who: Record<string, string> =
    role === 'none' ? {} : role === 'agent' ? { authorization: city.agent.authorization(method, url, payload ?? null) } : { cookie: `preau_sign_in=${cookies[role]}` };
  const options: InjectOptions = { method, url, headers: { ...who, ...(payload === undefined ? {} : { 'content-type': 'application/json' }), ...headers }, ...(payload === undefined ? {} : { payload }) };
  return app.inject(options);
}

const onePixel = () => {
  const image = Buffer.alloc(40);
  Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex').copy(image);
  image.writeUInt32BE(1, 16);
  image.writeUInt32BE(1, 20);
  return image.toString('base64');
};

/** A call of each route that does what it is for, when the caller may. `status`: for those it is open to. */
const calls: { [N in RouteName]: (role: Role) => Promise<{ params?: Record<string, string>; query?: string; body?: unknown; status?: number }> } = {
  health: async () => ({}),
  signIn: async () => ({ body: { login: 'lea', password: 'right' } }),
  signOut: async () => ({}),
  me: async () => ({}),
  portal: async () => ({}),
  launchSession: async (role) => ({ body: { application: 'tuxpaint', language: 'fr' }, ...(role === 'technician' ? { status: 409 } : {}) }),
  readSession: async (role) => ({ params: { id: await pupilSession() }, ...(role === 'pupil' ? {} : { status: 404 }) }),
  attachSession: async (role) => ({ params: { id: await pupilSession() }, ...(role === 'pupil' ? {} : { status: 404 }) }),
  endSession: async (role) => ({ params: { id: await pupilSession() }, ...(role === 'teacher' ? { status: 404 } : {}) }),
  readIcon: async () => ({ params: { hash: 'a'.repeat(64) }, status: 404 }),
  listSites: async () => ({}),
  createSite: async () => ({ body: { uai: '0380002B', name: 'École Jules-Ferry', city: 'Grenoble', timeZone: 'Europe/Paris', holidayZone: 'A' } }),
  createEnrolmentCode: async () => ({ params: { id: city.site.id }, body: { serverName: 'serveur-2' } }),
  listServers: async () => ({ query: `?site=${city.site.id}` }),
  readServer: async () => ({ params: { id: city.agent.actor.id } }),
  retireServer: async () => ({ params: { id: city.agent.actor.id } }),
  changeServer: async () => ({ params: { id: city.agent.actor.id }, body: { name: 'Serveur A', labels: ['pilote'] } }),
  drainServers: async () => ({ body: { serverIds: [city.agent.actor.id], draining: true } }),
  labelServers: async () => ({ body: { serverIds: [city.agent.actor.id], add: ['pilote'], remove: [] } }),
  listSiteGroups: async () => ({}),
  createSiteGroup: async () => ({ body: { name: 'Nord', siteIds: [city.site.id] } }),
  changeSiteGroup: async () => ({ params: { id: (await createSiteGroup(city.platform, city.technician, { name: 'Nord', siteIds: [] })).id }, body: { name: 'Sud', siteIds: [city.site.id] } }),
  deleteSiteGroup: async () => ({ params: { id: (await createSiteGroup(city.platform, city.technician, { name: 'Nord', siteIds: [] })).id } }),
  readFleet: async () => ({}),
  readDrift: async () => ({ query: '?search=hugo&limit=5&only=differences' }),
  readHostKey: async () => ({ body: { siteId: city.site.id, host: '127.0.0.1', port: 1 }, status: 502 }),
  addServer: async () => ({ body: { siteId: city.site.id, serverName: 'serveur-2', host: '127.0.0.1', port: 1, login: 'root', hostKey: `SHA256:${'a'.repeat(43)}`, password: 'secret-word' }, status: 404 }),
  listAdditions: async () => ({}),
  readAddition: async () => ({ params: { id: `add_${'a'.repeat(22)}` }, status: 404 }),
  cancelAddition: async () => ({ params: { id: `add_${'a'.repeat(22)}` }, status: 404 }),
  wantApplication: async () => ({ params: { id: city.agent.actor.id, applicationId: city.applications.gimp.id }, body: { wanted: false } }),
  listApplications: async () => ({}),
  createApplication: async () => ({ body: draft('inkscape') }),
  setIcon: async () => ({ body: { applicationId: city.applications.gimp.id, png: onePixel() } }),
  listRules: async () => ({}),
  createRule: async () => ({ body: { effect: 'allow', target: { kind: 'category', category: 'drawing' }, audience: { kind: 'role', role: 'pupil' }, siteId: null } }),
  deleteRule: async () => ({ params: { id: (await city.platform.database.selectFrom('publication_rules').select('id').executeTakeFirstOrThrow()).id } }),
  searchAudiences: async () => ({ query: '?search=lea' }),
  listSessions: async () => ({ query: '?state=live&limit=10' }),
  listAudit: async () => ({ query: '?limit=5&search=tux' }),
  listRollouts: async () => ({ query: '?limit=5&active=yes' }),
  createRollout: async () => ({ body: rolloutDraft() }),
  readRollout: async () => ({ params: { id: (await plannedRollout()).id } }),
  changeRollout: async () => ({ params: { id: (await plannedRollout()).id }, body: { ...rolloutDraft(), name: 'Autre' } }),
  planRollout: async () => ({ params: { id: (await plannedRollout()).id } }),
  listPlanEntries: async () => ({ params: { id: (await plannedRollout()).id }, query: '?from=0&limit=10' }),
  approveRollout: async () => ({ params: { id: (await plannedRollout()).id }, body: { planHash: (await plannedRollout()).plan.hash }, status: 409 }),
  startRollout: async () => {
    const { id, plan } = await plannedRollout();
    return { params: { id }, body: { planHash: plan.hash, force: true } };
  },
  pauseRollout: async () => ({ params: { id: await startedRollout() } }),
  resumeRollout: async () => {
    const id = await startedRollout();
    await pauseRollout(city.platform, city.technician, id);
    return { params: { id } };
  },
  cancelRollout: async () => ({ params: { id: await startedRollout() }, body: { kind: 'finish' } }),
  retryRollout: async () => ({ params: { id: await startedRollout() }, status: 409 }),
  rollBackRollout: async () => ({ params: { id: await startedRollout() }, body: { wave: null }, status: 409 }),
  finishRollout: async () => ({ params: { id: await startedRollout() } }),
  removeRollout: async () => ({ params: { id: (await plannedRollout()).id } }),
  listTargets: async () => ({ params: { id: await startedRollout() }, query: '?limit=10&state=queued&wave=1' }),
  readTarget: async () => ({ params: { id: await startedRollout(), serverId: city.agent.actor.id } }),
  exportRollout: async () => ({ params: { id: await startedRollout() } }),
  readBrake: async () => ({}),
  setBrake: async () => ({ body: { on: true } }),
  readRolloutSettings: async () => ({}),
  changeRolloutSettings: async () => ({ body: { approvalAboveSites: 5, brakeAtSilentShare: 0.5, planDriftShare: 0.1, closures: ['2026-12-24'] } }),
  listSchedules: async () => ({}),
  createSchedule: async () => ({ body: scheduleDraft() }),
  pauseSchedule: async () => ({ params: { id: (await createSchedule(city.platform, city.technician, scheduleDraft())).id }, body: { paused: true } }),
  deleteSchedule: async () => ({ params: { id: (await createSchedule(city.platform, city.technician, scheduleDraft())).id } }),
  enrol: async () => ({ body: { code: 'AAAA-BBBB-CCCC-DDDD-EEEE-2345', publicKey: randomBytes(32).toString('base64url'), hostname: 'h', protocol: 1 }, status: 403 }),
  readDesiredState: async () => ({}),
  sendReport: async () => ({ body: city.agent.report() }),
  sendIcon: async () => ({ body: { applicationId: city.applications.gimp.id, png: onePixel() } }),
};
const rolloutDraft = (): RolloutDraft => ({ ...defaultDraft, name: 'GIMP partout', items: [{ applicationId: city.applications.gimp.id, want: 'present' }], where: { all: false, siteIds: [city.site.id], groupIds: [], serverIds: [], labels: [] } });
const scheduleDraft = (): ScheduleDraft => ({ name: 'Le mercredi', when: { days: [3], at: '14:00', period: 'outside_holidays' }, draft: rolloutDraft() });
const plannedRollout = async () => readRollout(city.platform, city.technician, await createRollout(city.platform, city.technician, rolloutDraft()));
const startedRollout = async () => {
  const { id, plan } = await plannedRollout();
  await startRollout(city.platform, city.technician, id, { planHash: plan.hash, force: true });
  return id;
};
const pupilSession = async () => (await launch(city.platform, city.pupil, { application: 'tuxpaint', language: 'fr' })).session.id;

/** What the policy alone says of a caller: null lets them in. */
const refusal: Record<Policy, Record<Role, keyof typeof errors | null>> = {
  public: { none: null, pupil: null, teacher: null, technician: null, agent: null },
  signedIn: { none: 'NOT_SIGNED_IN', pupil: null, teacher: null, technician: null, agent: 'FORBIDDEN' },
  technician: { none: 'NOT_SIGNED_IN', pupil: 'FORBIDDEN', teacher: 'FORBIDDEN', technician: null, agent: 'FORBIDDEN' },
  agent: { none: 'AGENT_REFUSED', pupil: 'AGENT_REFUSED', teacher: 'AGENT_REFUSED', technician: 'AGENT_REFUSED', agent: null },
};

describe('every route × every role', () => {
  const names = Object.keys(api) as RouteName[];
  const cases = names.flatMap((name) => roles.map((role): [RouteName, Role] => [name, role]));
  test.each(cases)('%s as %s', async (name, role) => {
    const route: Route = api[name];
    const { params, query = '', body, status } = await calls[name](role);
    const before = await city.platform.database.selectFrom('audit_events').select('id').execute();
    const reply = await call(role, route.method, pathOf(route, params) + query, body);
    const refused = refusal[route.policy][role];
    if (refused === null) {
      expect([reply.statusCode, reply.statusCode < 400 ? null : reply.json()]).toEqual([status ?? route.status ?? 200, reply.statusCode < 400 ? null : expect.anything()]);
    } else {
      expect(reply.statusCode).toBe(errors[refused].status);
      expect(reply.json()).toMatchObject({ code: refused });
      expect(await city.platform.database.selectFrom('audit_events').select('id').execute()).toEqual(before);
    }
    if (reply.statusCode >= 400) {
      const { code, message } = reply.json<{ code: string; message: { fr: string; en: string } }>();
      expect(errorCodes).toContain(code);
      expect(message.fr.length).toBeGreaterThan(10);
      expect(message.en.length).toBeGreaterThan(10);
      expect(message.fr).not.toBe(message.en);
    }
    untouched = refused !== null || route.method === 'GET';
    expect(reply.headers['x-content-type-options']).toBe('nosniff');
    expect(reply.headers['content-security-policy']).toContain("object-src 'none'");
  });

  test('malformed input does not tell more to whoever may not ask', async () => {
    expect((await call('pupil', 'POST', '/api/sites', { nonsense: 1 })).json()).toMatchObject({ code: 'FORBIDDEN' });
    expect((await call('none', 'GET', '/api/sessions/not-an-id')).json()).toMatchObject({ code: 'NOT_SIGNED_IN' });
  });
});

describe('origins', () => {
  const cases: [origin: string, ok: boolean][] = [[publicUrl, true], ['https://evil.example', false], [`${publicUrl}.evil.example`, false], ['http://preau.example', false], ['null', false], [publicUrl.toUpperCase(), false]];
  test.each(cases)('%s', async (origin, ok) => {
    for (const [method, url, body] of [['POST', '/api/sessions', { application: 'tuxpaint', language: 'fr' }], ['POST', '/api/sign-in', { login: 'lea', password: 'right' }], ['POST', '/api/sign-out', undefined]] as const) {
      const reply = await call('pupil', method, url, body, { origin });
      if (ok) expect(reply.statusCode).toBeLessThan(300);
      else expect([reply.statusCode, reply.json()]).toEqual([403, expect.objectContaining({ code: 'ORIGIN_REFUSED' })]);
    }
  });
  test('no page of another origin may read answers', async () => {
    const reply = await call('pupil', 'GET', '/api/me', undefined, { origin: 'https://evil.example' });
    expect(reply.headers['access-control-allow-origin']).toBeUndefined();
  });
});

describe('input', () => {
  const launchBody = { application: 'tuxpaint', language: 'fr' };
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
    ['name with a direction override', 'POST', '/api/sites', { uai: '0380002B', name: 'a\u202eb', city: 'G', timeZone: 'Europe/Paris', holidayZone: 'A' }, /^body\/name/],
  ];
  test.each(cases)('%s names its field', async (_name, method, url, body, field) => {
    const reply = await call('technician', method, url, body);
    expect(reply.statusCode).toBe(400);
    const { code, details } = reply.json<{ code: string; details: { issues: { field: string; problem: string }[] } }>();
    expect(code).toBe('VALIDATION_FAILED');
    expect(details.issues.some((issue) => field.test(issue.field))).toBe(true);
  });
  test('an unknown field is named', async () => {
    const reply = await call('pupil', 'POST', '/api/sessions', { ...launchBody, serverId: 'srv_x' });
    expect(reply.body).toContain('serverId');
  });

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
    expect(reply.json()).toMatchObject({ code: 'VALIDATION_FAILED', message: { fr: errors.VALIDATION_FAILED.fr, en: errors.VALIDATION_FAILED.en } });
    expect(await city.platform.database.selectFrom('sessions').select('id').execute()).toEqual([]);
  });
  test('a body of 5 MB is too large', async () => {
    expect((await call('technician', 'POST', '/api/icons', `"${'a'.repeat(5_000_000)}"`)).json()).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
  });
  test('an SVG icon is refused by its bytes', async () => {
    const png = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>').toString('base64');
    const reply = await call('technician', 'POST', '/api/icons', { applicationId: city.applications.gimp.id, png });
    expect([reply.statusCode, reply.json()]).toEqual([415, expect.objectContaining({ code: 'ICON_REFUSED' })]);
  });
  test('unknown addresses are a 404 with both languages', async () => {
    const reply = await call('none', 'GET', '/api/nothing');
    expect([reply.statusCode, reply.json()]).toEqual([404, expect.objectContaining({ code: 'NOT_FOUND', message: { fr: errors.NOT_FOUND.fr, en: errors.NOT_FOUND.en } })]);
  });
});

describe('agent calls', () => {
  const url = '/api/agent/report';
  test('a signature opens its own call only', async () => {
    const body = JSON.stringify(city.agent.report());
    const good = city.agent.authorization('POST', url, body);
    const send = (authorization: string, payload = body, at = url) => app.inject({ method: 'POST', url: at, payload, headers: { authorization, 'content-type': 'application/json' } });
    expect((await send(good, JSON.stringify(city.agent.report()))).json()).toMatchObject({ code: 'AGENT_REFUSED' });
    expect((await send(good, body, `${url}?x=1`)).json()).toMatchObject({ code: 'AGENT_REFUSED' });
    expect((await send(good, body, '/api/agent/icons')).json()).toMatchObject({ code: 'AGENT_REFUSED' });
    const other = await city.enrolServer('serveur-2');
    expect((await send(good.replace(city.agent.actor.id, other.actor.id))).json()).toMatchObject({ code: 'AGENT_REFUSED' });
    for (const header of ['', 'Bearer x', 'Preau x 1 y', good.slice(0, -1)]) expect((await send(header)).json()).toMatchObject({ code: 'AGENT_REFUSED' });
    expect((await send(good)).statusCode).toBe(200);
  });
  test('a clock more than five minutes off is told so', async () => {
    for (const [by, code] of [[301_000, 'CLOCK_SKEWED'], [-301_000, 'CLOCK_SKEWED'], [299_000, 'done']] as const) {
      const reply = await app.inject({ method: 'GET', url: '/api/agent/desired-state', headers: { authorization: city.agent.authorization('GET', '/api/agent/desired-state', null, city.time.at + by) } });
      expect(reply.json<{ code?: string }>().code ?? 'done').toBe(code);
    }
  });
  test('an agent does not repaint an icon that is there', async () => {
    await call('technician', 'POST', '/api/icons', { applicationId: city.applications.gimp.id, png: onePixel() });
    const before = (await call('technician', 'GET', '/api/applications')).body;
    const other = Buffer.from(onePixel(), 'base64');
    other.writeUInt32BE(2, 16);
    expect((await call('agent', 'POST', '/api/agent/icons', { applicationId: city.applications.gimp.id, png: other.toString('base64') })).statusCode).toBe(204);
    expect((await call('technician', 'GET', '/api/applications')).body).toBe(before);
  });
});

describe('signing in', () => {
  const attempt = (login: string, password: string) => call('none', 'POST', '/api/sign-in', { login, password });
  test('gives a cookie that pages cannot read, and takes it back', async () => {
    const reply = await attempt(' LEA ', 'right');
    expect(reply.json()).toMatchObject({ login: 'lea', role: 'pupil', siteName: 'École Victor-Hugo' });
    const cookie = String(reply.headers['set-cookie']);
    expect(cookie).toMatch(/^preau_sign_in=[A-Za-z0-9_-]{43};/);
    for (const attribute of ['HttpOnly', 'Secure', 'SameSite=Lax', 'Path=/']) expect(cookie).toContain(attribute);
    const header = { cookie: cookie.split(';')[0] ?? '' };
    expect((await app.inject({ url: '/api/me', headers: header })).statusCode).toBe(200);
    expect((await app.inject({ method: 'POST', url: '/api/sign-out', headers: header })).statusCode).toBe(204);
    expect((await app.inject({ url: '/api/me', headers: header })).json()).toMatchObject({ code: 'NOT_SIGNED_IN' });
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
    expect(JSON.stringify(await city.platform.database.selectFrom('audit_events').selectAll().execute())).not.toMatch(/secret password/i);
  });
});

describe('what never leaves', () => {
  test('no answer holds a password, a hash, an attachment, or how guacd attaches', async () => {
    const { session } = await launch(city.platform, city.pupil, { application: 'tuxpaint', language: 'fr' });
    await call('agent', 'POST', '/api/agent/report', city.agent.report({ sessions: [readySession(session.id, 1)] }));
    const answers = [
      await call('pupil', 'POST', '/api/sessions', { application: 'tuxpaint', language: 'fr' }), await call('pupil', 'POST', `/api/sessions/${session.id}/tickets`), await call('pupil', 'GET', `/api/sessions/${session.id}`),
      await call('pupil', 'GET', '/api/portal'), await call('pupil', 'GET', '/api/me'), await call('technician', 'GET', '/api/sessions'), await call('technician', 'GET', '/api/servers'),
      await call('technician', 'GET', `/api/servers/${city.agent.actor.id}`), await call('technician', 'GET', '/api/audit?limit=200'), await call('technician', 'GET', '/api/audiences?search=lea'), await call('technician', 'GET', '/api/sites'),
      await call('agent', 'GET', '/api/agent/desired-state'), await call('pupil', 'POST', `/api/sessions/${session.id}/end`),
    ];
    for (const answer of answers) {
      expect(answer.statusCode).toBeLessThan(300);
      expect(answer.body).not.toMatch(/one-use-password|"(password|passwordHash|password_hash|attachment|publicKey|public_key|privateKey|serial)"|preau-1|:3389/i);
    }
  });
  test('an unexpected fault tells a number, not its reason', async () => {
    await city.platform.database.schema.dropTable('publication_rules').execute();
    const reply = await call('pupil', 'GET', '/api/portal');
    expect(reply.statusCode).toBe(500);
    expect(reply.json()).toEqual({ code: 'INTERNAL', message: { fr: errors.INTERNAL.fr, en: errors.INTERNAL.en }, retryable: true, details: { request: expect.any(String) } });
    expect(reply.body).not.toMatch(/publication_rules|sqlite/i);
  });
});

test('/api/openapi.json lists every route with its policy', async () => {
  const description = (await call('none', 'GET', '/api/openapi.json')).json<{ openapi: string; paths: Record<string, Record<string, { operationId: string; 'x-policy': string }>> }>();
  expect(description.openapi).toBe('3.1.0');
  for (const [name, route] of Object.entries(api)) {
    expect(description.paths[route.path.replace(/:([a-zA-Z]+)/g, '{$1}')]?.[route.method.toLowerCase()]).toMatchObject({ operationId: name, 'x-policy': route.policy });
  }
  expect(Object.values(description.paths).flatMap((path) => Object.keys(path))).toHaveLength(Object.keys(api).length);
});
