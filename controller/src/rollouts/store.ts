/** All SQL of rollouts: their rows, waves, targets and counters, and what a plan is made of. */
import type { Order, ReportedItem } from '@preau/contract/order.ts';
import type { Schedule, ScheduleDraft, Target } from '@preau/contract/rollout.ts';
import type { RolloutDraft, WaveSpec } from '@preau/contract/rollout-draft.ts';
import type { PlanEntry, RolloutPlan } from '@preau/contract/rollout-plan.ts';
import type {
  PauseReason,
  RolloutState,
  TargetState,
  WaveState,
} from '@preau/contract/rollout-states.ts';
import { inFlightStates, isFinal, isWaiting } from '@preau/contract/rollout-states.ts';
import type { Rows } from '#src/platform/database.ts';
import { newId } from '#src/platform/secrets.ts';
import type { Tables } from '#src/platform/tables.ts';
import type { FullPlan } from './plan/plan.ts';

export interface StoredRollout {
  id: string;
  name: string;
  state: RolloutState;
  version: number;
  fence: number;
  pauseReason: PauseReason | null;
  pausedAt: number | null;
  note: { fr: string; en: string } | null;
  draft: RolloutDraft;
  plan: RolloutPlan;
  sites: number;
  createdById: string | null;
  createdByName: string;
  createdAt: number;
  approvedById: string | null;
  approvedByName: string | null;
  forced: boolean;
  startAt: number | null;
  startedAt: number | null;
  endedAt: number | null;
  lookAt: number | null;
  cancelKind: 'finish' | 'remove' | 'kill' | null;
  rollbackWave: number | null;
  scheduleId: string | null;
  supersededBy: string | null;
}

type RolloutRow = Omit<
  {
    [K in keyof Tables['rollouts']]: K extends 'version' | 'fence' | 'forced'
      ? number
      : Tables['rollouts'][K];
  },
  'plan_entries'
>;

const head = [
  'id',
  'name',
  'state',
  'version',
  'fence',
  'pause_reason',
  'paused_at',
  'note_fr',
  'note_en',
  'draft',
  'plan',
  'plan_hash',
  'sites',
  'created_by',
  'created_by_name',
  'created_at',
  'approved_by',
  'approved_by_name',
  'forced',
  'start_at',
  'started_at',
  'ended_at',
  'look_at',
  'cancel_kind',
  'rollback_wave',
  'schedule_id',
  'superseded_by',
] as const;

export const rolloutOf = (row: RolloutRow): StoredRollout => ({
  id: row.id,
  name: row.name,
  state: row.state as RolloutState,
  version: row.version,
  fence: row.fence,
  pauseReason: row.pause_reason as PauseReason | null,
  pausedAt: row.paused_at,
  note: row.note_fr === null || row.note_en === null ? null : { fr: row.note_fr, en: row.note_en },
  draft: JSON.parse(row.draft) as RolloutDraft,
  plan: JSON.parse(row.plan) as RolloutPlan,
  sites: row.sites,
  createdById: row.created_by,
  createdByName: row.created_by_name,
  createdAt: row.created_at,
  approvedById: row.approved_by,
  approvedByName: row.approved_by_name,
  forced: row.forced === 1,
  startAt: row.start_at,
  startedAt: row.started_at,
  endedAt: row.ended_at,
  lookAt: row.look_at,
  cancelKind: row.cancel_kind as StoredRollout['cancelKind'],
  rollbackWave: row.rollback_wave,
  scheduleId: row.schedule_id,
  supersededBy: row.superseded_by,
});

const planColumns = ({ entries, ...plan }: FullPlan) => ({
  plan: JSON.stringify(plan),
  plan_entries: JSON.stringify(entries),
});

export async function selectPlanEntries(rows: Rows, id: string): Promise<PlanEntry[]> {
  const row = await rows
    .selectFrom('rollouts')
    .select('plan_entries')
    .where('id', '=', id)
    .executeTakeFirst();
  return row === undefined ? [] : (JSON.parse(row.plan_entries) as PlanEntry[]);
}

/** Newest first, strictly before `before` (its `created_at` and id). */
export async function selectRollouts(
  rows: Rows,
  filter: { before: { at: number; id: string } | null; limit: number; active: boolean | null },
): Promise<StoredRollout[]> {
  let query = rows
    .selectFrom('rollouts')
    .select(head)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(filter.limit);
  const { before } = filter;
  if (before !== null)
    query = query.where((e) =>
      e.or([
        e('created_at', '<', before.at),
        e.and([e('created_at', '=', before.at), e('id', '<', before.id)]),
      ]),
    );
  if (filter.active !== null)
    query = query.where('state', filter.active ? 'in' : 'not in', [...activeStates]);
  return (await query.execute()).map(rolloutOf);
}

export async function insertRollout(
  rows: Rows,
  rollout: {
    name: string;
    state: RolloutState;
    draft: RolloutDraft;
    plan: FullPlan;
    createdById: string | null;
    createdByName: string;
    now: number;
    scheduleId: string | null;
  },
): Promise<string> {
  const id = newId('rol');
  await rows
    .insertInto('rollouts')
    .values({
      id,
      name: rollout.name,
      state: rollout.state,
      pause_reason: null,
      paused_at: null,
      note_fr: null,
      note_en: null,
      draft: JSON.stringify(rollout.draft),
      ...planColumns(rollout.plan),
      plan_hash: rollout.plan.hash,
      sites: rollout.plan.totals.sites,
      created_by: rollout.createdById,
      created_by_name: rollout.createdByName,
      created_at: rollout.now,
      approved_by: null,
      approved_by_name: null,
      start_at: rollout.draft.startAt,
      started_at: null,
      ended_at: null,
      look_at: null,
      cancel_kind: null,
      rollback_wave: null,
      schedule_id: rollout.scheduleId,
      superseded_by: null,
    })
    .execute();
  return id;
}

export async function selectRollout(rows: Rows, id: string): Promise<StoredRollout | undefined> {
  const row = await rows
    .selectFrom('rollouts')
    .select(head)
    .where('id', '=', id)
    .executeTakeFirst();
  return row && rolloutOf(row);
}

export const activeStates = [
  'scheduled',
  'running',
  'paused',
  'cancelling',
  'rolling_back',
] as const;

export async function selectActiveRollouts(rows: Rows): Promise<StoredRollout[]> {
  return (
    await rows
      .selectFrom('rollouts')
      .select(head)
      .where('state', 'in', [...activeStates])
      .orderBy('created_at')
      .execute()
  ).map(rolloutOf);
}

/** Ids of rollouts that time alone may move. */
export async function selectRolloutsToLookAt(rows: Rows): Promise<string[]> {
  return (
    await rows
      .selectFrom('rollouts')
      .select('id')
      .where('state', 'in', [...activeStates])
      .execute()
  ).map((row) => row.id);
}

export type RolloutChange = Partial<{
  state: RolloutState;
  name: string;
  pauseReason: PauseReason | null;
  pausedAt: number | null;
  note: { fr: string; en: string } | null;
  draft: RolloutDraft;
  plan: FullPlan;
  approvedById: string | null;
  approvedByName: string | null;
  forced: boolean;
  startAt: number | null;
  startedAt: number | null;
  endedAt: number | null;
  cancelKind: StoredRollout['cancelKind'];
  rollbackWave: number | null;
  supersededBy: string | null;
}>;

/** Compare-and-set: false when the rollout has moved on since it was read. */
export async function changeRollout(
  rows: Rows,
  id: string,
  version: number,
  change: RolloutChange,
): Promise<boolean> {
  const {
    draft,
    plan,
    note,
    forced,
    pauseReason,
    pausedAt,
    approvedById,
    approvedByName,
    startAt,
    startedAt,
    endedAt,
    cancelKind,
    rollbackWave,
    supersededBy,
    ...same
  } = change;
  const done = await rows
    .updateTable('rollouts')
    .set((e) => ({
      ...same,
      version: e('version', '+', 1),
      ...(draft === undefined
        ? {}
        : { draft: JSON.stringify(draft), name: draft.name, start_at: draft.startAt }),
      ...(plan === undefined
        ? {}
        : { ...planColumns(plan), plan_hash: plan.hash, sites: plan.totals.sites }),
      ...(note === undefined ? {} : { note_fr: note?.fr ?? null, note_en: note?.en ?? null }),
      ...(forced === undefined ? {} : { forced: forced ? 1 : 0 }),
      ...(pauseReason === undefined ? {} : { pause_reason: pauseReason }),
      ...(pausedAt === undefined ? {} : { paused_at: pausedAt }),
      ...(approvedById === undefined ? {} : { approved_by: approvedById }),
      ...(approvedByName === undefined ? {} : { approved_by_name: approvedByName }),
      ...(startAt === undefined ? {} : { start_at: startAt }),
      ...(startedAt === undefined ? {} : { started_at: startedAt }),
      ...(endedAt === undefined ? {} : { ended_at: endedAt }),
      ...(cancelKind === undefined ? {} : { cancel_kind: cancelKind }),
      ...(rollbackWave === undefined ? {} : { rollback_wave: rollbackWave }),
      ...(supersededBy === undefined ? {} : { superseded_by: supersededBy }),
    }))
    .where('id', '=', id)
    .where('version', '=', version)
    .executeTakeFirst();
  return Number(done.numUpdatedRows) === 1;
}

export async function deleteRollout(rows: Rows, id: string): Promise<void> {
  await rows.deleteFrom('rollouts').where('id', '=', id).execute();
}

/** Before it began: an edited rollout has neither waves nor targets. */
export async function deleteTargets(rows: Rows, id: string): Promise<void> {
  for (const table of ['rollout_targets', 'rollout_counts', 'rollout_waves'] as const)
    await rows.deleteFrom(table).where('rollout_id', '=', id).execute();
}

/** A new evaluation begins: whoever evaluated before can no longer write. */
export async function takeFence(rows: Rows, id: string): Promise<number | undefined> {
  return (
    await rows
      .updateTable('rollouts')
      .set((e) => ({ fence: e('fence', '+', 1) }))
      .where('id', '=', id)
      .returning('fence')
      .executeTakeFirst()
  )?.fence;
}

/** First in each evaluation's transaction: locks the rollout's row, and says whether the evaluation
 * is still the newest. */
export async function holdsFence(
  rows: Rows,
  id: string,
  fence: number,
  lookAt: number | null,
): Promise<boolean> {
  return (
    Number(
      (
        await rows
          .updateTable('rollouts')
          .set({ look_at: lookAt })
          .where('id', '=', id)
          .where('fence', '=', fence)
          .executeTakeFirst()
      ).numUpdatedRows,
    ) === 1
  );
}

// ---- waves ------------------------------------------------------------------------------------------------------------

export interface StoredWave {
  number: number;
  state: WaveState;
  spec: WaveSpec;
  tolerated: number;
  toleratedLate: number;
  size: number;
  openedAt: number | null;
  soakUntil: number | null;
  closedAt: number | null;
}

export async function insertWaves(
  rows: Rows,
  rolloutId: string,
  waves: readonly { spec: WaveSpec; size: number }[],
): Promise<void> {
  for (const [index, wave] of waves.entries()) {
    await rows
      .insertInto('rollout_waves')
      .values({
        rollout_id: rolloutId,
        number: index + 1,
        state: 'pending',
        spec: JSON.stringify({ ...wave.spec, tolerated: 0, toleratedLate: 0 }),
        size: wave.size,
        opened_at: null,
        soak_until: null,
        closed_at: null,
      })
      .execute();
  }
}

export async function selectWaves(rows: Rows, rolloutId: string): Promise<StoredWave[]> {
  return (
    await rows
      .selectFrom('rollout_waves')
      .selectAll()
      .where('rollout_id', '=', rolloutId)
      .orderBy('number')
      .execute()
  ).map((row) => {
    const { tolerated, toleratedLate, ...spec } = JSON.parse(row.spec) as WaveSpec & {
      tolerated: number;
      toleratedLate: number;
    };
    return {
      number: row.number,
      state: row.state as WaveState,
      spec,
      tolerated,
      toleratedLate,
      size: row.size,
      openedAt: row.opened_at,
      soakUntil: row.soak_until,
      closedAt: row.closed_at,
    };
  });
}

export async function changeWave(
  rows: Rows,
  rolloutId: string,
  wave: Pick<StoredWave, 'number' | 'state' | 'spec'>,
  change: {
    state: WaveState;
    openedAt?: number;
    soakUntil?: number | null;
    closedAt?: number | null;
    tolerated?: number;
    toleratedLate?: number;
    size?: number;
  },
): Promise<boolean> {
  const done = await rows
    .updateTable('rollout_waves')
    .set({
      state: change.state,
      ...(change.openedAt === undefined ? {} : { opened_at: change.openedAt }),
      ...(change.soakUntil === undefined ? {} : { soak_until: change.soakUntil }),
      ...(change.closedAt === undefined ? {} : { closed_at: change.closedAt }),
      ...(change.tolerated === undefined
        ? {}
        : {
            spec: JSON.stringify({
              ...wave.spec,
              tolerated: change.tolerated,
              toleratedLate: change.toleratedLate ?? 0,
            }),
          }),
      ...(change.size === undefined ? {} : { size: change.size }),
    })
    .where('rollout_id', '=', rolloutId)
    .where('number', '=', wave.number)
    .where('state', '=', wave.state)
    .executeTakeFirst();
  return Number(done.numUpdatedRows) === 1;
}

// ---- targets ----------------------------------------------------------------------------------------------------------

export interface StoredTarget {
  rolloutId: string;
  serverId: string;
  siteId: string;
  wave: number;
  state: TargetState;
  version: number;
  action: 'install' | 'restore';
  attempt: number;
  orderId: string | null;
  order: Order | null;
  lastSeq: number;
  leaseUntil: number | null;
  deadlineAt: number;
  notBefore: number | null;
  opensAt: number | null;
  reason: string | null;
  finishedAt: number | null;
  items: ReportedItem[];
  before: BeforeItem[] | null;
}
/** What a server had of one application when its order was written: `versionId` null: nothing. */
export interface BeforeItem {
  applicationId: string;
  versionId: string | null;
}

type TargetRow = Pick<
  Tables['rollout_targets'],
  | 'rollout_id'
  | 'server_id'
  | 'site_id'
  | 'wave'
  | 'state'
  | 'action'
  | 'order_id'
  | 'order_body'
  | 'lease_until'
  | 'deadline_at'
  | 'not_before'
  | 'opens_at'
  | 'reason'
  | 'finished_at'
  | 'before_set'
> & { version: number; attempt: number; last_seq: number; items: string };
const targetOf = (row: TargetRow): StoredTarget => ({
  rolloutId: row.rollout_id,
  serverId: row.server_id,
  siteId: row.site_id,
  wave: row.wave,
  state: row.state as TargetState,
  version: row.version,
  action: row.action === 'restore' ? 'restore' : 'install',
  attempt: row.attempt,
  orderId: row.order_id,
  lastSeq: row.last_seq,
  leaseUntil: row.lease_until,
  deadlineAt: row.deadline_at,
  notBefore: row.not_before,
  opensAt: row.opens_at,
  reason: row.reason,
  finishedAt: row.finished_at,
  // Read when asked for: a look at thousands needs few of them.
  get order() {
    return row.order_body === null ? null : (JSON.parse(row.order_body) as Order);
  },
  get items() {
    return JSON.parse(row.items) as ReportedItem[];
  },
  get before() {
    return row.before_set === null ? null : (JSON.parse(row.before_set) as BeforeItem[]);
  },
});

export async function insertTargets(
  rows: Rows,
  rolloutId: string,
  targets: readonly { serverId: string; siteId: string; wave: number }[],
  deadlineAt: number,
  now: number,
): Promise<void> {
  for (let at = 0; at < targets.length; at += 100) {
    await rows
      .insertInto('rollout_targets')
      .values(
        targets.slice(at, at + 100).map((target) => ({
          rollout_id: rolloutId,
          server_id: target.serverId,
          site_id: target.siteId,
          wave: target.wave,
          state: 'queued',
          action: 'install',
          order_id: null,
          order_body: null,
          lease_until: null,
          deadline_at: deadlineAt,
          not_before: null,
          opens_at: null,
          reason: null,
          code: null,
          message: null,
          badge: null,
          before_set: null,
          bytes_total: null,
          offered_at: null,
          finished_at: null,
          updated_at: now,
        })),
      )
      .execute();
  }
  await saveCounts(
    rows,
    targets.map(({ wave }) => ({ rolloutId, wave, state: 'queued', by: 1 })),
  );
}

export async function selectTargets(rows: Rows, rolloutId: string): Promise<StoredTarget[]> {
  return (
    await rows
      .selectFrom('rollout_targets')
      .selectAll()
      .where('rollout_id', '=', rolloutId)
      .orderBy('wave')
      .orderBy('server_id')
      .execute()
  ).map(targetOf);
}

export async function selectTarget(
  rows: Rows,
  rolloutId: string,
  serverId: string,
): Promise<StoredTarget | undefined> {
  const row = await rows
    .selectFrom('rollout_targets')
    .selectAll()
    .where('rollout_id', '=', rolloutId)
    .where('server_id', '=', serverId)
    .executeTakeFirst();
  return row && targetOf(row);
}

/** By the order it has now; the orders of past attempts name nothing any more. */
export async function selectTargetsByOrder(
  rows: Rows,
  serverId: string,
  orderIds: readonly string[],
): Promise<Map<string, StoredTarget>> {
  if (orderIds.length === 0) return new Map();
  const found = await rows
    .selectFrom('rollout_targets')
    .selectAll()
    .where('server_id', '=', serverId)
    .where('order_id', 'in', [...orderIds])
    .execute();
  return new Map(found.map((row) => [row.order_id ?? '', targetOf(row)]));
}

export type TargetSet = Partial<{
  state: TargetState;
  action: 'install' | 'restore';
  attempt: number;
  orderId: string | null;
  order: Order | null;
  lastSeq: number;
  leaseUntil: number | null;
  deadlineAt: number;
  notBefore: number | null;
  opensAt: number | null;
  reason: string | null;
  code: string | null;
  message: string | null;
  badge: string | null;
  items: ReportedItem[];
  before: BeforeItem[] | null;
  bytesDone: number;
  bytesTotal: number | null;
  offeredAt: number | null;
  finishedAt: number | null;
}>;

/** The one way a target changes: compare-and-set, and its counters in the same transaction. False
 * when it has moved on. `counts`: whoever changes many gathers what they do to the counters, and
 * saves it last. */
export async function changeTarget(
  rows: Rows,
  target: Pick<StoredTarget, 'rolloutId' | 'serverId' | 'version' | 'state' | 'wave'>,
  set: TargetSet,
  now: number,
  counts?: Count[],
): Promise<boolean> {
  const done = await rows
    .updateTable('rollout_targets')
    .set((e) => ({
      version: e('version', '+', 1),
      updated_at: now,
      ...(set.state === undefined ? {} : { state: set.state }),
      ...(set.action === undefined ? {} : { action: set.action }),
      ...(set.attempt === undefined ? {} : { attempt: set.attempt }),
      ...(set.orderId === undefined ? {} : { order_id: set.orderId }),
      ...(set.order === undefined
        ? {}
        : { order_body: set.order === null ? null : JSON.stringify(set.order) }),
      ...(set.lastSeq === undefined ? {} : { last_seq: set.lastSeq }),
      ...(set.leaseUntil === undefined ? {} : { lease_until: set.leaseUntil }),
      ...(set.deadlineAt === undefined ? {} : { deadline_at: set.deadlineAt }),
      ...(set.notBefore === undefined ? {} : { not_before: set.notBefore }),
      ...(set.opensAt === undefined ? {} : { opens_at: set.opensAt }),
      ...(set.reason === undefined ? {} : { reason: set.reason }),
      ...(set.code === undefined ? {} : { code: set.code }),
      ...(set.message === undefined ? {} : { message: set.message }),
      ...(set.badge === undefined ? {} : { badge: set.badge }),
      ...(set.items === undefined ? {} : { items: JSON.stringify(set.items) }),
      ...(set.before === undefined
        ? {}
        : { before_set: set.before === null ? null : JSON.stringify(set.before) }),
      ...(set.bytesDone === undefined ? {} : { bytes_done: set.bytesDone }),
      ...(set.bytesTotal === undefined ? {} : { bytes_total: set.bytesTotal }),
      ...(set.offeredAt === undefined ? {} : { offered_at: set.offeredAt }),
      ...(set.finishedAt === undefined ? {} : { finished_at: set.finishedAt }),
    }))
    .where('rollout_id', '=', target.rolloutId)
    .where('server_id', '=', target.serverId)
    .where('version', '=', target.version)
    .executeTakeFirst();
  if (Number(done.numUpdatedRows) !== 1) return false;
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
}

export interface Count {
  rolloutId: string;
  wave: number;
  state: string;
  by: number;
}

/** One statement, in one order of the counters: many want the same ones, and hold them from here to
 * their commit. */
export async function saveCounts(rows: Rows, counts: readonly Count[]): Promise<void> {
  const sums = new Map<string, number>();
  for (const { rolloutId, wave, state, by } of counts)
    sums.set(
      `${rolloutId} ${wave} ${state}`,
      (sums.get(`${rolloutId} ${wave} ${state}`) ?? 0) + by,
    );
  const values = [...sums]
    .filter(([, n]) => n !== 0)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, n]) => {
      const [rollout_id = '', wave, state = ''] = key.split(' ');
      return { rollout_id, wave: Number(wave), state, n };
    });
  if (values.length === 0) return;
  await rows
    .insertInto('rollout_counts')
    .values(values)
    .onConflict((conflict) =>
      conflict
        .columns(['rollout_id', 'wave', 'state'])
        .doUpdateSet((e) => ({ n: e('rollout_counts.n', '+', e.ref('excluded.n')) })),
    )
    .execute();
}

export async function selectCounts(
  rows: Rows,
  rolloutIds: readonly string[],
): Promise<{ rolloutId: string; wave: number; state: string; n: number }[]> {
  if (rolloutIds.length === 0) return [];
  return (
    await rows
      .selectFrom('rollout_counts')
      .selectAll()
      .where('rollout_id', 'in', [...rolloutIds])
      .where('n', '<>', 0)
      .execute()
  ).map((row) => ({ rolloutId: row.rollout_id, wave: row.wave, state: row.state, n: row.n }));
}

/** What the counters should say. */
export async function recount(
  rows: Rows,
  rolloutId: string,
): Promise<{ wave: number; state: string; n: number }[]> {
  const found = await rows
    .selectFrom('rollout_targets')
    .select(['wave', 'state', (e) => e.fn.countAll<number>().as('n')])
    .where('rollout_id', '=', rolloutId)
    .groupBy(['wave', 'state'])
    .orderBy('wave')
    .orderBy('state')
    .execute();
  return found.map((row) => ({ wave: row.wave, state: row.state, n: Number(row.n) }));
}

/** Servers that have an order of another rollout in flight. */
export async function selectBusyServers(rows: Rows, exceptRolloutId: string): Promise<Set<string>> {
  const found = await rows
    .selectFrom('rollout_targets')
    .select('server_id')
    .where('rollout_id', '<>', exceptRolloutId)
    .where('state', 'in', [...inFlightStates])
    .execute();
  return new Set(found.map((row) => row.server_id));
}

export async function saveLog(
  rows: Rows,
  rolloutId: string,
  serverId: string,
  log: string,
): Promise<void> {
  await rows
    .insertInto('rollout_logs')
    .values({ rollout_id: rolloutId, server_id: serverId, log })
    .onConflict((conflict) => conflict.columns(['rollout_id', 'server_id']).doUpdateSet({ log }))
    .execute();
}

/** Kept once per order and serial, at most 20 for one target. */
export async function saveEvidence(
  rows: Rows,
  evidence: {
    rolloutId: string;
    serverId: string;
    orderId: string;
    seq: number;
    text: string;
    now: number;
  },
): Promise<void> {
  const known = await rows
    .selectFrom('rollout_evidence')
    .select((e) => e.fn.countAll<number>().as('n'))
    .where('rollout_id', '=', evidence.rolloutId)
    .where('server_id', '=', evidence.serverId)
    .executeTakeFirst();
  if (Number(known?.n ?? 0) >= 20) return;
  await rows
    .insertInto('rollout_evidence')
    .values({
      id: `${evidence.orderId}:${evidence.seq}`,
      rollout_id: evidence.rolloutId,
      server_id: evidence.serverId,
      at: evidence.now,
      text: evidence.text,
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
}

export async function insertHistory(
  rows: Rows,
  entry: {
    applicationId: string;
    versionId: string;
    serverId: string;
    bytes: number | null;
    ms: number;
    at: number;
  },
): Promise<void> {
  await rows
    .insertInto('install_history')
    .values({
      id: newId('his'),
      application_id: entry.applicationId,
      version_id: entry.versionId,
      server_id: entry.serverId,
      bytes: entry.bytes,
      ms: entry.ms,
      at: entry.at,
    })
    .execute();
}

// ---- what is known of servers and applications ----------------------------------------------------------------------------

export interface FleetServer {
  id: string;
  name: string;
  siteId: string;
  lastSeenAt: number | null;
  retired: boolean;
  draining: boolean;
  quarantined: boolean;
  labels: string[];
  platform: 'linux' | 'windows';
}

export async function selectFleet(rows: Rows): Promise<FleetServer[]> {
  const found = await rows
    .selectFrom('servers')
    .select([
      'id',
      'name',
      'site_id',
      'last_seen_at',
      'retired_at',
      'draining_since',
      'quarantined_at',
      'labels',
      'inventory',
    ])
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  return found.map((row) => ({
    id: row.id,
    name: row.name,
    siteId: row.site_id,
    lastSeenAt: row.last_seen_at,
    retired: row.retired_at !== null,
    draining: row.draining_since !== null,
    quarantined: row.quarantined_at !== null,
    labels: JSON.parse(row.labels) as string[],
    platform: row.inventory?.includes('"platform":"windows"') === true ? 'windows' : 'linux',
  }));
}

/** How each target's server is now. */
export async function selectReach(
  rows: Rows,
  rolloutId: string,
): Promise<Map<string, { lastSeenAt: number | null; gone: boolean; draining: boolean }>> {
  const found = await rows
    .selectFrom('rollout_targets as t')
    .innerJoin('servers as s', 's.id', 't.server_id')
    .select(['s.id', 's.last_seen_at', 's.retired_at', 's.quarantined_at', 's.draining_since'])
    .where('t.rollout_id', '=', rolloutId)
    .execute();
  return new Map(
    found.map((row) => [
      row.id,
      {
        lastSeenAt: row.last_seen_at,
        gone: row.retired_at !== null || row.quarantined_at !== null,
        draining: row.draining_since !== null,
      },
    ]),
  );
}

export interface KnownApplication {
  serverId: string;
  applicationId: string;
  versionId: string;
  wanted: boolean;
  state: string;
  version: string | null;
}

export async function selectKnownApplications(
  rows: Rows,
  applicationIds: readonly string[],
  serverIds?: readonly string[],
): Promise<KnownApplication[]> {
  let query = rows
    .selectFrom('server_applications')
    .select(['server_id', 'application_id', 'version_id', 'wanted', 'state', 'version'])
    .where('application_id', 'in', [...applicationIds]);
  if (serverIds !== undefined) query = query.where('server_id', 'in', [...serverIds]);
  return (await query.execute()).map((row) => ({
    serverId: row.server_id,
    applicationId: row.application_id,
    versionId: row.version_id,
    wanted: row.wanted === 1,
    state: row.state,
    version: row.version,
  }));
}

/** What a rollout leaves behind on a server: from here on it is wanted there, or not. */
export async function saveOutcome(
  rows: Rows,
  outcome: {
    serverId: string;
    applicationId: string;
    versionId: string;
    wanted: boolean;
    version: string | null;
    now: number;
  },
): Promise<void> {
  const { serverId, applicationId, now } = outcome;
  const values = {
    version_id: outcome.versionId,
    wanted: outcome.wanted ? 1 : 0,
    state: outcome.wanted ? 'installed' : 'removed',
    version: outcome.wanted ? outcome.version : null,
    error: null,
    updated_at: now,
  };
  await rows
    .insertInto('server_applications')
    .values({ server_id: serverId, application_id: applicationId, asked_at: now, ...values })
    .onConflict((conflict) => conflict.columns(['server_id', 'application_id']).doUpdateSet(values))
    .execute();
}

/** Those that have left the catalogue too: what they brought can be gone back to. */
export async function selectVersions(
  rows: Rows,
  versionIds: readonly string[],
): Promise<
  Map<
    string,
    {
      applicationId: string;
      slug: string;
      version: string;
      recipes: string;
      withdrawn: boolean;
      name: { fr: string; en: string };
    }
  >
> {
  if (versionIds.length === 0) return new Map();
  const found = await rows
    .selectFrom('application_versions as v')
    .innerJoin('applications as a', 'a.id', 'v.application_id')
    .select([
      'v.id',
      'v.application_id',
      'v.version',
      'v.recipes',
      'v.withdrawn_at',
      'a.slug',
      'a.name_fr',
      'a.name_en',
    ])
    .where('v.id', 'in', [...versionIds])
    .execute();
  return new Map(
    found.map((row) => [
      row.id,
      {
        applicationId: row.application_id,
        slug: row.slug,
        version: row.version,
        recipes: row.recipes,
        withdrawn: row.withdrawn_at !== null,
        name: { fr: row.name_fr, en: row.name_en },
      },
    ]),
  );
}

// ---- the city -----------------------------------------------------------------------------------------------------------

export async function selectCity<T>(
  rows: Rows,
  name: 'brake' | 'rollouts',
  fallback: T,
): Promise<T> {
  const row = await rows
    .selectFrom('city')
    .select('body')
    .where('name', '=', name)
    .executeTakeFirst();
  return row === undefined ? fallback : { ...fallback, ...(JSON.parse(row.body) as T) };
}

export async function saveCity(
  rows: Rows,
  name: 'brake' | 'rollouts',
  body: object,
  now: number,
): Promise<void> {
  const text = JSON.stringify(body);
  await rows
    .insertInto('city')
    .values({ name, body: text, updated_at: now })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ body: text, updated_at: now }))
    .execute();
}

export async function selectGroupSites(rows: Rows, groupIds: readonly string[]): Promise<string[]> {
  if (groupIds.length === 0) return [];
  return (
    await rows
      .selectFrom('site_group_members')
      .select('site_id')
      .where('group_id', 'in', [...groupIds])
      .execute()
  ).map((row) => row.site_id);
}

// ---- what the console reads -----------------------------------------------------------------------------------------------

export interface TargetFilter {
  rolloutId: string;
  after: { site: string; server: string } | null;
  limit: number;
  states: readonly TargetState[] | null;
  wave: number | null;
  search: string | null;
  serverId?: string;
}

/** By school's name, then server; strictly after `after`. */
export async function selectTargetPage(
  rows: Rows,
  filter: TargetFilter,
): Promise<(Target & { log: string })[]> {
  let query = rows
    .selectFrom('rollout_targets as t')
    .innerJoin('servers as s', 's.id', 't.server_id')
    .innerJoin('sites as p', 'p.id', 't.site_id')
    .leftJoin('rollout_logs as l', (join) =>
      join.onRef('l.rollout_id', '=', 't.rollout_id').onRef('l.server_id', '=', 't.server_id'),
    )
    .selectAll('t')
    .select(['s.name as server_name', 'p.name as site_name', 'l.log'])
    .where('t.rollout_id', '=', filter.rolloutId)
    .orderBy('p.name')
    .orderBy('t.server_id')
    .limit(filter.limit);
  const { after, states, search, serverId } = filter;
  if (serverId !== undefined) query = query.where('t.server_id', '=', serverId);
  if (after !== null)
    query = query.where((e) =>
      e.or([
        e('p.name', '>', after.site),
        e.and([e('p.name', '=', after.site), e('t.server_id', '>', after.server)]),
      ]),
    );
  if (states !== null) query = query.where('t.state', 'in', [...states]);
  if (filter.wave !== null) query = query.where('t.wave', '=', filter.wave);
  if (search !== null)
    query = query.where((e) =>
      e(
        e.fn<string>('lower', ['p.name']),
        'like',
        `%${search.toLowerCase().replace(/[\\%_]/g, '')}%`,
      ),
    );
  return (await query.execute()).map((row) => ({
    serverId: row.server_id,
    serverName: row.server_name,
    siteId: row.site_id,
    siteName: row.site_name,
    wave: row.wave,
    state: row.state as TargetState,
    reason: row.reason,
    action: row.action === 'restore' ? 'restore' : 'install',
    attempt: row.attempt,
    code: row.code,
    message: row.message,
    badge: row.badge as Target['badge'],
    bytesDone: row.bytes_done,
    bytesTotal: row.bytes_total,
    items: JSON.parse(row.items) as ReportedItem[],
    offeredAt: row.offered_at,
    finishedAt: row.finished_at,
    deadlineAt: isFinal(row.state as TargetState) ? null : row.deadline_at,
    opensAt: row.opens_at,
    log: row.log ?? '',
  }));
}

export async function selectEvidence(
  rows: Rows,
  rolloutId: string,
  serverId: string,
): Promise<{ at: number; text: string }[]> {
  return rows
    .selectFrom('rollout_evidence')
    .select(['at', 'text'])
    .where('rollout_id', '=', rolloutId)
    .where('server_id', '=', serverId)
    .orderBy('at')
    .execute();
}

/** How long the good ones took, from offer to end, and who waits for a silent school. */
export async function selectPace(
  rows: Rows,
  rolloutId: string,
  silentBefore: number,
): Promise<{ took: number[]; left: number; inFlight: number; silent: number }> {
  const found = await rows
    .selectFrom('rollout_targets as t')
    .innerJoin('servers as s', 's.id', 't.server_id')
    .select(['t.state', 't.offered_at', 't.finished_at', 's.last_seen_at'])
    .where('t.rollout_id', '=', rolloutId)
    .execute();
  const open = found.filter((row) => !isFinal(row.state as TargetState));
  const silent = open.filter(
    (row) =>
      isWaiting(row.state as TargetState) &&
      (row.last_seen_at === null || row.last_seen_at < silentBefore),
  ).length;
  return {
    took: found
      .flatMap((row) =>
        row.state === 'succeeded' && row.offered_at !== null && row.finished_at !== null
          ? [row.finished_at - row.offered_at]
          : [],
      )
      .sort((a, b) => a - b),
    left: open.length - silent,
    silent,
    inFlight: open.filter((row) => !isWaiting(row.state as TargetState)).length,
  };
}

// ---- schedules --------------------------------------------------------------------------------------------------------------

const scheduleOf = (
  row: Omit<Tables['rollout_schedules'], 'paused'> & { paused: number },
): Schedule & { createdById: string | null } => ({
  id: row.id,
  ...(JSON.parse(row.body) as ScheduleDraft),
  paused: row.paused === 1,
  nextAt: row.next_at,
  lastRolloutId: row.last_rollout_id,
  lastProblem: row.last_problem,
  createdById: row.created_by,
});

export async function insertSchedule(
  rows: Rows,
  schedule: {
    draft: ScheduleDraft;
    nextAt: number | null;
    createdById: string | null;
    now: number;
  },
): Promise<string> {
  const id = newId('sch');
  await rows
    .insertInto('rollout_schedules')
    .values({
      id,
      body: JSON.stringify(schedule.draft),
      next_at: schedule.nextAt,
      last_rollout_id: null,
      last_problem: null,
      created_by: schedule.createdById,
      created_at: schedule.now,
    })
    .execute();
  return id;
}

export async function selectSchedules(
  rows: Rows,
  filter: { id?: string; dueAt?: number } = {},
): Promise<ReturnType<typeof scheduleOf>[]> {
  let query = rows.selectFrom('rollout_schedules').selectAll().orderBy('created_at');
  if (filter.id !== undefined) query = query.where('id', '=', filter.id);
  if (filter.dueAt !== undefined)
    query = query.where('paused', '=', 0).where('next_at', '<=', filter.dueAt);
  return (await query.execute()).map(scheduleOf);
}

/** Compare-and-set on the moment it was due: of two controllers one runs it. */
export async function moveSchedule(
  rows: Rows,
  id: string,
  from: number | null,
  set: { nextAt: number | null; paused?: boolean },
): Promise<boolean> {
  const query = rows
    .updateTable('rollout_schedules')
    .set({
      next_at: set.nextAt,
      ...(set.paused === undefined ? {} : { paused: set.paused ? 1 : 0 }),
    })
    .where('id', '=', id);
  const done = await (from === null
    ? query.where('next_at', 'is', null)
    : query.where('next_at', '=', from)
  ).executeTakeFirst();
  return Number(done.numUpdatedRows) === 1;
}

export async function noteScheduleRun(
  rows: Rows,
  id: string,
  run: { rolloutId: string | null; problem: string | null },
): Promise<void> {
  await rows
    .updateTable('rollout_schedules')
    .set({
      ...(run.rolloutId === null ? {} : { last_rollout_id: run.rolloutId }),
      last_problem: run.problem,
    })
    .where('id', '=', id)
    .execute();
}

export async function deleteSchedule(rows: Rows, id: string): Promise<void> {
  await rows.deleteFrom('rollout_schedules').where('id', '=', id).execute();
}
