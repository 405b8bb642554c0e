/** Replaces every store.ts of controller/src/rollouts: the same behaviour over tables in memory. */

import { inFlightStates } from '@preau/contract/rollout-states.ts';
import type { Rows } from '../../../controller/src/platform/database.ts';
import type * as questions from '../../../controller/src/rollouts/plan/questions/store.ts';
import type * as plan from '../../../controller/src/rollouts/plan/store.ts';
import type * as running from '../../../controller/src/rollouts/run/store.ts';
import type * as schedules from '../../../controller/src/rollouts/schedules/store.ts';
import type * as rollouts from '../../../controller/src/rollouts/store.ts';
import type * as targets from '../../../controller/src/rollouts/targets/store.ts';
import type * as waves from '../../../controller/src/rollouts/waves/store.ts';
import { connectionOf } from '../tables.ts';

const inFlight: readonly string[] = inFlightStates;
export const activeStates = [
  'scheduled',
  'running',
  'paused',
  'cancelling',
  'rolling_back',
] as const;
const active: readonly string[] = activeStates;

const tablesOf = (rows: Rows) => connectionOf(rows).tables.of;
const all = <T>(table: ReadonlyMap<string, T>, is: (row: T) => boolean): T[] =>
  [...table.values()].filter(is);

// ---- rollouts -------------------------------------------------------------------------------

export const selectPlanEntries: typeof rollouts.selectPlanEntries = async (rows, id) =>
  tablesOf(rows).rollouts.get(id)?.entries ?? [];
export const selectRollout: typeof rollouts.selectRollout = async (rows, id) =>
  tablesOf(rows).rollouts.get(id);
export const selectActiveRollouts: typeof rollouts.selectActiveRollouts = async (rows) =>
  all(tablesOf(rows).rollouts, ({ state }) => active.includes(state));
export const selectActiveRolloutIds: typeof rollouts.selectActiveRolloutIds = async (rows) =>
  all(tablesOf(rows).rollouts, ({ state }) => active.includes(state)).map(({ id }) => id);

export const insertRollout: typeof rollouts.insertRollout = async (
  rows,
  { name, state, draft, plan: { entries, ...plan }, createdById, createdByName, now, scheduleId },
) => {
  const connection = connectionOf(rows);
  const id = connection.world.newId('rol');
  connection.put('rollouts', id, {
    id,
    name,
    state,
    version: 1,
    fence: 0,
    pauseReason: null,
    pausedAt: null,
    note: null,
    draft,
    plan,
    entries,
    sites: plan.totals.sites,
    createdById,
    createdByName,
    createdAt: now,
    approvedById: null,
    approvedByName: null,
    forced: false,
    startAt: draft.startAt,
    startedAt: null,
    endedAt: null,
    evaluateAt: null,
    cancelKind: null,
    rollbackWave: null,
    scheduleId,
    supersededBy: null,
  });
  return id;
};

export const changeRollout: typeof rollouts.changeRollout = async (
  rows,
  id,
  version,
  { plan, ...change },
) => {
  const connection = connectionOf(rows);
  const row = connection.tables.of.rollouts.get(id);
  if (
    row === undefined ||
    (row.version !== version && connection.world.without !== 'compare_and_set')
  )
    return false;
  connection.put('rollouts', id, {
    ...row,
    ...change,
    ...(plan === undefined ? {} : { plan, entries: plan.entries, sites: plan.totals.sites }),
    version: row.version + 1,
  });
  return true;
};

export const deleteRollout: typeof rollouts.deleteRollout = async (rows, id) =>
  connectionOf(rows).put('rollouts', id, undefined);

export const takeFence: typeof rollouts.takeFence = async (rows, id) => {
  const connection = connectionOf(rows);
  const row = connection.tables.of.rollouts.get(id);
  if (row === undefined) return undefined;
  connection.put('rollouts', id, { ...row, fence: row.fence + 1 });
  return row.fence + 1;
};

export const holdsFence: typeof rollouts.holdsFence = async (rows, id, fence, evaluateAt) => {
  const connection = connectionOf(rows);
  const row = connection.tables.of.rollouts.get(id);
  if (row === undefined) return false;
  connection.fence = fence;
  if (row.fence !== fence && connection.world.without !== 'fencing') {
    if (connection.stoodStill) connection.world.count('controller_fenced_out');
    return false;
  }
  connection.put('rollouts', id, { ...row, evaluateAt });
  return true;
};

// ---- waves ----------------------------------------------------------------------------------

const waveKey = (rolloutId: string, number: number) => `${rolloutId} ${number}`;

export const insertWaves: typeof waves.insertWaves = async (rows, rolloutId, waves) => {
  for (const [index, { spec, size }] of waves.entries()) {
    connectionOf(rows).put('waves', waveKey(rolloutId, index + 1), {
      rolloutId,
      number: index + 1,
      state: 'pending',
      spec,
      tolerated: 0,
      toleratedLate: 0,
      size,
      openedAt: null,
      soakUntil: null,
      closedAt: null,
    });
  }
};

export const selectWaves: typeof waves.selectWaves = async (rows, rolloutId) =>
  all(tablesOf(rows).waves, (wave) => wave.rolloutId === rolloutId).sort(
    (a, b) => a.number - b.number,
  );

export const changeWave: typeof waves.changeWave = async (rows, rolloutId, wave, change) => {
  const connection = connectionOf(rows);
  const row = connection.tables.of.waves.get(waveKey(rolloutId, wave.number));
  if (
    row === undefined ||
    (row.state !== wave.state && connection.world.without !== 'compare_and_set')
  )
    return false;
  connection.put('waves', waveKey(rolloutId, wave.number), { ...row, ...change });
  return true;
};

// ---- targets --------------------------------------------------------------------------------

const targetKey = (rolloutId: string, serverId: string) => `${rolloutId} ${serverId}`;

export const insertTargets: typeof targets.insertTargets = async (
  rows,
  rolloutId,
  targets,
  deadlineAt,
) => {
  for (const { serverId, siteId, wave } of targets) {
    connectionOf(rows).put('targets', targetKey(rolloutId, serverId), {
      rolloutId,
      serverId,
      siteId,
      wave,
      state: 'queued',
      version: 1,
      action: 'install',
      attempt: 1,
      orderId: null,
      order: null,
      lastSeq: 0,
      leaseUntil: null,
      deadlineAt,
      notBefore: null,
      opensAt: null,
      reason: null,
      finishedAt: null,
      items: [],
      before: null,
      code: null,
      badge: null,
      offeredAt: null,
    });
  }
  await saveCounts(
    rows,
    targets.map(({ wave }) => ({ rolloutId, wave, state: 'queued', by: 1 })),
  );
};

export const selectTargets: typeof targets.selectTargets = async (rows, rolloutId) =>
  all(tablesOf(rows).targets, (target) => target.rolloutId === rolloutId).sort(
    (a, b) => a.wave - b.wave || (a.serverId < b.serverId ? -1 : 1),
  );
export const selectTargetsByOrder: typeof targets.selectTargetsByOrder = async (
  rows,
  serverId,
  orderIds,
) => {
  const forgetful = connectionOf(rows).world.without === 'serial';
  const found = all(
    tablesOf(rows).targets,
    (target) =>
      target.serverId === serverId && target.orderId !== null && orderIds.includes(target.orderId),
  );
  return new Map(
    found.map((target) => [target.orderId ?? '', forgetful ? { ...target, lastSeq: 0 } : target]),
  );
};

export const changeTarget: typeof targets.changeTarget = async (
  rows,
  target,
  { bytesDone: _done, bytesTotal: _total, message: _message, ...set },
  _now,
  counts,
) => {
  const connection = connectionOf(rows);
  const key = targetKey(target.rolloutId, target.serverId);
  const row = connection.tables.of.targets.get(key);
  if (row === undefined) return false;
  if (row.version !== target.version) {
    connection.world.count('change_made_in_between');
    if (connection.world.without !== 'compare_and_set') return false;
  }
  connection.put('targets', key, { ...row, ...set, version: row.version + 1 });
  if (set.state !== undefined && set.state !== target.state) {
    const { rolloutId, wave } = target;
    const moved = [
      { rolloutId, wave, state: target.state, by: -1 },
      { rolloutId, wave, state: set.state, by: 1 },
    ];
    if (counts === undefined) await saveCounts(rows, moved);
    else counts.push(...moved);
  }
  return true;
};

export const saveCounts: typeof targets.saveCounts = async (rows, counts) => {
  for (const { rolloutId, wave, state, by } of counts) {
    const key = `${rolloutId} ${wave} ${state}`;
    connectionOf(rows).put('counts', key, {
      rolloutId,
      wave,
      state,
      n: (tablesOf(rows).counts.get(key)?.n ?? 0) + by,
    });
  }
};

export const selectCounts: typeof targets.selectCounts = async (rows, rolloutIds) =>
  all(tablesOf(rows).counts, ({ rolloutId, n }) => rolloutIds.includes(rolloutId) && n !== 0);
export const selectBusyServers: typeof running.selectBusyServers = async (rows, exceptRolloutId) =>
  new Set(
    all(
      tablesOf(rows).targets,
      ({ rolloutId, state }) => rolloutId !== exceptRolloutId && inFlight.includes(state),
    ).map(({ serverId }) => serverId),
  );

export const saveLog: typeof running.saveLog = async () => undefined;
export const saveEvidence: typeof running.saveEvidence = async () => undefined;
export const insertHistory: typeof running.insertHistory = async () => undefined;

// ---- questions: the simulated agents are of a version that cannot be asked --------------------

export const replaceQuestions: typeof questions.replaceQuestions = async () => undefined;
export const selectKnownAnswers: typeof questions.selectKnownAnswers = async () => new Map();
export const selectQuestions: typeof questions.selectQuestions = async () => [];
export const selectUnconsidered: typeof questions.selectUnconsidered = async () => [];
export const hasUnconsidered: typeof questions.hasUnconsidered = async () => false;
export const deleteQuestions: typeof questions.deleteQuestions = async () => undefined;
export const stopAsking: typeof questions.stopAsking = async () => undefined;
export const deleteOldQuestions: typeof questions.deleteOldQuestions = async () => undefined;
export const selectWantedVersions: typeof questions.selectWantedVersions = async () => new Map();

// ---- what is known of servers and applications ----------------------------------------------

export const selectFleet: typeof plan.selectFleet = async (rows) =>
  [...tablesOf(rows).servers.values()].map(
    ({ id, name, siteId, lastSeenAt, retiredAt, drainingSince, quarantinedAt, labels }) => ({
      id,
      name,
      siteId,
      lastSeenAt,
      retired: retiredAt !== null,
      draining: drainingSince !== null,
      quarantined: quarantinedAt !== null,
      labels,
      platform: 'linux',
      answers: false,
    }),
  );

export const selectReach: typeof running.selectReach = async (rows, rolloutId) => {
  const { servers, targets } = tablesOf(rows);
  return new Map(
    all(targets, (target) => target.rolloutId === rolloutId).flatMap(({ serverId }) => {
      const server = servers.get(serverId);
      return server === undefined
        ? []
        : [
            [
              serverId,
              {
                lastSeenAt: server.lastSeenAt,
                gone: server.retiredAt !== null || server.quarantinedAt !== null,
                draining: server.drainingSince !== null,
              },
            ] as const,
          ];
    }),
  );
};

export const selectKnownApplications: typeof plan.selectKnownApplications = async (
  rows,
  applicationIds,
  serverIds,
) =>
  all(
    tablesOf(rows).wishes,
    (wish) =>
      applicationIds.includes(wish.applicationId) &&
      (serverIds === undefined || serverIds.includes(wish.serverId)),
  );

export const selectVersions: typeof plan.selectVersions = async (rows, versionIds) =>
  new Map(
    connectionOf(rows)
      .tables.versions.filter(({ versionId }) => versionIds.includes(versionId))
      .map(({ versionId, applicationId, slug, version, recipes }) => [
        versionId,
        {
          applicationId,
          slug,
          version,
          recipes: JSON.stringify(recipes),
          withdrawn: false,
          name: { fr: slug, en: slug },
        },
      ]),
  );

// ---- the city -------------------------------------------------------------------------------

export const selectCity: typeof rollouts.selectCity = async <T>(
  rows: Rows,
  name: 'brake' | 'rollouts',
  fallback: T,
): Promise<T> => ({ ...fallback, ...(tablesOf(rows).city.get(name)?.body as T | undefined) });
export const saveCity: typeof rollouts.saveCity = async (rows, name, body) =>
  connectionOf(rows).put('city', name, { name, body });
export const selectGroupSites: typeof plan.selectGroupSites = async () => [];
export const selectSchedules: typeof schedules.selectSchedules = async () => [];
