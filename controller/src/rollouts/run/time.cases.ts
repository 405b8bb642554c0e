/** What time does to rollouts, for every database. */
import { describe, expect, test } from 'vitest';
import { acceptReport } from '#src/reports/accept-report.ts';
import { codeOf } from '#src/testing.fixture.ts';
import { createRollout } from '../plan/create.ts';
import type { RolloutFixture } from '../rollouts.fixture.ts';
import { createSchedule, listSchedules } from '../schedules/schedules.ts';
import { cancelRollout, pauseRollout, resumeRollout } from '../steer.ts';
import { sweepRollouts } from '../sweep.ts';
import { listTargets } from '../targets/pages/list.ts';
import { evaluateRollout } from './evaluate.ts';

export function timeCases(at: RolloutFixture): void {
  const { hello, draft, begin, start, read, statesOf, ordersOf, answer, obey, countersHold } = at;

  describe('time', () => {
    test('silent schools wait and catch up; the rest goes on', async () => {
      at.city.time.at += 120_000;
      await hello(at.fleet.slice(0, 4));
      const id = await begin({ waves: [{ size: { rest: true }, gate: 'auto', soakMinutes: 0 }] });
      expect((await statesOf(id)).slice(4)).toEqual(['blocked', 'blocked']);
      await obey(id, 'succeeded', at.fleet.slice(0, 4));
      expect((await read(id)).state).toBe('running');
      await hello(at.fleet.slice(4));
      await evaluateRollout(at.city.platform, id);
      at.city.time.at += 30_000;
      await hello();
      await evaluateRollout(at.city.platform, id);
      await obey(id, 'succeeded');
      expect(await read(id)).toMatchObject({ state: 'completed', counts: { succeeded: 6 } });
    });

    test(
      'an offer that nobody takes is taken back; silence after taking is unknown, then timed ' +
        'out; while the wave is open a late result counts',
      async () => {
        const id = await begin({
          waves: [{ size: { rest: true }, gate: 'auto', soakMinutes: 0 }],
          timeoutMinutes: 10,
          trip: {
            failedShare: null,
            failedCount: null,
            timedOutShare: null,
            consecutiveFailures: null,
          },
        });
        const { agent } = at.fleet[0] ?? { agent: at.city.agent };
        const [order] = await ordersOf(agent);
        if (order === undefined) throw new Error('no order');
        await acceptReport(
          at.city.platform,
          agent.actor,
          agent.report({ orders: [answer(order, 'accepted', 1)] }),
        );
        at.city.time.at += 100_000;
        await evaluateRollout(at.city.platform, id);
        expect(await statesOf(id)).toEqual(['accepted', ...Array(5).fill('blocked')]);
        at.city.time.at += 100_000;
        await evaluateRollout(at.city.platform, id);
        expect((await statesOf(id))[0]).toBe('unknown');
        at.city.time.at += 600_000;
        await evaluateRollout(at.city.platform, id);
        expect((await statesOf(id))[0]).toBe('timed_out');
        await hello(at.fleet.slice(1));
        await acceptReport(
          at.city.platform,
          agent.actor,
          agent.report({ orders: [answer(order, 'succeeded', 4)] }),
        );
        expect(
          (
            await listTargets(at.city.platform, at.city.technician, id, {
              limit: 10,
              state: 'succeeded',
            })
          ).items[0]?.badge ?? (await statesOf(id))[0],
        ).toMatch(/late|timed_out/);
        await countersHold(id);
      },
    );

    test('a cancelled rollout does not wait for a server that has fallen silent', async () => {
      const id = await begin({ waves: [{ size: { rest: true }, gate: 'auto', soakMinutes: 0 }] });
      const { agent } = at.fleet[0] ?? { agent: at.city.agent };
      const [order] = await ordersOf(agent);
      if (order === undefined) throw new Error('no order');
      await acceptReport(
        at.city.platform,
        agent.actor,
        agent.report({ orders: [answer(order, 'installing', 2)] }),
      );
      await cancelRollout(at.city.platform, at.city.technician, id, 'finish');
      await evaluateRollout(at.city.platform, id);
      expect(await read(id)).toMatchObject({ state: 'cancelling', counts: { installing: 1 } });
      at.city.time.at += 181_000;
      await evaluateRollout(at.city.platform, id);
      expect(await read(id)).toMatchObject({ state: 'cancelled', counts: { cancelled: 6 } });
      await countersHold(id);
    });

    test('outside its window nothing begins; packages are fetched ahead and the agent begins by itself', async () => {
      const night = {
        open: [
          { days: [1, 2, 3, 4, 5, 6, 7], from: '22:00', to: '23:30', period: 'always' as const },
        ],
        exceptDates: [],
      };
      const held = await begin({ windows: { install: night, download: { ...night } } });
      expect((await statesOf(held)).filter((state) => state === 'blocked')).toHaveLength(1);
      await cancelRollout(at.city.platform, at.city.technician, held, 'finish');
      await evaluateRollout(at.city.platform, held);
      const ahead = await begin({ windows: { install: night, download: null } });
      const [order] = (await Promise.all(at.fleet.map(({ agent }) => ordersOf(agent)))).flat();
      expect(new Date(order?.installFrom ?? 0).toISOString()).toBe('2026-11-23T21:00:00.000Z');
      expect(new Date(order?.installUntil ?? 0).toISOString()).toBe('2026-11-23T22:30:00.000Z');
      expect((await read(ahead)).state).toBe('running');
    });

    test(
      'nothing begins while the classes arrive, unless forced; what is scheduled waits until ' +
        'they are in',
      async () => {
        at.city.time.at = Date.UTC(2026, 10, 23, 7, 30);
        await hello();
        const id = await createRollout(at.city.platform, at.city.technician, draft());
        expect(await codeOf(start(id))).toBe('SCHOOL_ARRIVES');
        await start(id, true);
        expect((await read(id)).state).toBe('running');
        const later = await createRollout(
          at.city.platform,
          at.city.technician,
          draft({ startAt: at.city.time.at + 60_000 }),
        );
        await start(later);
        at.city.time.at += 120_000;
        await evaluateRollout(at.city.platform, later);
        expect((await read(later)).state).toBe('scheduled');
        at.city.time.at = Date.UTC(2026, 10, 23, 8, 1);
        await evaluateRollout(at.city.platform, later);
        expect((await read(later)).state).toBe('running');
      },
    );

    test('paused: no new offers, staged orders held, and their time stands still', async () => {
      const id = await begin({
        waves: [{ size: { rest: true }, gate: 'auto', soakMinutes: 0 }],
        timeoutMinutes: 10,
      });
      for (const { agent } of at.fleet)
        await acceptReport(
          at.city.platform,
          agent.actor,
          agent.report({
            orders: (await ordersOf(agent)).map((order) => answer(order, 'staged', 2)),
          }),
        );
      await pauseRollout(at.city.platform, at.city.technician, id);
      await evaluateRollout(at.city.platform, id);
      expect((await ordersOf(at.fleet[0]?.agent ?? at.city.agent))[0]?.phase).toBe('stage');
      at.city.time.at += 1_800_000;
      for (const { agent } of at.fleet)
        await acceptReport(
          at.city.platform,
          agent.actor,
          agent.report({
            orders: (await ordersOf(agent)).map((order) => answer(order, 'staged', 3)),
          }),
        );
      await evaluateRollout(at.city.platform, id);
      expect(await statesOf(id)).toEqual(Array(6).fill('staged'));
      await resumeRollout(at.city.platform, at.city.technician, id);
      await evaluateRollout(at.city.platform, id);
      expect((await ordersOf(at.fleet[0]?.agent ?? at.city.agent))[0]?.phase).toBe('install');
      await obey(id, 'succeeded');
      expect((await read(id)).state).toBe('completed');
    });

    test('a repetition plans and starts by itself when its hour comes, once', async () => {
      await createSchedule(at.city.platform, at.city.technician, {
        name: 'Mises à jour',
        when: { days: [3], at: '14:00', period: 'outside_holidays' },
        draft: draft(),
      });
      expect(
        new Date(
          (await listSchedules(at.city.platform, at.city.technician))[0]?.nextAt ?? 0,
        ).toISOString(),
      ).toBe('2026-11-25T13:00:00.000Z');
      at.city.time.at = Date.UTC(2026, 10, 25, 13, 0, 5);
      await hello();
      await sweepRollouts(at.city.platform);
      await sweepRollouts(at.city.platform);
      const [schedule] = await listSchedules(at.city.platform, at.city.technician);
      expect(schedule).toMatchObject({ lastProblem: null });
      at.city.time.at += 5000;
      await sweepRollouts(at.city.platform);
      expect((await read(schedule?.lastRolloutId ?? '')).state).toBe('running');
      expect(new Date(schedule?.nextAt ?? 0).toISOString()).toBe('2026-12-02T13:00:00.000Z');
    });
  });
}
