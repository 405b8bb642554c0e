/** What a call does beyond its answer: what it changes, what the audit says of it, and whom it wakes.
 * A city with two schools, each with somebody at work. */
import type { AuditAction } from '@preau/contract/audit.ts';
import { defaultDraft, type RolloutDraft } from '@preau/contract/rollout-draft.ts';
import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { selectAuditEvents } from '#src/audit/store.ts';
import { site } from '#src/builders.fixture.ts';
import { acceptReport } from '#src/reports/accept-report.ts';
import { createRollout } from '#src/rollouts/plan/create.ts';
import { startRollout } from '#src/rollouts/plan/start.ts';
import { readRollout } from '#src/rollouts/read.ts';
import { evaluateRollout } from '#src/rollouts/run/evaluate.ts';
import { readDesiredState } from '#src/servers/desired/desired-state.ts';
import { wantApplication } from '#src/servers/desired/want-application.ts';
import { launch } from '#src/sessions/launch.ts';
import { selectSession } from '#src/sessions/store.ts';
import { createSite } from '#src/sites/sites.ts';
import { type City, makeCity, type TestAgent } from '#src/testing.fixture.ts';
import { openEdge, signedIn } from './edge.fixture.ts';

let city: City;
let app: FastifyInstance;
let other: { siteId: string; agent: TestAgent };
let cookie: string;
beforeEach(async () => {
  city = await makeCity();
  // A Monday at 11:00 in Paris: nobody arrives.
  city.time.at = Date.UTC(2027, 10, 22, 10);
  app = await openEdge(city.platform);
  const { id } = await createSite(city.platform, city.technician, site());
  other = { siteId: id, agent: await city.enrolServer('serveur-sud', id) };
  await wantApplication(city.platform, city.technician, {
    serverId: other.agent.actor.id,
    applicationId: city.applications.tuxpaint.id,
    wanted: true,
  });
  for (const agent of [city.agent, other.agent])
    await acceptReport(
      city.platform,
      agent.actor,
      agent.report({
        applications: [
          {
            applicationId: city.applications.tuxpaint.id,
            state: 'installed',
            version: '1.0',
            error: null,
            iconHash: null,
          },
        ],
      }),
    );
  cookie = `preau_sign_in=${await signedIn(city, city.technician.id)}`;
});
afterEach(async () => {
  await app.close();
  await city.close();
});

const call = async (method: 'POST' | 'PATCH', url: string, payload: object = {}) => {
  city.woken.length = 0;
  return app.inject({ method, url, headers: { cookie }, payload });
};
const told = async (action: AuditAction) =>
  (
    await selectAuditEvents(city.platform.database, {
      before: null,
      limit: 50,
      search: null,
      action,
    })
  ).map(({ actorId, subjectId, siteId, details }) => ({ actorId, subjectId, siteId, details }));

describe('a server that is retired', () => {
  test('ends what runs on it, and on no other', async () => {
    const south = await city.account('tom', 'pupil', other.siteId);
    const here = await launch(city.platform, city.pupil, {
      application: 'tuxpaint',
      language: 'fr',
    });
    const there = await launch(city.platform, south, { application: 'tuxpaint', language: 'fr' });
    const reply = await call('POST', `/api/servers/${city.agent.actor.id}/retire`);
    expect(reply.statusCode).toBe(204);
    expect(await selectSession(city.platform.database, here.session.id)).toMatchObject({
      state: 'ended',
      endReason: 'server_retired',
    });
    expect(await selectSession(city.platform.database, there.session.id)).toMatchObject({
      state: 'starting',
    });
    expect(await told('session.ended')).toEqual([
      {
        actorId: city.technician.id,
        subjectId: here.session.id,
        siteId: city.site.id,
        details: { reason: 'server_retired' },
      },
    ]);
    expect(city.woken).toEqual(
      expect.arrayContaining([
        `session:${here.session.id}`,
        `person:${city.pupil.id}`,
        'sessions',
        'servers',
        'audit',
      ]),
    );
    expect(city.woken).not.toContain(`session:${there.session.id}`);
  });
});

describe('a rollout that is taken back', () => {
  const draft = (): RolloutDraft => ({
    ...defaultDraft,
    name: 'Dessin',
    items: [{ applicationId: city.applications.gimp.id, want: 'present' }],
    where: { all: true, siteIds: [], groupIds: [], serverIds: [], labels: [] },
    waves: [
      { size: { sites: 1 }, gate: 'auto', soakMinutes: 0 },
      { size: { rest: true }, gate: 'auto', soakMinutes: 0 },
    ],
  });
  /** Each server with an order carries it out. */
  const obey = async (id: string) => {
    for (const agent of [city.agent, other.agent]) {
      const { document } = await readDesiredState(city.platform, agent.actor);
      const { orders } = JSON.parse(document) as {
        orders: { orderId: string; attempt: number; applications: { applicationId: string }[] }[];
      };
      await acceptReport(
        city.platform,
        agent.actor,
        agent.report({
          orders: orders.map(({ orderId, attempt, applications }) => ({
            orderId,
            attempt,
            seq: 1,
            state: 'succeeded',
            recovered: false,
            tooLate: false,
            code: null,
            message: '',
            bytesDone: 0,
            bytesTotal: null,
            wanBytes: 0,
            log: '',
            items: applications.map(({ applicationId }) => ({
              applicationId,
              state: 'installed',
              version: '1.0',
              code: null,
              message: '',
              ms: 1,
              bytes: 1,
            })),
          })),
        }),
      );
      await evaluateRollout(city.platform, id);
    }
  };
  const actions = async (id: string) =>
    (
      await city.platform.database
        .selectFrom('rollout_targets')
        .select(['wave', 'action'])
        .where('rollout_id', '=', id)
        .orderBy('wave')
        .execute()
    ).map(({ wave, action }) => `${wave} ${action}`);

  // biome-ignore format: a table
  test.each([
    [1, ['1 restore', '2 install']],
    [2, ['1 install', '2 restore']],
    [null, ['1 restore', '2 restore']],
  ])('wave %s: only what was asked for', async (wave, expected) => {
    // What was there before is known of neither school.
    await city.platform.database
      .deleteFrom('server_applications')
      .where('application_id', '=', city.applications.gimp.id)
      .execute();
    const id = await createRollout(city.platform, city.technician, draft());
    const { plan } = await readRollout(city.platform, city.technician, id);
    await startRollout(city.platform, city.technician, id, { planHash: plan.hash, force: false });
    await evaluateRollout(city.platform, id);
    await obey(id);
    await obey(id);
    expect((await readRollout(city.platform, city.technician, id)).state).toBe('completed');
    const reply = await call('POST', `/api/rollouts/${id}/roll-back`, { wave });
    expect([reply.statusCode, reply.json()]).toMatchObject([200, { state: 'rolling_back' }]);
    expect(city.woken).toEqual([`rollout:${id}`, 'rollouts', 'audit']);
    expect(await told('rollout.rolling_back')).toEqual([
      { actorId: city.technician.id, subjectId: id, siteId: null, details: { wave } },
    ]);
    await evaluateRollout(city.platform, id);
    expect(await actions(id)).toEqual(expected);
  });
});

describe('labels', () => {
  const labels = async () =>
    (await city.platform.database.selectFrom('servers').select(['id', 'labels']).execute()).map(
      ({ id, labels: said }) => [
        id === city.agent.actor.id ? 'first' : 'second',
        JSON.parse(said) as string[],
      ],
    );
  const label = (serverIds: string[], add: string[], remove: string[] = []) =>
    call('POST', '/api/servers/labels', { serverIds, add, remove });
  test('come and go on the servers that were named, and each change is told', async () => {
    const [one, two] = [city.agent.actor.id, other.agent.actor.id];
    expect((await label([one, two], ['salle', 'atelier'])).statusCode).toBe(204);
    expect(new Map((await labels()) as [string, string[]][])).toEqual(
      new Map([
        ['first', ['atelier', 'salle']],
        ['second', ['atelier', 'salle']],
      ]),
    );
    expect((await label([one], ['cour'], ['salle', 'nothing'])).statusCode).toBe(204);
    expect(new Map((await labels()) as [string, string[]][])).toEqual(
      new Map([
        ['first', ['atelier', 'cour']],
        ['second', ['atelier', 'salle']],
      ]),
    );
    expect(city.woken).toEqual(['servers', 'audit']);
    const changes = (await told('server.changed')).map(({ subjectId, siteId, details }) => [
      subjectId,
      siteId,
      details['labels'],
    ]);
    expect(changes).toHaveLength(3);
    expect(changes[0]).toEqual([one, city.site.id, ['atelier', 'cour']]);
    // The same again changes nothing and tells nothing.
    expect((await label([one], ['cour'])).statusCode).toBe(204);
    expect(await told('server.changed')).toHaveLength(3);
  });
  test('more than twenty on one server are none on all', async () => {
    const [one, two] = [city.agent.actor.id, other.agent.actor.id];
    const many = Array.from({ length: 20 }, (_, at) => `label-${at}`);
    expect((await label([two], many)).statusCode).toBe(204);
    const reply = await label([one, two], ['more']);
    expect(reply.json()).toMatchObject({ code: 'VALIDATION_FAILED' });
    expect(new Map((await labels()) as [string, string[]][]).get('first')).toEqual([]);
    expect((await label([two], ['more'], ['label-3'])).statusCode).toBe(204);
    expect(new Map((await labels()) as [string, string[]][]).get('second')).toHaveLength(20);
  });
});
