/** How rollouts run and what agents report, for every database. */

import { describe, expect, test } from 'vitest';
import { createApplication } from '#src/applications/create.ts';
import { selectAuditEvents } from '#src/audit/store.ts';
import { application } from '#src/builders.fixture.ts';
import { acceptReport } from '#src/reports/accept-report.ts';
import { retireServer } from '#src/servers/enrolment/enrol.ts';

import { codeOf } from '#src/testing.fixture.ts';
import type { RolloutFixture } from '../rollouts.fixture.ts';
import { cancelRollout, resumeRollout, retryRollout } from '../steer.ts';
import { exportRollout } from '../targets/pages/export.ts';
import { listTargets, readTarget } from '../targets/pages/list.ts';
import { evaluateRollout } from './evaluate.ts';

export function runCases(at: RolloutFixture): void {
  const { draft, begin, read, statesOf, stateDocument, ordersOf, answer, obey, countersHold } = at;

  describe('the whole way', () => {
    test(
      'one school first, then everyone; what was installed is wanted from then on; a second ' +
        'time there is nothing to do',
      async () => {
        const id = await begin();
        expect((await statesOf(id)).filter((state) => state === 'offered')).toHaveLength(1);
        expect(await obey(id, 'succeeded')).toBe(1);
        expect((await statesOf(id)).filter((state) => state === 'offered')).toHaveLength(5);
        await countersHold(id);
        expect(await obey(id, 'succeeded')).toBe(5);
        expect(await read(id)).toMatchObject({
          state: 'completed',
          counts: { succeeded: 6 },
          eta: null,
        });
        await countersHold(id);
        for (const { agent } of at.fleet) {
          const state = await stateDocument(agent);
          expect(state.orders).toEqual([]);
          expect(state.applications.map((application) => application.slug)).toEqual(['abacus']);
        }
        const again = await begin();
        expect(await read(again)).toMatchObject({
          state: 'completed',
          counts: { already_installed: 6 },
        });
        const actions = (
          await selectAuditEvents(at.city.platform.database, {
            before: null,
            limit: 200,
            search: null,
          })
        ).map((event) => event.action);
        expect(actions.filter((action) => action === 'application.installed')).toHaveLength(8);
        expect(actions).toEqual(
          expect.arrayContaining([
            'rollout.planned',
            'rollout.started',
            'rollout.wave_opened',
            'rollout.wave_passed',
            'rollout.completed',
          ]),
        );
      },
    );

    test('removing everywhere is a rollout too', async () => {
      const id = await begin({ waves: [{ size: { rest: true }, gate: 'auto', soakMinutes: 0 }] });
      await obey(id, 'succeeded');
      const removal = await begin({
        items: [{ applicationId: at.app.id, want: 'absent' }],
        waves: [{ size: { rest: true }, gate: 'auto', soakMinutes: 0 }],
      });
      expect((await ordersOf(at.fleet[0]?.agent ?? at.city.agent))[0]?.applications[0]?.want).toBe(
        'absent',
      );
      await obey(removal, 'succeeded');
      expect(await read(removal)).toMatchObject({ state: 'completed' });
      expect((await stateDocument(at.fleet[0]?.agent ?? at.city.agent)).applications).toEqual([]);
    });

    test('a server that joins after the plan is in the last wave', async () => {
      const id = await begin({
        where: { ...draft().where, all: true, siteIds: [] },
        waves: [
          { size: { sites: 1 }, gate: 'manual', soakMinutes: 0 },
          { size: { rest: true }, gate: 'auto', soakMinutes: 0 },
        ],
      });
      const late = await at.city.enrolServer('tard', at.fleet[0]?.siteId);
      await acceptReport(at.city.platform, late.actor, late.report());
      await obey(id, 'succeeded', [...at.fleet, { agent: at.city.agent, siteId: at.city.site.id }]);
      expect(await read(id)).toMatchObject({ state: 'paused', pauseReason: 'gate' });
      await resumeRollout(at.city.platform, at.city.technician, id);
      await evaluateRollout(at.city.platform, id);
      expect(await ordersOf(late)).toHaveLength(1);
      await countersHold(id);
    });
  });

  describe('what is reported', () => {
    test('twice, out of order, of an older attempt, by another server: no verdict changes', async () => {
      const id = await begin();
      const first = at.fleet.find(({ agent }) => agent.actor.id) ?? {
        agent: at.city.agent,
        siteId: '',
      };
      const holder = (
        await Promise.all(
          at.fleet.map(async ({ agent }) => ({ agent, orders: await ordersOf(agent) })),
        )
      ).find(({ orders }) => orders.length === 1);
      const order = holder?.orders[0];
      if (holder === undefined || order === undefined)
        throw new Error('nobody was offered anything');
      const stranger = at.fleet.find(({ agent }) => agent !== holder.agent) ?? first;
      await acceptReport(
        at.city.platform,
        stranger.agent.actor,
        stranger.agent.report({ orders: [answer(order, 'failed')] }),
      );
      expect(await statesOf(id)).not.toContain('failed');
      await acceptReport(
        at.city.platform,
        holder.agent.actor,
        holder.agent.report({ orders: [answer(order, 'installing', 5)] }),
      );
      await acceptReport(
        at.city.platform,
        holder.agent.actor,
        holder.agent.report({ orders: [answer(order, 'downloading', 3)] }),
      );
      expect(await statesOf(id)).toContain('installing');
      await acceptReport(
        at.city.platform,
        holder.agent.actor,
        holder.agent.report({ orders: [answer({ ...order, attempt: 7 }, 'failed', 9)] }),
      );
      expect(await statesOf(id)).toContain('installing');
      await acceptReport(
        at.city.platform,
        holder.agent.actor,
        holder.agent.report({ orders: [answer(order, 'succeeded', 6)] }),
      );
      await acceptReport(
        at.city.platform,
        holder.agent.actor,
        holder.agent.report({ orders: [answer(order, 'failed', 7)] }),
      );
      expect((await statesOf(id)).filter((state) => state === 'succeeded')).toHaveLength(1);
      expect(
        (await readTarget(at.city.platform, at.city.technician, id, holder.agent.actor.id)).evidence
          .length,
      ).toBeGreaterThan(0);
      await countersHold(id);
    });

    test('the log of a failure can be read again, and the CSV holds no formula', async () => {
      const id = await begin({ name: '=cmd()' });
      await obey(id, 'failed');
      const bad = (
        await listTargets(at.city.platform, at.city.technician, id, { limit: 10, state: 'failed' })
      ).items[0];
      expect(
        (await readTarget(at.city.platform, at.city.technician, id, bad?.serverId ?? '')).log,
      ).toBe('dpkg: error');
      expect((await exportRollout(at.city.platform, at.city.technician, id)).toString()).toContain(
        'INSTALL_FAILED',
      );
    });

    test('the CSV of many servers is read in pages, each server once', async () => {
      const id = await begin();
      const [whole, paged] = [
        (await exportRollout(at.city.platform, at.city.technician, id)).toString(),
        (await exportRollout(at.city.platform, at.city.technician, id, 2)).toString(),
      ];
      expect(whole.split('\r\n').length).toBeGreaterThan(6);
      expect(paged).toBe(whole);
    });
  });

  describe('when it goes wrong', () => {
    test('a failing first wave stops there, the others are untouched; accepted, it goes on', async () => {
      const id = await begin();
      await obey(id, 'failed');
      expect(await read(id)).toMatchObject({
        state: 'paused',
        pauseReason: 'threshold',
        counts: { failed: 1, queued: 5 },
      });
      expect((await read(id)).note?.fr).toContain('Vague 1 arrêtée');
      await resumeRollout(at.city.platform, at.city.technician, id);
      await evaluateRollout(at.city.platform, id);
      expect((await read(id)).counts).toMatchObject({ failed: 1, offered: 5 });
      await countersHold(id);
    });

    test('only what failed is tried again, under a new attempt', async () => {
      const id = await begin();
      await obey(id, 'failed');
      const [order] = (await Promise.all(at.fleet.map(({ agent }) => ordersOf(agent)))).flat();
      expect(order).toBeUndefined();
      await retryRollout(at.city.platform, at.city.technician, id);
      await evaluateRollout(at.city.platform, id);
      const orders = (await Promise.all(at.fleet.map(({ agent }) => ordersOf(agent)))).flat();
      expect(orders.map(({ attempt }) => attempt)).toEqual([2]);
      await obey(id, 'succeeded');
      await obey(id, 'succeeded');
      expect(await read(id)).toMatchObject({ state: 'completed' });
      expect(await codeOf(retryRollout(at.city.platform, at.city.technician, id))).toBe(
        'NOTHING_TO_RETRY',
      );
    });

    test('a trip can bring the wave back by itself: servers get what they had before, or nothing', async () => {
      const first = await begin({
        waves: [{ size: { rest: true }, gate: 'auto', soakMinutes: 0 }],
      });
      await obey(first, 'succeeded', at.fleet.slice(0, 3));
      await finishIt(first);
      const older = at.app.versionId;
      at.city.time.at += 1000;
      at.app = await createApplication(
        at.city.platform,
        at.city.technician,
        application('abacus', { version: '2.0' }),
      );
      const id = await begin({
        waves: [{ size: { rest: true }, gate: 'auto', soakMinutes: 0 }],
        onTrip: 'roll_back',
        trip: {
          failedShare: 0.1,
          failedCount: null,
          timedOutShare: null,
          consecutiveFailures: null,
        },
      });
      await obey(id, 'succeeded', at.fleet.slice(0, 4));
      await obey(id, 'failed', at.fleet.slice(4));
      expect((await read(id)).state).toBe('rolling_back');
      const back = await Promise.all(
        at.fleet.map(async ({ agent }) =>
          (await ordersOf(agent))[0]?.applications.map(({ want, versionId }) => [want, versionId]),
        ),
      );
      expect(back.slice(0, 3)).toEqual(Array(3).fill([['present', older]]));
      expect(back.slice(3, 4)).toEqual([[['absent', at.app.versionId]]]);
      await obey(id, 'succeeded');
      expect(await read(id)).toMatchObject({ state: 'rolled_back' });
      expect(
        (await stateDocument(at.fleet[0]?.agent ?? at.city.agent)).applications[0]?.versionId,
      ).toBe(older);
      expect((await stateDocument(at.fleet[3]?.agent ?? at.city.agent)).applications).toEqual([]);
      await countersHold(id);
    });
    const finishIt = async (id: string) => {
      await cancelRollout(at.city.platform, at.city.technician, id, 'finish');
      await evaluateRollout(at.city.platform, id);
    };

    test(
      'cancelled at once where nobody has begun; an installation that ends well afterwards is ' +
        'told, not counted',
      async () => {
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
        expect(await statesOf(id)).toEqual(['installing', ...Array(5).fill('cancelled')]);
        expect((await ordersOf(agent))[0]?.cancel).toBe('finish');
        await acceptReport(
          at.city.platform,
          agent.actor,
          agent.report({ orders: [answer(order, 'succeeded', 3)] }),
        );
        await evaluateRollout(at.city.platform, id);
        expect(await read(id)).toMatchObject({
          state: 'cancelled',
          counts: { cancelled: 5, succeeded: 1 },
        });
        await countersHold(id);
      },
    );

    test('killing is a right of administrators', async () => {
      const id = await begin();
      expect(await codeOf(cancelRollout(at.city.platform, at.city.technician, id, 'kill'))).toBe(
        'FORBIDDEN',
      );
      expect((await read(id)).state).toBe('running');
    });

    test('a school retired in the middle is nobody’s failure', async () => {
      const id = await begin({ waves: [{ size: { rest: true }, gate: 'auto', soakMinutes: 0 }] });
      await retireServer(at.city.platform, at.city.technician, at.fleet[0]?.agent.actor.id ?? '');
      await evaluateRollout(at.city.platform, id);
      await obey(id, 'succeeded', at.fleet.slice(1));
      expect(await read(id)).toMatchObject({
        state: 'completed',
        counts: { cancelled: 1, succeeded: 5 },
      });
    });
  });
}
