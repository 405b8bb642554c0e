/** SQL of rollouts: their rows, the fencing numbers of their evaluations, and the city's
 * settings. */

import type { RolloutDraft } from '@preau/contract/rollout-draft.ts';
import type { PlanEntry, RolloutPlan } from '@preau/contract/rollout-plan.ts';
import type { PauseReason, RolloutState } from '@preau/contract/rollout-states.ts';
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
  evaluateAt: number | null;
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

/** Plans of earlier versions have no refusals. */
const planOf = (text: string): RolloutPlan => {
  const plan = JSON.parse(text) as Omit<RolloutPlan, 'refusals'> & Partial<RolloutPlan>;
  return { ...plan, refusals: plan.refusals ?? [] };
};

const rolloutOf = (row: RolloutRow): StoredRollout => ({
  id: row.id,
  name: row.name,
  state: row.state as RolloutState,
  version: row.version,
  fence: row.fence,
  pauseReason: row.pause_reason as PauseReason | null,
  pausedAt: row.paused_at,
  note: row.note_fr === null || row.note_en === null ? null : { fr: row.note_fr, en: row.note_en },
  draft: JSON.parse(row.draft) as RolloutDraft,
  plan: planOf(row.plan),
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
  evaluateAt: row.look_at,
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

const activeStates = ['scheduled', 'running', 'paused', 'cancelling', 'rolling_back'] as const;

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

export async function selectActiveRolloutIds(rows: Rows): Promise<string[]> {
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

/** Compare-and-set: false when the rollout was changed since it was read. Fields that are not given
 * stay as they are. */
export async function changeRollout(
  rows: Rows,
  id: string,
  version: number,
  change: RolloutChange,
): Promise<boolean> {
  const done = await rows
    .updateTable('rollouts')
    .set((e) => ({ ...columnsOf(change), version: e('version', '+', 1) }))
    .where('id', '=', id)
    .where('version', '=', version)
    .executeTakeFirst();
  return Number(done.numUpdatedRows) === 1;
}

/** A column whose value is undefined is not written. */
const columnsOf = ({ draft, plan, note, forced, ...change }: RolloutChange) => ({
  state: change.state,
  name: change.name,
  pause_reason: change.pauseReason,
  paused_at: change.pausedAt,
  approved_by: change.approvedById,
  approved_by_name: change.approvedByName,
  start_at: change.startAt,
  started_at: change.startedAt,
  ended_at: change.endedAt,
  cancel_kind: change.cancelKind,
  rollback_wave: change.rollbackWave,
  superseded_by: change.supersededBy,
  ...(forced === undefined ? {} : { forced: forced ? 1 : 0 }),
  ...(note === undefined ? {} : { note_fr: note?.fr ?? null, note_en: note?.en ?? null }),
  ...(draft === undefined
    ? {}
    : { draft: JSON.stringify(draft), name: draft.name, start_at: draft.startAt }),
  ...(plan === undefined
    ? {}
    : { ...planColumns(plan), plan_hash: plan.hash, sites: plan.totals.sites }),
});

export async function deleteRollout(rows: Rows, id: string): Promise<void> {
  await rows.deleteFrom('rollouts').where('id', '=', id).execute();
}

/** Starts a new evaluation: earlier ones can no longer write. */
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

/** Must come first in each transaction of an evaluation: locks the rollout's row, and returns
 * whether the evaluation is still the newest. */
export async function holdsFence(
  rows: Rows,
  id: string,
  fence: number,
  evaluateAt: number | null,
): Promise<boolean> {
  return (
    Number(
      (
        await rows
          .updateTable('rollouts')
          .set({ look_at: evaluateAt })
          .where('id', '=', id)
          .where('fence', '=', fence)
          .executeTakeFirst()
      ).numUpdatedRows,
    ) === 1
  );
}

// ---- the city -------------------------------------------------------------------------------

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
