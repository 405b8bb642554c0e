/** SQL of rollouts that repeat. */
import type { Schedule, ScheduleDraft } from '@preau/contract/rollout.ts';
import type { Rows } from '#src/platform/database.ts';
import { newId } from '#src/platform/secrets.ts';
import type { Tables } from '#src/platform/tables.ts';

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

/** Compare-and-set on the time it was due, so that only one of two controllers runs it. */
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
