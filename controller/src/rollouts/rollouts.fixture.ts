/** A small city for tests of rollouts. Agents are played: each reads its signed desired state and
 * reports what it is told to. */

import type { DesiredState } from '@preau/contract/desired-state.ts';
import type { Order, ReportedItem, ReportedOrder } from '@preau/contract/order.ts';
import { defaultDraft, type RolloutDraft } from '@preau/contract/rollout-draft.ts';
import type { TargetState } from '@preau/contract/rollout-states.ts';
import { afterEach, beforeEach, expect } from 'vitest';
import { createApplication } from '#src/applications/create.ts';
import { application, site as siteDraft } from '#src/builders.fixture.ts';
import { acceptReport } from '#src/reports/accept-report.ts';
import { readDesiredState } from '#src/servers/desired/desired-state.ts';

import { createSite } from '#src/sites/sites.ts';
import type { City, TestAgent } from '#src/testing.fixture.ts';
import { createRollout } from './plan/create.ts';
import { startRollout } from './plan/start.ts';
import { readRollout } from './read.ts';
import { evaluateRollout } from './run/evaluate.ts';
import { listTargets } from './targets/pages/list.ts';
import { recount, selectCounts } from './targets/store.ts';

/** Filled before each test. */
interface PlayedCity {
  city: City;
  fleet: { agent: TestAgent; siteId: string }[];
  app: { id: string; versionId: string };
}

export type RolloutFixture = ReturnType<typeof rolloutFixture>;

export function rolloutFixture(open: () => Promise<City>) {
  const at = {} as PlayedCity;
  const job = { kind: 'job', id: 'test', name: 'test' } as const;

  beforeEach(async () => {
    at.city = await open();
    // A Monday at 11:00 in Paris: nobody arrives.
    at.city.time.at = Date.UTC(2026, 10, 23, 10);
    at.app = await createApplication(at.city.platform, at.city.technician, application('abacus'));
    at.fleet = [];
    for (let n = 0; n < 6; n += 1) {
      const site = await createSite(
        at.city.platform,
        job,
        siteDraft({ uai: `038010${n}A`, name: `École ${n}` }),
      );
      at.fleet.push({ agent: await at.city.enrolServer(`serveur-${n}`, site.id), siteId: site.id });
    }
    await hello();
    await acceptReport(at.city.platform, at.city.agent.actor, at.city.agent.report());
  });
  afterEach(() => at.city.close());

  const hello = async (among = at.fleet) => {
    for (const { agent } of among)
      await acceptReport(at.city.platform, agent.actor, agent.report());
  };
  const draft = (more: Partial<RolloutDraft> = {}): RolloutDraft => ({
    ...defaultDraft,
    name: 'Boulier',
    items: [{ applicationId: at.app.id, want: 'present' }],
    where: {
      all: false,
      siteIds: at.fleet.map(({ siteId }) => siteId),
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
    const id = await createRollout(at.city.platform, at.city.technician, draft(more));
    await start(id);
    return id;
  };
  const start = async (id: string, force = false) => {
    const { plan } = await readRollout(at.city.platform, at.city.technician, id);
    await startRollout(at.city.platform, at.city.technician, id, { planHash: plan.hash, force });
    await evaluateRollout(at.city.platform, id);
  };
  const read = (id: string) => readRollout(at.city.platform, at.city.technician, id);
  const statesOf = async (id: string): Promise<TargetState[]> => {
    const targets = (await listTargets(at.city.platform, at.city.technician, id, { limit: 100 }))
      .items;
    return at.fleet.map(
      ({ agent }) =>
        targets.find((target) => target.serverId === agent.actor.id)?.state ?? 'skipped',
    );
  };
  const stateDocument = async (agent: TestAgent): Promise<DesiredState> =>
    JSON.parse((await readDesiredState(at.city.platform, agent.actor)).document) as DesiredState;
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
    among = at.fleet,
  ): Promise<number> => {
    let answered = 0;
    for (const { agent } of among) {
      const orders = await ordersOf(agent);
      answered += orders.length;
      await acceptReport(
        at.city.platform,
        agent.actor,
        agent.report({ orders: orders.map((order) => answer(order, state)) }),
      );
    }
    await evaluateRollout(at.city.platform, id);
    return answered;
  };
  const countersHold = async (id: string) => {
    const kept = (await selectCounts(at.city.platform.database, [id]))
      .map(({ wave, state, n }) => ({ wave, state, n }))
      .sort((a, b) => a.wave - b.wave || a.state.localeCompare(b.state));
    expect(kept).toEqual(
      (await recount(at.city.platform.database, id)).sort(
        (a, b) => a.wave - b.wave || a.state.localeCompare(b.state),
      ),
    );
  };

  return Object.assign(at, {
    hello,
    draft,
    begin,
    start,
    read,
    statesOf,
    stateDocument,
    ordersOf,
    answer,
    obey,
    countersHold,
    job,
  });
}
