/** Starts the rollouts that are due. */
import { AppError } from '@preau/contract/errors.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { createRollout } from '../plan/create.ts';
import { startRollout } from '../plan/start.ts';
import { selectRollout } from '../store.ts';
import { nextRun } from './schedules.ts';
import { moveSchedule, noteScheduleRun, selectSchedules } from './store.ts';

/** The rows say what is due, so running this twice starts nothing twice. */
export async function runDueSchedules(
  deps: Pick<Platform, 'config' | 'database' | 'clock' | 'secrets' | 'wakeups' | 'log'>,
): Promise<void> {
  const now = deps.clock.now();
  for (const schedule of await selectSchedules(deps.database, { dueAt: now })) {
    // The controller that moves the schedule to its next time runs it; others then find it moved.
    if (
      !(await moveSchedule(deps.database, schedule.id, schedule.nextAt, {
        nextAt: await nextRun(deps.database, schedule, now),
      }))
    )
      continue;
    const job: Actor = { kind: 'job', id: `schedule:${schedule.id}`, name: schedule.name };
    let rolloutId: string | null = null;
    let problem: string | null = null;
    try {
      // The start is one second ahead, so that the rollout is scheduled: if classes are arriving,
      // it waits until they are in instead of being refused.
      rolloutId = await createRollout(
        deps,
        job,
        {
          ...schedule.draft,
          name: `${schedule.name} ${new Date(now).toISOString().slice(0, 10)}`,
          startAt: now + 1000,
        },
        { asks: false, scheduleId: schedule.id },
      );
      const rollout = await selectRollout(deps.database, rolloutId);
      if (rollout?.state === 'planned')
        await startRollout(deps, job, rolloutId, { planHash: rollout.plan.hash, force: false });
      else problem = 'NEEDS_APPROVAL';
    } catch (error) {
      // Also when nobody foresaw it: this time is over, and its page must say so.
      problem = error instanceof AppError ? error.code : 'INTERNAL';
      if (!(error instanceof AppError))
        deps.log.error({ err: error, schedule: schedule.id }, 'schedule not run');
    }
    await noteScheduleRun(deps.database, schedule.id, { rolloutId, problem });
    await recordEffect(deps, deps.database, job, {
      action: problem === null ? 'schedule.ran' : 'schedule.refused',
      subjectId: schedule.id,
      subjectName: schedule.name,
      details: { rollout: rolloutId, ...(problem === null ? {} : { code: problem }) },
    });
    deps.wakeups.wake(['rollouts', 'audit']);
  }
}
