/** What must hold of rollouts, whatever database is below: run against each by its tests. Agents
 * are played: each reads its signed desired state and reports what it is told to. */
import type { DesiredState } from '@preau/contract/desired-state.ts';
import type { Order, ReportedItem, ReportedOrder } from '@preau/contract/order.ts';
import { defaultDraft, type RolloutDraft } from '@preau/contract/rollout-draft.ts';
import type { TargetState } from '@preau/contract/rollout-states.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createApplication } from '#src/applications/create.ts';
import { selectAuditEvents } from '#src/audit/store.ts';
import { acceptReport } from '#src/reports/accept-report.ts';
import { readDesiredState } from '#src/servers/desired/desired-state.ts';
import { retireServer } from '#src/servers/enrolment/enrol.ts';
import { createSite } from '#src/sites/sites.ts';
import { draft as applicationDraft, type City, codeOf, type TestAgent } from '#src/testing.ts';
import { approveRollout, changeDraft, createRollout } from './plan/create.ts';
import { startRollout } from './plan/start.ts';
import { readRollout } from './read.ts';
import { evaluateRollout } from './run/evaluate.ts';
import { createSchedule, listSchedules } from './schedules/schedules.ts';
import { changeSettings, readBrake, setBrake } from './settings.ts';
import {
  cancelRollout,
  finishRollout,
  pauseRollout,
  resumeRollout,
  retryRollout,
} from './steer.ts';
import { sweepRollouts } from './sweep.ts';
import { exportRollout } from './targets/pages/export.ts';
import { listTargets, readTarget } from './targets/pages/list.ts';
import { recount, selectCounts } from './targets/store.ts';

export function rolloutCases(open: () => Promise<City>): void {
  let city: City;
  let fleet: { agent: TestAgent; siteId: string }[];
  let app: { id: string; versionId: string };
  const job = { kind: 'job', id: 'test', name: 'test' } as const;

  beforeEach(async () => {
    city = await open();
    // A Monday at 11:00 in Paris: nobody arrives.
    city.time.at = Date.UTC(2026, 10, 23, 10);
    app = await createApplication(city.platform, city.technician, applicationDraft('abacus'));
    fleet = [];
    for (let n = 0; n < 6; n += 1) {
      const site = await createSite(city.platform, job, {
        uai: `038010${n}A`,
        name: `École ${n}`,
        city: 'Grenoble',
        timeZone: 'Europe/Paris',
        holidayZone: 'A',
      });
      fleet.push({ agent: await city.enrolServer(`serveur-${n}`, site.id), siteId: site.id });
    }
    await hello();
    await acceptReport(city.platform, city.agent.actor, city.agent.report());
  });
  afterEach(() => city.close());

  const hello = async (among = fleet) => {
    for (const { agent } of among) await acceptReport(city.platform, agent.actor, agent.report());
  };
  const draft = (more: Partial<RolloutDraft> = {}): RolloutDraft => ({
    ...defaultDraft,
    name: 'Boulier',
    items: [{ applicationId: app.id, want: 'present' }],
    where: {
      all: false,
      siteIds: fleet.map(({ siteId }) => siteId),
      groupIds: [],
      serverIds: [],
      labels: [],
    },
    waves: [
      { size: { sites: 1 }, gate: 'auto', soakMinutes: 0 },
      { size: { rest: true }, gate: 'auto', soakMinutes: 0 },
    ],
    ...more,
  });
  const begin = async (more: Partial<RolloutDraft> = {}): Promise<string> => {
    const id = await createRollout(city.platform, city.technician, draft(more));
    await start(id);
    return id;
  };
  const start = async (id: string, force = false) => {
    const { plan } = await readRollout(city.platform, city.technician, id);
    await startRollout(city.platform, city.technician, id, { planHash: plan.hash, force });
    await evaluateRollout(city.platform, id);
  };
  const read = (id: string) => readRollout(city.platform, city.technician, id);
  const statesOf = async (id: string): Promise<TargetState[]> => {
    const targets = (await listTargets(city.platform, city.technician, id, { limit: 100 })).items;
    return fleet.map(
      ({ agent }) =>
        targets.find((target) => target.serverId === agent.actor.id)?.state ?? 'skipped',
    );
  };
  const stateDocument = async (agent: TestAgent): Promise<DesiredState> =>
    JSON.parse((await readDesiredState(city.platform, agent.actor)).document) as DesiredState;
  const ordersOf = async (agent: TestAgent): Promise<Order[]> =>
    (await stateDocument(agent)).orders;
  const answer = (
    order: Order,
    state: ReportedOrder['state'],
    seq = 9,
    more: Partial<ReportedOrder> = {},
  ): ReportedOrder => ({
    orderId: order.orderId,
    attempt: order.attempt,
    seq,
    state,
    recovered: false,
    tooLate: false,
    code: state === 'failed' ? 'INSTALL_FAILED' : null,
    message: '',
    bytesDone: 0,
    bytesTotal: null,
    wanBytes: 0,
    log: state === 'failed' ? 'dpkg: error' : '',
    items: order.applications.map(
      (application): ReportedItem => ({
        applicationId: application.applicationId,
        state:
          state === 'succeeded'
            ? application.want === 'present'
              ? 'installed'
              : 'removed'
            : state === 'already_installed'
              ? 'already_installed'
              : state === 'failed'
                ? 'failed'
                : 'waiting',
        version: application.version,
        code: state === 'failed' ? 'INSTALL_FAILED' : null,
        message: '',
        ms: 2000,
        bytes: 1000,
      }),
    ),
    ...more,
  });
  /** Every server in `among` with an order answers it. Returns how many did. */
  const obey = async (
    id: string,
    state: ReportedOrder['state'],
    among = fleet,
  ): Promise<number> => {
    let answered = 0;
    for (const { agent } of among) {
      const orders = await ordersOf(agent);
      answered += orders.length;
      await acceptReport(
        city.platform,
        agent.actor,
        agent.report({ orders: orders.map((order) => answer(order, state)) }),
      );
    }
    await evaluateRollout(city.platform, id);
    return answered;
  };
  const countersHold = async (id: string) => {
    const kept = (await selectCounts(city.platform.database, [id]))
      .map(({ wave, state, n }) => ({ wave, state, n }))
      .sort((a, b) => a.wave - b.wave || a.state.localeCompare(b.state));
    expect(kept).toEqual(
      (await recount(city.platform.database, id)).sort(
        (a, b) => a.wave - b.wave || a.state.localeCompare(b.state),
      ),
    );
  };

  describe('the whole way', () => {
    test('one school first, then everyone; what was installed is wanted from then on; a second time there is nothing to do', async () => {
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
      for (const { agent } of fleet) {
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
        await selectAuditEvents(city.platform.database, { before: null, limit: 200, search: null })
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
    });

    test('removing everywhere is a rollout too', async () => {
      const id = await begin({ waves: [{ size: { rest: true }, gate: 'auto', soakMinutes: 0 }] });
      await obey(id, 'succeeded');
      const removal = await begin({
        items: [{ applicationId: app.id, want: 'absent' }],
        waves: [{ size: { rest: true }, gate: 'auto', soakMinutes: 0 }],
      });
      expect((await ordersOf(fleet[0]?.agent ?? city.agent))[0]?.applications[0]?.want).toBe(
        'absent',
      );
      await obey(removal, 'succeeded');
      expect(await read(removal)).toMatchObject({ state: 'completed' });
      expect((await stateDocument(fleet[0]?.agent ?? city.agent)).applications).toEqual([]);
    });

    test('a server that joins after the plan is in the last wave', async () => {
      const id = await begin({
        where: { ...draft().where, all: true, siteIds: [] },
        waves: [
          { size: { sites: 1 }, gate: 'manual', soakMinutes: 0 },
          { size: { rest: true }, gate: 'auto', soakMinutes: 0 },
        ],
      });
      const late = await city.enrolServer('tard', fleet[0]?.siteId);
      await acceptReport(city.platform, late.actor, late.report());
      await obey(id, 'succeeded', [...fleet, { agent: city.agent, siteId: city.site.id }]);
      expect(await read(id)).toMatchObject({ state: 'paused', pauseReason: 'gate' });
      await resumeRollout(city.platform, city.technician, id);
      await evaluateRollout(city.platform, id);
      expect(await ordersOf(late)).toHaveLength(1);
      await countersHold(id);
    });
  });

  describe('what is reported', () => {
    test('twice, out of order, of an older attempt, by another server: no verdict changes', async () => {
      const id = await begin();
      const first = fleet.find(({ agent }) => agent.actor.id) ?? { agent: city.agent, siteId: '' };
      const holder = (
        await Promise.all(
          fleet.map(async ({ agent }) => ({ agent, orders: await ordersOf(agent) })),
        )
      ).find(({ orders }) => orders.length === 1);
      const order = holder?.orders[0];
      if (holder === undefined || order === undefined)
        throw new Error('nobody was offered anything');
      const stranger = fleet.find(({ agent }) => agent !== holder.agent) ?? first;
      await acceptReport(
        city.platform,
        stranger.agent.actor,
        stranger.agent.report({ orders: [answer(order, 'failed')] }),
      );
      expect(await statesOf(id)).not.toContain('failed');
      await acceptReport(
        city.platform,
        holder.agent.actor,
        holder.agent.report({ orders: [answer(order, 'installing', 5)] }),
      );
      await acceptReport(
        city.platform,
        holder.agent.actor,
        holder.agent.report({ orders: [answer(order, 'downloading', 3)] }),
      );
      expect(await statesOf(id)).toContain('installing');
      await acceptReport(
        city.platform,
        holder.agent.actor,
        holder.agent.report({ orders: [answer({ ...order, attempt: 7 }, 'failed', 9)] }),
      );
      expect(await statesOf(id)).toContain('installing');
      await acceptReport(
        city.platform,
        holder.agent.actor,
        holder.agent.report({ orders: [answer(order, 'succeeded', 6)] }),
      );
      await acceptReport(
        city.platform,
        holder.agent.actor,
        holder.agent.report({ orders: [answer(order, 'failed', 7)] }),
      );
      expect((await statesOf(id)).filter((state) => state === 'succeeded')).toHaveLength(1);
      expect(
        (await readTarget(city.platform, city.technician, id, holder.agent.actor.id)).evidence
          .length,
      ).toBeGreaterThan(0);
      await countersHold(id);
    });

    test('the log of a failure can be read again, and the CSV holds no formula', async () => {
      const id = await begin({ name: '=cmd()' });
      await obey(id, 'failed');
      const bad = (
        await listTargets(city.platform, city.technician, id, { limit: 10, state: 'failed' })
      ).items[0];
      expect((await readTarget(city.platform, city.technician, id, bad?.serverId ?? '')).log).toBe(
        'dpkg: error',
      );
      expect((await exportRollout(city.platform, city.technician, id)).toString()).toContain(
        'INSTALL_FAILED',
      );
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
      await resumeRollout(city.platform, city.technician, id);
      await evaluateRollout(city.platform, id);
      expect((await read(id)).counts).toMatchObject({ failed: 1, offered: 5 });
      await countersHold(id);
    });

    test('only what failed is tried again, under a new attempt', async () => {
      const id = await begin();
      await obey(id, 'failed');
      const [order] = (await Promise.all(fleet.map(({ agent }) => ordersOf(agent)))).flat();
      expect(order).toBeUndefined();
      await retryRollout(city.platform, city.technician, id);
      await evaluateRollout(city.platform, id);
      const orders = (await Promise.all(fleet.map(({ agent }) => ordersOf(agent)))).flat();
      expect(orders.map(({ attempt }) => attempt)).toEqual([2]);
      await obey(id, 'succeeded');
      await obey(id, 'succeeded');
      expect(await read(id)).toMatchObject({ state: 'completed' });
      expect(await codeOf(retryRollout(city.platform, city.technician, id))).toBe(
        'NOTHING_TO_RETRY',
      );
    });

    test('a trip can bring the wave back by itself: servers get what they had before, or nothing', async () => {
      const first = await begin({
        waves: [{ size: { rest: true }, gate: 'auto', soakMinutes: 0 }],
      });
      await obey(first, 'succeeded', fleet.slice(0, 3));
      await finishIt(first);
      const older = app.versionId;
      city.time.at += 1000;
      app = await createApplication(city.platform, city.technician, {
        ...applicationDraft('abacus'),
        version: '2.0',
      });
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
      await obey(id, 'succeeded', fleet.slice(0, 4));
      await obey(id, 'failed', fleet.slice(4));
      expect((await read(id)).state).toBe('rolling_back');
      const back = await Promise.all(
        fleet.map(async ({ agent }) =>
          (await ordersOf(agent))[0]?.applications.map(({ want, versionId }) => [want, versionId]),
        ),
      );
      expect(back.slice(0, 3)).toEqual(Array(3).fill([['present', older]]));
      expect(back.slice(3, 4)).toEqual([[['absent', app.versionId]]]);
      await obey(id, 'succeeded');
      expect(await read(id)).toMatchObject({ state: 'rolled_back' });
      expect((await stateDocument(fleet[0]?.agent ?? city.agent)).applications[0]?.versionId).toBe(
        older,
      );
      expect((await stateDocument(fleet[3]?.agent ?? city.agent)).applications).toEqual([]);
      await countersHold(id);
    });
    const finishIt = async (id: string) => {
      await cancelRollout(city.platform, city.technician, id, 'finish');
      await evaluateRollout(city.platform, id);
    };

    test('cancelled at once where nobody has begun; an installation that ends well afterwards is told, not counted', async () => {
      const id = await begin({ waves: [{ size: { rest: true }, gate: 'auto', soakMinutes: 0 }] });
      const { agent } = fleet[0] ?? { agent: city.agent };
      const [order] = await ordersOf(agent);
      if (order === undefined) throw new Error('no order');
      await acceptReport(
        city.platform,
        agent.actor,
        agent.report({ orders: [answer(order, 'installing', 2)] }),
      );
      await cancelRollout(city.platform, city.technician, id, 'finish');
      await evaluateRollout(city.platform, id);
      expect(await statesOf(id)).toEqual(['installing', ...Array(5).fill('cancelled')]);
      expect((await ordersOf(agent))[0]?.cancel).toBe('finish');
      await acceptReport(
        city.platform,
        agent.actor,
        agent.report({ orders: [answer(order, 'succeeded', 3)] }),
      );
      await evaluateRollout(city.platform, id);
      expect(await read(id)).toMatchObject({
        state: 'cancelled',
        counts: { cancelled: 5, succeeded: 1 },
      });
      await countersHold(id);
    });

    test('killing is a right of administrators', async () => {
      const id = await begin();
      expect(await codeOf(cancelRollout(city.platform, city.technician, id, 'kill'))).toBe(
        'FORBIDDEN',
      );
      expect((await read(id)).state).toBe('running');
    });

    test('a school retired in the middle is nobody’s failure', async () => {
      const id = await begin({ waves: [{ size: { rest: true }, gate: 'auto', soakMinutes: 0 }] });
      await retireServer(city.platform, city.technician, fleet[0]?.agent.actor.id ?? '');
      await evaluateRollout(city.platform, id);
      await obey(id, 'succeeded', fleet.slice(1));
      expect(await read(id)).toMatchObject({
        state: 'completed',
        counts: { cancelled: 1, succeeded: 5 },
      });
    });
  });

  describe('time', () => {
    test('silent schools wait and catch up; the rest goes on', async () => {
      city.time.at += 120_000;
      await hello(fleet.slice(0, 4));
      const id = await begin({ waves: [{ size: { rest: true }, gate: 'auto', soakMinutes: 0 }] });
      expect((await statesOf(id)).slice(4)).toEqual(['blocked', 'blocked']);
      await obey(id, 'succeeded', fleet.slice(0, 4));
      expect((await read(id)).state).toBe('running');
      await hello(fleet.slice(4));
      await evaluateRollout(city.platform, id);
      city.time.at += 30_000;
      await hello();
      await evaluateRollout(city.platform, id);
      await obey(id, 'succeeded');
      expect(await read(id)).toMatchObject({ state: 'completed', counts: { succeeded: 6 } });
    });

    test('an offer that nobody takes is taken back; silence after taking is unknown, then timed out; while the wave is open a late result counts', async () => {
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
      const { agent } = fleet[0] ?? { agent: city.agent };
      const [order] = await ordersOf(agent);
      if (order === undefined) throw new Error('no order');
      await acceptReport(
        city.platform,
        agent.actor,
        agent.report({ orders: [answer(order, 'accepted', 1)] }),
      );
      city.time.at += 100_000;
      await evaluateRollout(city.platform, id);
      expect(await statesOf(id)).toEqual(['accepted', ...Array(5).fill('blocked')]);
      city.time.at += 100_000;
      await evaluateRollout(city.platform, id);
      expect((await statesOf(id))[0]).toBe('unknown');
      city.time.at += 600_000;
      await evaluateRollout(city.platform, id);
      expect((await statesOf(id))[0]).toBe('timed_out');
      await hello(fleet.slice(1));
      await acceptReport(
        city.platform,
        agent.actor,
        agent.report({ orders: [answer(order, 'succeeded', 4)] }),
      );
      expect(
        (await listTargets(city.platform, city.technician, id, { limit: 10, state: 'succeeded' }))
          .items[0]?.badge ?? (await statesOf(id))[0],
      ).toMatch(/late|timed_out/);
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
      await cancelRollout(city.platform, city.technician, held, 'finish');
      await evaluateRollout(city.platform, held);
      const ahead = await begin({ windows: { install: night, download: null } });
      const [order] = (await Promise.all(fleet.map(({ agent }) => ordersOf(agent)))).flat();
      expect(new Date(order?.installFrom ?? 0).toISOString()).toBe('2026-11-23T21:00:00.000Z');
      expect(new Date(order?.installUntil ?? 0).toISOString()).toBe('2026-11-23T22:30:00.000Z');
      expect((await read(ahead)).state).toBe('running');
    });

    test('nothing begins while the classes arrive, unless forced; what is scheduled waits until they are in', async () => {
      city.time.at = Date.UTC(2026, 10, 23, 7, 30);
      await hello();
      const id = await createRollout(city.platform, city.technician, draft());
      expect(await codeOf(start(id))).toBe('SCHOOL_ARRIVES');
      await start(id, true);
      expect((await read(id)).state).toBe('running');
      const later = await createRollout(
        city.platform,
        city.technician,
        draft({ startAt: city.time.at + 60_000 }),
      );
      await start(later);
      city.time.at += 120_000;
      await evaluateRollout(city.platform, later);
      expect((await read(later)).state).toBe('scheduled');
      city.time.at = Date.UTC(2026, 10, 23, 8, 1);
      await evaluateRollout(city.platform, later);
      expect((await read(later)).state).toBe('running');
    });

    test('paused: no new offers, staged orders held, and their time stands still', async () => {
      const id = await begin({
        waves: [{ size: { rest: true }, gate: 'auto', soakMinutes: 0 }],
        timeoutMinutes: 10,
      });
      for (const { agent } of fleet)
        await acceptReport(
          city.platform,
          agent.actor,
          agent.report({
            orders: (await ordersOf(agent)).map((order) => answer(order, 'staged', 2)),
          }),
        );
      await pauseRollout(city.platform, city.technician, id);
      await evaluateRollout(city.platform, id);
      expect((await ordersOf(fleet[0]?.agent ?? city.agent))[0]?.phase).toBe('stage');
      city.time.at += 1_800_000;
      for (const { agent } of fleet)
        await acceptReport(
          city.platform,
          agent.actor,
          agent.report({
            orders: (await ordersOf(agent)).map((order) => answer(order, 'staged', 3)),
          }),
        );
      await evaluateRollout(city.platform, id);
      expect(await statesOf(id)).toEqual(Array(6).fill('staged'));
      await resumeRollout(city.platform, city.technician, id);
      await evaluateRollout(city.platform, id);
      expect((await ordersOf(fleet[0]?.agent ?? city.agent))[0]?.phase).toBe('install');
      await obey(id, 'succeeded');
      expect((await read(id)).state).toBe('completed');
    });

    test('a repetition plans and starts by itself when its hour comes, once', async () => {
      await createSchedule(city.platform, city.technician, {
        name: 'Mises à jour',
        when: { days: [3], at: '14:00', period: 'outside_holidays' },
        draft: draft(),
      });
      expect(new Date((await listSchedules(city.platform))[0]?.nextAt ?? 0).toISOString()).toBe(
        '2026-11-25T13:00:00.000Z',
      );
      city.time.at = Date.UTC(2026, 10, 25, 13, 0, 5);
      await hello();
      await sweepRollouts(city.platform);
      await sweepRollouts(city.platform);
      const [schedule] = await listSchedules(city.platform);
      expect(schedule).toMatchObject({ lastProblem: null });
      city.time.at += 5000;
      await sweepRollouts(city.platform);
      expect((await read(schedule?.lastRolloutId ?? '')).state).toBe('running');
      expect(new Date(schedule?.nextAt ?? 0).toISOString()).toBe('2026-12-02T13:00:00.000Z');
    });
  });

  describe('guards', () => {
    test('budgets: so many schools at once', async () => {
      const id = await begin({
        waves: [{ size: { rest: true }, gate: 'auto', soakMinutes: 0 }],
        budget: { sitesAtOnce: 2, serversPerSite: 1, kibibytesPerSecond: 500 },
      });
      for (let round = 0; round < 3; round += 1) {
        expect((await statesOf(id)).filter((state) => state === 'offered')).toHaveLength(2);
        expect(await obey(id, 'succeeded')).toBe(2);
      }
      expect((await read(id)).state).toBe('completed');
    });

    test('a plan is approved by somebody else, and void once edited; a changed fleet refuses the start', async () => {
      await changeSettings(city.platform, city.technician, {
        approvalAboveSites: 3,
        brakeAtSilentShare: 0.55,
        planDriftShare: 0.1,
        closures: [],
      });
      const id = await createRollout(city.platform, city.technician, draft());
      const { plan } = await read(id);
      expect(await codeOf(start(id))).toBe('NEEDS_APPROVAL');
      expect(await codeOf(approveRollout(city.platform, city.technician, id, plan.hash))).toBe(
        'OWN_APPROVAL',
      );
      const colleague = await city.account('tech2', 'technician', null);
      expect(
        await codeOf(
          approveRollout(
            city.platform,
            { ...colleague, token: { id: 'tok', readOnly: false, siteIds: null } },
            id,
            plan.hash,
          ),
        ),
      ).toBe('FORBIDDEN');
      await approveRollout(city.platform, colleague, id, plan.hash);
      await changeDraft(city.platform, city.technician, id, draft({ name: 'Autre' }));
      expect(await codeOf(start(id))).toBe('NEEDS_APPROVAL');
      await approveRollout(city.platform, colleague, id, (await read(id)).plan.hash);
      await retireServer(city.platform, city.technician, fleet[0]?.agent.actor.id ?? '');
      expect(await codeOf(start(id))).toBe('PLAN_DRIFTED');
    });

    test('two rollouts on one server take turns; a newer one that covers all of an older supersedes it', async () => {
      const first = await begin({
        waves: [{ size: { rest: true }, gate: 'auto', soakMinutes: 0 }],
      });
      const other = await createApplication(
        city.platform,
        city.technician,
        applicationDraft('chess'),
      );
      const second = await begin({
        items: [{ applicationId: other.id, want: 'present' }],
        waves: [{ size: { rest: true }, gate: 'auto', soakMinutes: 0 }],
      });
      expect(await statesOf(second)).toEqual(Array(6).fill('blocked'));
      await obey(first, 'succeeded');
      await evaluateRollout(city.platform, second);
      expect(await statesOf(second)).toEqual(Array(6).fill('offered'));
      const third = await begin();
      expect(
        (await statesOf(third)).filter(
          (state) => state === 'blocked' || state === 'queued' || state === 'already_installed',
        ),
      ).toHaveLength(6);
      city.time.at += 1000;
      const newer = await createApplication(city.platform, city.technician, {
        ...applicationDraft('abacus'),
        version: '3',
      });
      const held = await begin({ items: [{ applicationId: newer.id, want: 'present' }] });
      const covering = await begin({ items: [{ applicationId: newer.id, want: 'present' }] });
      await evaluateRollout(city.platform, held);
      expect(await read(held)).toMatchObject({ state: 'superseded', supersededBy: covering });
    });

    test('the brake: by hand, and by itself when most of the fleet falls silent; no verdict meanwhile', async () => {
      const id = await begin({
        waves: [{ size: { rest: true }, gate: 'auto', soakMinutes: 0 }],
        timeoutMinutes: 5,
      });
      await setBrake(city.platform, city.technician, true);
      await evaluateRollout(city.platform, id);
      expect(await read(id)).toMatchObject({ state: 'paused', pauseReason: 'brake' });
      expect(
        await codeOf(start(await createRollout(city.platform, city.technician, draft()))),
      ).toBe('BRAKE_ON');
      await setBrake(city.platform, city.technician, false);
      expect((await read(id)).state).toBe('running');
      for (const { agent } of fleet)
        await acceptReport(
          city.platform,
          agent.actor,
          agent.report({
            orders: (await ordersOf(agent)).map((order) => answer(order, 'installing', 2)),
          }),
        );
      city.time.at += 60_000;
      await sweepRollouts(city.platform);
      expect(await readBrake(city.platform)).toMatchObject({
        on: true,
        cause: 'fleet',
        silentServers: 7,
        servers: 7,
      });
      city.time.at += 3_600_000;
      await sweepRollouts(city.platform);
      expect(await statesOf(id)).toEqual(Array(6).fill('installing'));
      await hello();
      await acceptReport(city.platform, city.agent.actor, city.agent.report());
      await sweepRollouts(city.platform);
      expect(await readBrake(city.platform)).toMatchObject({ on: false });
      await obey(id, 'succeeded');
      expect((await read(id)).state).toBe('completed');
    });

    test('without the silent: the rest is done', async () => {
      city.time.at += 120_000;
      await hello(fleet.slice(0, 5));
      const id = await begin({ waves: [{ size: { rest: true }, gate: 'auto', soakMinutes: 0 }] });
      await obey(id, 'succeeded', fleet.slice(0, 5));
      await finishRollout(city.platform, city.technician, id);
      await evaluateRollout(city.platform, id);
      expect(await read(id)).toMatchObject({
        state: 'completed',
        counts: { succeeded: 5, skipped: 1 },
      });
    });

    test('a token of one school does not reach a rollout of another', async () => {
      const limited = { ...city.technician, siteIds: [fleet[0]?.siteId ?? ''] };
      expect(await codeOf(createRollout(city.platform, limited, draft()))).toBe('OUT_OF_SCOPE');
      const own = await createRollout(
        city.platform,
        limited,
        draft({ where: { ...draft().where, siteIds: [fleet[0]?.siteId ?? ''] } }),
      );
      expect((await readRollout(city.platform, limited, own)).sites).toBe(1);
      const foreign = await begin();
      expect(await codeOf(pauseRollout(city.platform, limited, foreign))).toBe('OUT_OF_SCOPE');
      expect(await codeOf(setBrake(city.platform, limited, true))).toBe('OUT_OF_SCOPE');
    });
  });
}
