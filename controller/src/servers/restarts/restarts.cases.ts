/** Restarts of servers, for every database. */
import type { DesiredState } from '@preau/contract/desired-state.ts';
import type { FailedStep, Report } from '@preau/contract/report.ts';
import { restartToldMs } from '@preau/contract/restart.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { site as siteDraft } from '#src/builders.fixture.ts';
import { acceptReport } from '#src/reports/accept-report.ts';
import { launch } from '#src/sessions/launch.ts';
import { portal } from '#src/sessions/portal.ts';
import { sweep } from '#src/sessions/sweep.ts';
import { createSite } from '#src/sites/sites.ts';
import { type City, codeOf, type TestAgent } from '#src/testing.fixture.ts';
import { readDesiredState } from '../desired/desired-state.ts';
import { selectFleet, selectServer } from '../fleet/store.ts';
import { backWithinMs } from './advance.ts';
import { cancelRestarts, restartServers, tonight } from './ask.ts';

const boot = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

export function restartCases(open: () => Promise<City>): void {
  let city: City;
  let second: TestAgent;
  beforeEach(async () => {
    city = await open();
    second = await city.enrolServer('serveur-2');
    await tell(city.agent, 1);
    await tell(second, 1);
    city.woken.length = 0;
  });
  afterEach(() => city.close());

  const needed = { since: 5, packages: ['linux-image-amd64'] };
  const tell = (agent: TestAgent, bootNumber: number, more: Partial<Report> = {}) =>
    acceptReport(
      city.platform,
      agent.actor,
      agent.report({
        boot: { bootId: boot(bootNumber), restartNeeded: bootNumber === 1 ? needed : null },
        answers: [],
        ...more,
      }),
    );
  const ids = () => [city.agent.actor.id, second.actor.id];
  const ask = (when: 'now' | 'tonight', serverIds = ids()) =>
    restartServers(city.platform, city.technician, { serverIds, when });
  const cancel = (serverIds = ids()) =>
    cancelRestarts(city.platform, city.technician, { serverIds });
  const read = async (agent: TestAgent) => {
    const server = await selectServer(city.platform.database, agent.actor.id, city.time.at);
    if (server === undefined) throw new Error('no server');
    return server;
  };
  const stateOf = async (agent: TestAgent) => (await read(agent)).restart?.state ?? null;
  const both = async () => [await stateOf(city.agent), await stateOf(second)];
  const wanted = async (agent: TestAgent) =>
    (JSON.parse((await readDesiredState(city.platform, agent.actor)).document) as DesiredState)
      .restart;
  /** Time passes; who is named still reports. */
  const later = async (ms: number, alive: [TestAgent, number][]) => {
    city.time.at += ms;
    for (const [agent, bootNumber] of alive) await tell(agent, bootNumber);
    await sweep(city.platform);
  };
  const actions = async () =>
    (
      await city.platform.database
        .selectFrom('audit_events')
        .select(['action', 'subject_name'])
        .where('action', 'like', 'server.restart%')
        .orderBy('at')
        .orderBy('id')
        .execute()
    )
      .map((row) => `${row.action.slice('server.'.length)} ${row.subject_name}`)
      .filter((line) => !line.startsWith('restart_asked'));

  describe('a server that needs a restart', () => {
    test('says so, with what asks for it, until it has another boot', async () => {
      expect(await read(city.agent)).toMatchObject({ restartNeeded: needed, canRestart: true });
      expect((await selectFleet(city.platform.database, city.time.at, null)).toRestart).toBe(2);
      await tell(city.agent, 2);
      expect((await read(city.agent)).restartNeeded).toBeNull();
      expect((await selectFleet(city.platform.database, city.time.at, null)).toRestart).toBe(1);
    });
    test('an agent that says nothing of it is not asked to restart', async () => {
      await acceptReport(city.platform, second.actor, second.report());
      expect(await read(second)).toMatchObject({ restartNeeded: null, canRestart: false });
      expect(await codeOf(ask('now'))).toBe('RESTART_UNKNOWN');
      expect(await both()).toEqual([null, null]);
    });
  });

  describe('restarts', () => {
    test('one server after the other, the next only when the one before is back', async () => {
      await ask('now');
      await later(0, []);
      expect(await both()).toEqual(['told', 'waiting']);
      await later(1000, [
        [city.agent, 1],
        [second, 1],
      ]);
      expect(await both()).toEqual(['restarting', 'waiting']);
      expect(await wanted(city.agent)).toMatchObject({ bootId: boot(1) });
      expect(await wanted(second)).toBeUndefined();
      expect(city.woken).toContain(`agent:${city.agent.actor.id}`);
      // It goes, and comes back after a while.
      await later(60_000, [[second, 1]]);
      expect(await both()).toEqual(['restarting', 'waiting']);
      await later(60_000, [
        [city.agent, 2],
        [second, 1],
      ]);
      expect(await both()).toEqual(['done', 'told']);
      expect(await wanted(city.agent)).toBeUndefined();
      await later(1000, [
        [city.agent, 2],
        [second, 1],
      ]);
      await later(60_000, [
        [city.agent, 2],
        [second, 2],
      ]);
      expect(await both()).toEqual(['done', 'done']);
      expect(await actions()).toEqual([
        'restarting serveur-1',
        'restarted serveur-1',
        'restarting serveur-2',
        'restarted serveur-2',
      ]);
    });

    test('one that does not come back, or not well, stops its school, and no other', async () => {
      const other = await createSite(
        city.platform,
        { kind: 'job', id: 'test', name: 'test' },
        siteDraft(),
      );
      const elsewhere = await city.enrolServer('ailleurs', other.id);
      await tell(elsewhere, 1);
      await ask('now', [...ids(), elsewhere.actor.id]);
      await later(0, []);
      await later(1000, [
        [city.agent, 1],
        [second, 1],
        [elsewhere, 1],
      ]);
      expect(await stateOf(elsewhere)).toBe('restarting');
      const step: FailedStep = {
        step: 'start_displays',
        code: 'DISPLAY_FAILED',
        element: '',
        message: '',
        attempt: 1,
        at: 1,
        retryAt: null,
      };
      await tell(city.agent, 2, { failedSteps: [step] });
      await later(1000, [[elsewhere, 2]]);
      expect([...(await both()), await stateOf(elsewhere)]).toEqual([
        'restarting',
        'waiting',
        'done',
      ]);
      city.time.at += backWithinMs;
      await tell(second, 1);
      await tell(city.agent, 2, { failedSteps: [step] });
      await sweep(city.platform);
      expect(await both()).toEqual(['failed', 'skipped']);
      expect((await read(city.agent)).restart?.reason).toBe('unwell');
      expect((await read(second)).restart?.reason).toBe('stopped');
    });

    test('asked for the night, told before, and taken back', async () => {
      await ask('tonight');
      const at = tonight({ timeZone: 'Europe/Paris', holidayZone: 'A' }, city.time.at);
      expect((await read(city.agent)).restart).toMatchObject({ state: 'waiting', at });
      await cancel([second.actor.id]);
      expect(await both()).toEqual(['waiting', null]);
      await later(at - city.time.at - restartToldMs, [[city.agent, 1]]);
      expect(await stateOf(city.agent)).toBe('told');
      await cancel();
      expect(await both()).toEqual([null, null]);
      await later(restartToldMs, [[city.agent, 1]]);
      expect(await wanted(city.agent)).toBeUndefined();
      expect(await actions()).toEqual([
        'restart_cancelled serveur-2',
        'restart_cancelled serveur-1',
      ]);
    });

    test('what has begun is neither taken back nor asked for again', async () => {
      await ask('now', [city.agent.actor.id]);
      await later(0, []);
      await later(1000, [[city.agent, 1]]);
      await cancel();
      await ask('tonight', [city.agent.actor.id]);
      expect(await stateOf(city.agent)).toBe('restarting');
      expect(await wanted(city.agent)).toBeDefined();
      expect(await actions()).toEqual(['restarting serveur-1']);
    });

    test('people in sessions are told minutes before; then it ends, with the reason', async () => {
      const { session } = await launch(city.platform, city.pupil, {
        application: 'tuxpaint',
        language: 'fr',
      });
      const mine = async () =>
        (await portal(city.platform, city.pupil, null)).find(({ slug }) => slug === 'tuxpaint')
          ?.session;
      await tell(city.agent, 1, {
        sessions: [
          { sessionId: session.id, state: 'ready', attachment: null, openedAt: 1, offered: [] },
        ],
      });
      // Somebody has it open: what nobody opens gives its place back sooner.
      await city.platform.database
        .updateTable('sessions')
        .set({ state: 'active', grace_until: null, tunnel_seen_at: city.time.at })
        .where('id', '=', session.id)
        .execute();
      await ask('now', [city.agent.actor.id]);
      await sweep(city.platform);
      await sweep(city.platform);
      expect((await mine())?.endsAt).toBe(city.time.at + restartToldMs);
      // Meanwhile nobody new is let in: there is no other server with the program.
      expect(
        await codeOf(
          launch(city.platform, city.teacher, { application: 'tuxpaint', language: 'fr' }),
        ),
      ).toBe('SERVER_RESTARTS');
      await later(restartToldMs, [[city.agent, 1]]);
      const row = await city.platform.database
        .selectFrom('sessions')
        .select(['state', 'end_reason'])
        .where('id', '=', session.id)
        .executeTakeFirstOrThrow();
      expect(row).toEqual({ state: 'ended', end_reason: 'server_restarts' });
      expect(await stateOf(city.agent)).toBe('restarting');
    });

    test('a restart that was taken back ends no session', async () => {
      const { session } = await launch(city.platform, city.pupil, {
        application: 'tuxpaint',
        language: 'fr',
      });
      await ask('now', [city.agent.actor.id]);
      await sweep(city.platform);
      await sweep(city.platform);
      await cancel();
      await sweep(city.platform);
      const row = await city.platform.database
        .selectFrom('sessions')
        .select(['state', 'ends_at'])
        .where('id', '=', session.id)
        .executeTakeFirstOrThrow();
      expect(row).toEqual({ state: 'starting', ends_at: null });
    });
  });
}

/** The coming night, in the school's own time. */
export const nights: [name: string, zone: string, now: string, at: string][] = [
  ['in the afternoon', 'Europe/Paris', '2026-11-30T14:00:00Z', '2026-12-01T01:00:00Z'],
  [
    'after midnight: the same night',
    'Europe/Paris',
    '2026-11-30T23:30:00Z',
    '2026-12-01T01:00:00Z',
  ],
  ['just after two', 'Europe/Paris', '2026-12-01T01:00:01Z', '2026-12-02T01:00:00Z'],
  ['overseas', 'Indian/Reunion', '2026-11-30T14:00:00Z', '2026-11-30T22:00:00Z'],
  ['the hour that does not exist', 'Europe/Paris', '2027-03-27T20:00:00Z', '2027-03-28T01:00:00Z'],
  ['the hour that comes twice', 'Europe/Paris', '2026-10-24T20:00:00Z', '2026-10-25T00:00:00Z'],
];
