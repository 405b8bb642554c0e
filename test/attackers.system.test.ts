/** Attackers against real controllers, over HTTP and in parallel: one on SQLite, and two that share
 * PostgreSQL and Redis. Everybody comes from one address, as in a school. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { actorOf } from '../controller/src/accounts/reach.ts';
import { insertAccounts, selectAccount } from '../controller/src/accounts/store.ts';
import { createApplication } from '../controller/src/applications/create.ts';
import { application, person, site } from '../controller/src/builders.fixture.ts';
import { parseConfig } from '../controller/src/config.ts';
import { type Controller, startController } from '../controller/src/controller.ts';
import { insertTotp, usePeriod } from '../controller/src/identity/second-factor/store.ts';
import { insertStep, tryStep } from '../controller/src/identity/steps/store.ts';
import { openCity } from '../controller/src/open-city.ts';
import type { Database } from '../controller/src/platform/database.ts';
import { createLog } from '../controller/src/platform/log.ts';
import { createPasswords } from '../controller/src/platform/passwords.ts';
import { openRedis } from '../controller/src/platform/redis.ts';
import { createSecrets, sha256 } from '../controller/src/platform/secrets.ts';
import { newTotpSecret } from '../controller/src/platform/totp.ts';
import { createSite } from '../controller/src/sites/sites.ts';
import { createWakeups } from '../controller/src/wakeups.ts';
import { type Service, startRedis, until } from '../dev/services.ts';
import { type StandInGuacd, startStandInGuacd } from '../dev/stand-in-guacd.ts';
import { type Postgres, startPostgres } from './postgres.fixture.ts';

const right = 'une phrase de passe correcte';
const people = 40;
const secret = 'ab'.repeat(32);

interface Answer {
  status: number;
  code: string;
  ms: number;
  retryAfter: string | null;
  cookie: string;
}

let folder = '';
let redis: ReturnType<typeof startRedis>;
let postgres: Postgres;
let guacd: StandInGuacd;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'preau-attackers-'));
  redis = startRedis(join(folder, 'redis'));
  await until('redis', async () => redis.ready(), 20_000);
  postgres = await startPostgres();
  // Without one every launch is refused before anything is looked at.
  guacd = await startStandInGuacd();
});
afterAll(async () => {
  await (redis.service as Service).stop();
  await postgres.stop();
  guacd.close();
  rmSync(folder, { recursive: true, force: true });
});

describe.each([
  { name: 'one controller on SQLite', controllers: 1 },
  { name: 'two controllers on PostgreSQL', controllers: 2 },
])('$name', ({ name, controllers: count }) => {
  let controllers: Controller[] = [];
  let database: Database;
  let technicianId = '';

  beforeAll(async () => {
    // The failures of the other city are not this one's.
    const counts = openRedis(redis.url);
    await counts.flushall();
    counts.disconnect();
    const config = parseConfig({
      PREAU_PORT: '0',
      PREAU_DATA: join(folder, name.replace(/\W/g, '-')),
      PREAU_REDIS_URL: redis.url,
      PREAU_GUACD_PORT: String(guacd.port),
      PREAU_SECRET: secret,
      PREAU_LOG_LEVEL: 'error',
      ...(count === 1 ? {} : { PREAU_DATABASE_URL: await postgres.newDatabase() }),
    });
    ({ database } = await openCity(config, 'controller'));
    const log = createLog('silent');
    const secrets = createSecrets(Buffer.from(secret, 'hex'));
    const wakeups = createWakeups(null, log);
    const platform = { config, database, clock: { now: Date.now }, log, secrets, wakeups };
    const job = { kind: 'job', id: 'test', name: 'test' } as const;
    const school = await createSite(
      platform,
      job,
      site({ uai: '0380001A', name: 'École Victor-Hugo' }),
    );
    const passwordHash = await createPasswords().hash(right);
    [technicianId = ''] = await insertAccounts(
      database,
      [
        person('tech', { role: 'technician', siteId: null, passwordHash }),
        ...Array.from({ length: people }, (_, at) =>
          person(`personne.${at}`, { role: 'teacher', siteId: school.id, passwordHash }),
        ),
      ],
      Date.now(),
    );
    const technician = await selectAccount(database, technicianId);
    if (technician === undefined) throw new Error('no technician');
    await createApplication(platform, actorOf(technician, ''), application('dessin'));
    await insertTotp(database, technicianId, secrets.seal(newTotpSecret()), Date.now());
    await usePeriod(database, technicianId, 1, Date.now());
    for (let at = 0; at < count; at += 1) controllers.push(await startController(config));
  });
  afterAll(async () => {
    for (const controller of controllers) await controller.close();
    controllers = [];
    await database.destroy();
  });

  let next = 0;
  async function send(path: string, body: unknown, more: RequestInit = {}): Promise<Answer> {
    next += 1;
    const { url = '' } = controllers[next % count] ?? {};
    const began = performance.now();
    const response = await fetch(`${url}${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      ...more,
      headers: { 'content-type': 'application/json', ...more.headers },
    });
    const answer = (await response.json().catch(() => ({}))) as { code?: string };
    return {
      status: response.status,
      code: answer.code ?? 'done',
      ms: performance.now() - began,
      retryAfter: response.headers.get('retry-after'),
      cookie: response.headers.getSetCookie()[0]?.split(';')[0] ?? '',
    };
  }
  const signIn = (login: string, password: string, signal?: AbortSignal) =>
    send('/api/sign-in', { login, password }, signal === undefined ? {} : { signal });

  /** Each of these many attackers sends its next call as soon as it has an answer. */
  function attack(attackers: number, one: (signal: AbortSignal) => Promise<Answer>) {
    const ended = new AbortController();
    const codes: string[] = [];
    const loops = Array.from({ length: attackers }, async () => {
      while (!ended.signal.aborted) {
        const answer = await one(ended.signal).catch(() => null);
        if (answer !== null) codes.push(answer.code);
      }
    });
    return {
      codes,
      end: async () => {
        ended.abort();
        await Promise.all(loops);
      },
    };
  }
  const seconds = (many: number) => new Promise((resolve) => setTimeout(resolve, many * 1000));
  const judged = (codes: readonly string[], code: string) =>
    codes.filter((one) => one === code).length;
  const median = (values: readonly number[]) =>
    [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

  test('in a calm city a name that nobody has is refused as slowly as one that somebody has', async () => {
    const [known, unknown]: [number[], number[]] = [[], []];
    for (let at = 0; at < 15; at += 1) {
      known.push((await signIn(`personne.${at}`, 'faux')).ms);
      unknown.push((await signIn(`inconnu.${at}`, 'faux')).ms);
    }
    const ratio = median(unknown) / median(known);
    expect(ratio).toBeGreaterThan(0.6);
    expect(ratio).toBeLessThan(1.6);
  });

  test('two hundred tries of one step at once: five are taken', async () => {
    const hash = sha256(`step ${name}`);
    await insertStep(database, {
      hash,
      kind: 'second_factor',
      accountId: technicianId,
      body: {},
      expiresAt: Date.now() + 60_000,
    });
    const step = { hash, kind: 'second_factor', now: Date.now(), maxTries: 5 } as const;
    const taken = await Promise.all(Array.from({ length: 200 }, () => tryStep(database, step)));
    expect(taken.flatMap((one) => one?.tries ?? []).sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5]);
  });

  test('codes sent in parallel: five of one step are looked at, however many are sent', async () => {
    const response = await fetch(`${controllers[0]?.url}/api/sign-in`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ login: 'tech', password: right }),
    });
    const { code, details } = (await response.json()) as {
      code: string;
      details: { step: string };
    };
    expect(code).toBe('SECOND_FACTOR_REQUIRED');
    const attackers = attack(200, (signal) =>
      send('/api/sign-in/second-factor', { step: details.step, code: '000000' }, { signal }),
    );
    await seconds(8);
    await attackers.end();
    const { tries } = await database
      .selectFrom('sign_in_steps')
      .select('tries')
      .where('hash', '=', sha256(details.step))
      .executeTakeFirstOrThrow();
    expect(judged(attackers.codes, 'SECOND_FACTOR_REFUSED')).toBeLessThanOrEqual(4);
    expect(tries).toBe(5);
  });

  test('guesses of one password in parallel are judged like guesses in a row; its owner gets in', async () => {
    const attackers = attack(200, (signal) => signIn('personne.1', 'faux', signal));
    await seconds(10);
    // Three are free, then 250, 500, 1,000, 2,000, 4,000 ms: seven in ten seconds of one process.
    const before = judged(attackers.codes, 'SIGN_IN_REFUSED');
    // With one process its owner's first try is enough. With several, more than one of the attackers'
    // guesses may come to one of them between two turns, and who was pushed back is told to try again.
    const tries: Answer[] = [];
    do tries.push(await signIn('personne.1', right));
    while (tries.at(-1)?.code === 'SLOW_DOWN' && tries.length < (count === 1 ? 1 : 3));
    await attackers.end();
    expect(before).toBeLessThanOrEqual(8 * count);
    expect(tries.map(({ code }) => code)).toEqual([
      ...tries.slice(1).map(() => 'SLOW_DOWN'),
      'done',
    ]);
    expect(tries.at(-1)?.ms).toBeLessThan(45_000);
  }, 240_000);

  test('two hundred sockets with invented names: every teacher gets in, from their address', async () => {
    let name = 0;
    const attackers = attack(200, (signal) => {
      name += 1;
      return signIn(`invente.${name}`, 'faux', signal);
    });
    await until(
      'the address is known for its failures',
      async () => attackers.codes.includes('SLOW_DOWN'),
      60_000,
    );
    const answers: Answer[] = [];
    for (let round = 0; round < 4; round += 1)
      answers.push(
        ...(await Promise.all(
          Array.from({ length: 9 }, (_, at) => signIn(`personne.${2 + round * 9 + at}`, right)),
        )),
      );
    const wrong = await signIn('personne.39', 'faux');
    await attackers.end();
    expect(answers.map(({ code }) => code)).toEqual(answers.map(() => 'done'));
    expect(Math.max(...answers.map(({ ms }) => ms))).toBeLessThan(5000);
    // Somebody’s name with a wrong password is answered like an invented one.
    expect([wrong.code, attackers.codes.at(-1)]).toEqual(['SLOW_DOWN', 'SLOW_DOWN']);
    expect(wrong.retryAfter).toBe('30');
    expect(wrong.ms).toBeGreaterThan(5900);
    const { n } = await database
      .selectFrom('audit_events')
      .select((e) => e.fn.countAll<number>().as('n'))
      .where('action', '=', 'account.sign_in_refused')
      .where('subject_name', 'like', 'invente.%')
      .executeTakeFirstOrThrow();
    expect(Number(n)).toBeLessThanOrEqual(120 * count);
  });

  test('323 refused launches at once: a few are looked at, the others told when to come back', async () => {
    const { cookie } = await signIn('personne.38', right);
    const answers = await Promise.all(
      Array.from({ length: 323 }, () =>
        send('/api/sessions', { application: 'dessin', language: 'fr' }, { headers: { cookie } }),
      ),
    );
    const slowed = answers.filter(({ status }) => status === 429);
    expect(answers.length - slowed.length).toBeLessThanOrEqual(30 * count);
    expect(new Set(slowed.map(({ retryAfter }) => retryAfter))).toEqual(new Set(['1']));
    expect(new Set(answers.map(({ code }) => code))).toEqual(
      new Set(['APPLICATION_NOT_ALLOWED', 'SLOW_DOWN']),
    );
    const refused = await database
      .selectFrom('audit_events')
      .select('details')
      .where('action', '=', 'session.refused')
      .execute();
    expect(refused).toHaveLength(count);
  });

  test('the description of the API is made once: the same bytes, then none', async () => {
    const url = `${controllers[0]?.url}/api/openapi.json`;
    const first = await fetch(url);
    const etag = first.headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[0-9a-f]{32}"$/);
    expect(first.headers.get('content-encoding')).toBe('gzip');
    expect(((await first.json()) as { openapi: string }).openapi).toBe('3.1.0');
    const again = await fetch(url, { headers: { 'if-none-match': etag } });
    expect([again.status, await again.text()]).toEqual([304, '']);
  });
});
