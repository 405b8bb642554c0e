/** What a technician does to a rollout, and what is told of it, for every database. */

import type { AuditAction } from '@preau/contract/audit.ts';
import type { Topic } from '@preau/contract/topics.ts';
import { describe, expect, test } from 'vitest';
import { createApplication } from '#src/applications/create.ts';
import { selectAuditEvents } from '#src/audit/store.ts';
import { application } from '#src/builders.fixture.ts';
import { acceptReport } from '#src/reports/accept-report.ts';
import { retireServer } from '#src/servers/enrolment/enrol.ts';
import { codeOf } from '#src/testing.fixture.ts';
import { approveRollout, changeDraft, createRollout } from './plan/create.ts';
import { startRollout } from './plan/start.ts';
import type { RolloutFixture } from './rollouts.fixture.ts';
import { evaluateRollout } from './run/evaluate.ts';
import { runDueSchedules } from './schedules/run-due.ts';
import { createSchedule, listSchedules } from './schedules/schedules.ts';
import { changeSettings, readBrake, setBrake } from './settings.ts';
import {
  cancelRollout,
  finishRollout,
  pauseRollout,
  resumeRollout,
  retryRollout,
  rollBackRollout,
} from './steer.ts';
import { sweepRollouts } from './sweep.ts';
import { withdrawVersions } from './withdraw.ts';

const rest = { size: { rest: true as const }, gate: 'auto' as const, soakMinutes: 0 };

export function steerCases(at: RolloutFixture): void {
  const { draft, begin, start, read, statesOf, ordersOf, obey, countersHold, hello } = at;
  const evaluate = (id: string) => evaluateRollout(at.city.platform, id);
  const add = (slug: string, more: Parameters<typeof application>[1] = {}) =>
    createApplication(at.city.platform, at.city.technician, application(slug, more));
  const ordered = async () =>
    Promise.all(
      at.fleet.map(async ({ agent }) =>
        (await ordersOf(agent))
          .flatMap(({ applications }) => applications.map(({ slug, want }) => `${want} ${slug}`))
          .join(', '),
      ),
    );

  describe('the brake', () => {
    test('that a technician has pulled stays, however well the fleet is', async () => {
      const id = await begin({ waves: [rest] });
      await setBrake(at.city.platform, at.city.technician, true);
      for (let sweeps = 0; sweeps < 3; sweeps += 1) {
        at.city.time.at += 10_000;
        await hello();
        await acceptReport(at.city.platform, at.city.agent.actor, at.city.agent.report());
        await sweepRollouts(at.city.platform);
      }
      expect(await readBrake(at.city.platform)).toMatchObject({
        on: true,
        cause: 'technician',
        by: at.city.technician.name,
        silentServers: 0,
      });
      expect(await read(id)).toMatchObject({ state: 'paused', pauseReason: 'brake' });
    });
  });

  describe('the way back', () => {
    test('goes backwards: what needs the other leaves before it; one wave only when told so', async () => {
      const engine = await add('engine');
      const game = await add('game', { requires: ['engine'] });
      const id = await begin({
        items: [engine, game].map((one) => ({ applicationId: one.id, want: 'present' as const })),
        waves: [{ size: { sites: 2 }, gate: 'auto', soakMinutes: 0 }, rest],
      });
      expect((await ordered()).filter((said) => said !== '')).toEqual(
        Array(2).fill('present engine, present game'),
      );
      await obey(id, 'succeeded');
      await obey(id, 'succeeded');
      expect((await read(id)).state).toBe('completed');

      expect(await codeOf(rollBackRollout(at.city.platform, at.city.technician, id, 3))).toBe(
        'NOTHING_TO_ROLL_BACK',
      );
      await rollBackRollout(at.city.platform, at.city.technician, id, 1);
      await evaluate(id);
      expect((await ordered()).filter((said) => said !== '')).toEqual(
        Array(2).fill('absent game, absent engine'),
      );
      expect(await obey(id, 'succeeded')).toBe(2);
      expect(await read(id)).toMatchObject({
        state: 'rolled_back',
        counts: { rolled_back: 2, succeeded: 4 },
      });
      await countersHold(id);
    });

    test('waits for those who may have begun what they were offered, and brings them back', async () => {
      const id = await begin({ waves: [rest] });
      expect(await statesOf(id)).toEqual(Array(6).fill('offered'));
      await rollBackRollout(at.city.platform, at.city.technician, id, null);
      await evaluate(id);
      expect((await Promise.all(at.fleet.map(({ agent }) => ordersOf(agent)))).flat()).toEqual(
        Array(6).fill(expect.objectContaining({ cancel: 'finish' })),
      );
      const [first, second, ...silent] = at.fleet;
      if (first === undefined || second === undefined) throw new Error('too few servers');
      // The first had installed before it was told to stop; the second had not begun.
      await obey(id, 'succeeded', [first]);
      await obey(id, 'cancelled', [second]);
      expect((await ordersOf(first.agent))[0]?.applications.map(({ want }) => want)).toEqual([
        'absent',
      ]);
      expect(await ordersOf(second.agent)).toEqual([]);
      await obey(id, 'succeeded', [first]);
      expect(await read(id)).toMatchObject({ state: 'rolling_back', counts: { offered: 4 } });
      at.city.time.at += 91_000;
      await evaluate(id);
      expect(silent).toHaveLength(4);
      expect(await read(id)).toMatchObject({
        state: 'rolled_back',
        counts: { rolled_back: 1, cancelled: 5 },
      });
      await countersHold(id);
    });

    test('of everything brings back every school', async () => {
      const id = await begin({
        waves: [{ size: { sites: 2 }, gate: 'auto', soakMinutes: 0 }, rest],
      });
      await obey(id, 'succeeded');
      await obey(id, 'succeeded');
      await rollBackRollout(at.city.platform, at.city.technician, id, null);
      await evaluate(id);
      await obey(id, 'succeeded');
      expect(await statesOf(id)).toEqual(Array(6).fill('rolled_back'));
      expect(await codeOf(rollBackRollout(at.city.platform, at.city.technician, id, null))).toBe(
        'STATE_FORBIDS',
      );
    });

    test('to an application that has left the catalogue is refused, and nothing is begun', async () => {
      const there = await begin({ waves: [rest] });
      await obey(there, 'succeeded');
      const removal = await begin({
        items: [{ applicationId: at.app.id, want: 'absent' }],
        waves: [rest],
      });
      await obey(removal, 'succeeded');
      for (const { agent } of at.fleet)
        await acceptReport(
          at.city.platform,
          agent.actor,
          agent.report({
            applications: [
              {
                applicationId: at.app.id,
                state: 'removed',
                version: null,
                error: null,
                iconHash: null,
              },
            ],
          }),
        );
      await withdrawVersions(at.city.platform, at.city.technician, at.app.id, {
        withdrawn: true,
        versionIds: [at.app.versionId],
      });
      const back = () => rollBackRollout(at.city.platform, at.city.technician, removal, null);
      expect(await codeOf(back())).toBe('WITHDRAWN');
      await evaluate(removal);
      expect((await read(removal)).state).toBe('completed');
      expect(await ordered()).toEqual(Array(6).fill(''));
      await withdrawVersions(at.city.platform, at.city.technician, at.app.id, {
        withdrawn: false,
        versionIds: [at.app.versionId],
      });
      expect(await codeOf(back())).toBe('done');
    });
  });

  describe('a pause', () => {
    const deadlines = async (id: string) =>
      new Map(
        (
          await at.city.platform.database
            .selectFrom('rollout_targets')
            .select(['server_id', 'deadline_at'])
            .where('rollout_id', '=', id)
            .execute()
        ).map((row) => [row.server_id, row.deadline_at]),
      );
    test('gives its length to who has not begun, and none to who works on or is done', async () => {
      const id = await begin({ waves: [rest], timeoutMinutes: 60 });
      const other = await begin({ name: 'other', waves: [rest] });
      const told = ['succeeded', 'installing', 'staged', 'accepted'] as const;
      for (const [n, state] of told.entries()) await obey(id, state, at.fleet.slice(n, n + 1));
      const [before, others] = [await deadlines(id), await deadlines(other)];
      await pauseRollout(at.city.platform, at.city.technician, id);
      at.city.time.at += 90_000;
      await resumeRollout(at.city.platform, at.city.technician, id);
      const after = await deadlines(id);
      expect(
        at.fleet.map(({ agent }) => {
          const server = agent.actor.id;
          return ((after.get(server) ?? 0) - (before.get(server) ?? 0)) / 1000;
        }),
      ).toEqual([0, 0, 90, 90, 90, 90]);
      expect(await deadlines(other)).toEqual(others);
    });
    test('of the brake gives it to everybody who is not done', async () => {
      const id = await begin({ waves: [rest], timeoutMinutes: 60 });
      await obey(id, 'succeeded', at.fleet.slice(0, 1));
      await obey(id, 'installing', at.fleet.slice(1, 2));
      const before = await deadlines(id);
      await setBrake(at.city.platform, at.city.technician, true);
      at.city.time.at += 90_000;
      await setBrake(at.city.platform, at.city.technician, false);
      const after = await deadlines(id);
      expect(
        at.fleet.map(({ agent }) => {
          const server = agent.actor.id;
          return ((after.get(server) ?? 0) - (before.get(server) ?? 0)) / 1000;
        }),
      ).toEqual([0, 90, 90, 90, 90, 90]);
    });
  });

  describe('finished without those that wait', () => {
    test('after failures it opens no wave any more, not even for who has joined since', async () => {
      const id = await begin({
        where: { ...draft().where, all: true, siteIds: [] },
        waves: [{ size: { sites: 1 }, gate: 'auto', soakMinutes: 0 }, rest],
      });
      const late = await at.city.enrolServer('tard', at.fleet[0]?.siteId);
      await acceptReport(at.city.platform, late.actor, late.report());
      await obey(id, 'failed', [...at.fleet, { agent: at.city.agent, siteId: at.city.site.id }]);
      expect(await read(id)).toMatchObject({ state: 'paused', pauseReason: 'threshold' });
      await finishRollout(at.city.platform, at.city.technician, id);
      await evaluate(id);
      const over = await read(id);
      expect(over).toMatchObject({
        state: 'completed_with_failures',
        counts: { failed: 1, skipped: 6 },
      });
      expect(over.waves.map(({ state }) => state)).toEqual(['tripped', 'skipped']);
      expect(await ordersOf(late)).toEqual([]);
      await countersHold(id);
    });
  });

  describe('the plan that is started', () => {
    test('is the one that was read: what a colleague has edited since is not', async () => {
      const id = await createRollout(at.city.platform, at.city.technician, draft());
      const { plan } = await read(id);
      const colleague = await at.city.account('tech2', 'technician', null);
      await changeDraft(at.city.platform, colleague, id, draft({ timeoutMinutes: 5 }));
      const startIt = (planHash: string) =>
        startRollout(at.city.platform, at.city.technician, id, { planHash, force: false });
      expect(await codeOf(startIt(plan.hash))).toBe('PLAN_DRIFTED');
      expect((await read(id)).state).toBe('planned');
      expect(await ordered()).toEqual(Array(6).fill(''));
      expect(await codeOf(startIt((await read(id)).plan.hash))).toBe('done');
    });

    test('concerns nobody who has left since it was made, when so few have that it still stands', async () => {
      await changeSettings(at.city.platform, at.city.technician, {
        approvalAboveSites: null,
        brakeAtSilentShare: 0.55,
        planDriftShare: 0.5,
        closures: [],
      });
      const id = await createRollout(
        at.city.platform,
        at.city.technician,
        draft({ waves: [rest] }),
      );
      await retireServer(at.city.platform, at.city.technician, at.fleet[2]?.agent.actor.id ?? '');
      await start(id);
      expect((await read(id)).counts).toEqual({ offered: 5 });
      await countersHold(id);
    });

    test('is carried out where the program is there and nobody wants it, and not where it is wanted', async () => {
      const first = await begin({ waves: [rest] });
      await obey(first, 'succeeded');
      await at.city.platform.database
        .updateTable('server_applications')
        .set({ wanted: 0 })
        .where('server_id', '=', at.fleet[3]?.agent.actor.id ?? '')
        .execute();
      expect(await statesOf(await begin({ waves: [rest] }))).toEqual([
        ...Array(3).fill('already_installed'),
        'offered',
        ...Array(2).fill('already_installed'),
      ]);
    });

    test('once edited, nobody has approved it', async () => {
      await changeSettings(at.city.platform, at.city.technician, {
        approvalAboveSites: 3,
        brakeAtSilentShare: 0.55,
        planDriftShare: 0.1,
        closures: [],
      });
      const id = await createRollout(at.city.platform, at.city.technician, draft());
      const colleague = await at.city.account('tech2', 'technician', null);
      await approveRollout(at.city.platform, colleague, id, (await read(id)).plan.hash);
      expect(await read(id)).toMatchObject({
        state: 'approved',
        approvedByName: 'tech2',
      });
      await changeDraft(at.city.platform, at.city.technician, id, draft({ name: 'Autre' }));
      expect(await read(id)).toMatchObject({
        state: 'awaiting_approval',
        approvedByName: null,
      });
      // Few enough schools need nobody: it keeps no name either.
      await approveRollout(at.city.platform, colleague, id, (await read(id)).plan.hash);
      await changeDraft(
        at.city.platform,
        at.city.technician,
        id,
        draft({ where: { ...draft().where, siteIds: [at.fleet[0]?.siteId ?? ''] } }),
      );
      expect(await read(id)).toMatchObject({ state: 'planned', approvedByName: null });
    });
  });

  describe('a repetition', () => {
    test('is run by one of two controllers, once, and each has its own hour', async () => {
      const repeat = (name: string, hour: string) =>
        createSchedule(at.city.platform, at.city.technician, {
          name,
          when: { days: [3], at: hour, period: 'outside_holidays' },
          draft: draft({ name }),
        });
      await repeat('A', '14:00');
      await repeat('B', '15:00');
      at.city.time.at = Date.UTC(2026, 10, 25, 13, 0, 5);
      await hello();
      await Promise.all([1, 2, 3].map(() => runDueSchedules(at.city.platform)));
      const begun = async () =>
        (
          await at.city.platform.database
            .selectFrom('rollouts')
            .select(['name', 'schedule_id'])
            .where('schedule_id', 'is not', null)
            .orderBy('name')
            .execute()
        ).map(({ name }) => name);
      expect(await begun()).toEqual(['A 2026-11-25']);
      const schedules = await listSchedules(at.city.platform, at.city.technician);
      const [a, b] = ['A', 'B'].map((name) => schedules.find((each) => each.name === name));
      expect([a?.lastProblem, b?.lastRolloutId]).toEqual([null, null]);
      expect(new Date(a?.nextAt ?? 0).toISOString()).toBe('2026-12-02T13:00:00.000Z');
      expect(new Date(b?.nextAt ?? 0).toISOString()).toBe('2026-11-25T14:00:00.000Z');
      const ran = await selectAuditEvents(at.city.platform.database, {
        before: null,
        limit: 10,
        search: null,
        action: 'schedule.ran',
      });
      expect(ran.map(({ subjectId, details }) => [subjectId, details['rollout']])).toEqual([
        [a?.id, a?.lastRolloutId],
      ]);
    });
  });

  describe('a repetition that breaks', () => {
    test('says so, and keeps no other from its hour', async () => {
      for (const name of ['A', 'B'])
        await createSchedule(at.city.platform, at.city.technician, {
          name,
          when: { days: [3], at: '14:00', period: 'outside_holidays' },
          draft: draft({ name }),
        });
      at.city.time.at = Date.UTC(2026, 10, 25, 13, 0, 5);
      await hello();
      let broken = true;
      const database = new Proxy(at.city.platform.database, {
        get: (real, name) => {
          const value: unknown = Reflect.get(real, name);
          if (name === 'transaction' && broken) {
            broken = false;
            throw new Error('Connection terminated unexpectedly');
          }
          return typeof value === 'function' ? value.bind(real) : value;
        },
      });
      await runDueSchedules({ ...at.city.platform, database });
      const schedules = await listSchedules(at.city.platform, at.city.technician);
      expect(
        schedules
          .map(({ lastProblem, lastRolloutId }) => [lastProblem, lastRolloutId !== null])
          .sort(),
      ).toEqual(
        [
          ['INTERNAL', false],
          [null, true],
        ].sort(),
      );
    });
  });

  describe('what became of each program is told', () => {
    const programs = async () =>
      (
        await selectAuditEvents(at.city.platform.database, {
          before: null,
          limit: 50,
          search: null,
          action: 'application.',
        })
      )
        .filter(({ details }) => 'rollout' in details)
        .map(({ action, actorId, siteId, details }) => [
          action,
          at.fleet.findIndex(
            ({ agent, siteId: own }) => agent.actor.id === actorId && own === siteId,
          ),
          details['code'] ?? details['version'],
        ]);
    // biome-ignore format: a table
    test.each<[Parameters<typeof obey>[1], unknown[][]]>([
      ['succeeded', [['application.installed', 4, '1.0']]],
      ['failed', [['application.failed', 4, 'INSTALL_FAILED']]],
      ['already_installed', []],
      ['rejected', []],
      ['cancelled', []],
    ])('%s', async (state, told) => {
      const id = await begin({ waves: [rest] });
      await obey(id, state, at.fleet.slice(4, 5));
      expect(await programs()).toEqual(told);
    });
  });

  describe('each step is told', () => {
    const told = async () =>
      (
        await selectAuditEvents(at.city.platform.database, {
          before: null,
          limit: 1,
          search: null,
          action: 'rollout.',
        })
      ).map(({ action, subjectId, actorId, details }) => ({ action, subjectId, actorId, details }));
    type Step = [
      name: string,
      before: (id: string) => Promise<unknown>,
      step: (id: string) => Promise<unknown>,
      action: AuditAction,
      details: object,
    ];
    const who = () => at.city.technician;
    const nothing = async () => undefined;
    const pause = (id: string) => pauseRollout(at.city.platform, who(), id);
    // biome-ignore format: a table
    const steps: Step[] = [
      ['paused', nothing, pause, 'rollout.paused', { reason: 'user' }],
      ['resumed', pause, (id) => resumeRollout(at.city.platform, who(), id), 'rollout.resumed', {}],
      ['cancelled', nothing, (id) => cancelRollout(at.city.platform, who(), id, 'finish'), 'rollout.cancelling', { kind: 'finish' }],
      ['tried again', (id) => obey(id, 'failed'), (id) => retryRollout(at.city.platform, who(), id), 'rollout.retried', {}],
      ['taken back', (id) => obey(id, 'succeeded'), (id) => rollBackRollout(at.city.platform, who(), id, 1), 'rollout.rolling_back', { wave: 1 }],
      ['finished', nothing, (id) => finishRollout(at.city.platform, who(), id), 'rollout.finished', {}],
    ];
    test.each(steps)('%s', async (_name, before, step, action, details) => {
      const id = await begin();
      await before(id);
      at.city.woken.length = 0;
      await step(id);
      expect(await told()).toEqual([
        { action, subjectId: id, actorId: at.city.technician.id, details },
      ]);
      const topics: Topic[] = [`rollout:${id}`, 'rollouts', 'audit'];
      expect(at.city.woken).toEqual(topics);
    });

    test('started: what was waiting for it is woken too', async () => {
      const id = await createRollout(at.city.platform, at.city.technician, draft());
      at.city.woken.length = 0;
      await start(id);
      expect(at.city.woken).toEqual(expect.arrayContaining([`rollout:${id}`, 'rollouts', 'audit']));
    });
  });
}
