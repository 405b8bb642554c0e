/** Recurring rollouts: create, pause, remove. */

import { nextOccurrence, type Place } from '@preau/contract/calendar.ts';
import { AppError } from '@preau/contract/errors.ts';
import { frenchCalendar } from '@preau/contract/french-calendar.ts';
import type { Schedule, ScheduleDraft } from '@preau/contract/rollout.ts';
import { recurrenceProblem } from '@preau/contract/windows.ts';
import { mustReach, reaches } from '#src/accounts/reach.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { selectSitesOfServers } from '#src/servers/store.ts';
import { selectSites } from '#src/sites/store.ts';
import { readSettings } from '../settings.ts';
import { deleteSchedule, insertSchedule, moveSchedule, selectSchedules } from './store.ts';

type Deps = Pick<Platform, 'database' | 'clock' | 'wakeups'>;

/** The next time it is due, in the time zone of the first school it names; all schools of a city
 * share one. */
export async function nextRun(
  rows: Rows,
  draft: ScheduleDraft,
  after: number,
): Promise<number | null> {
  const { all, siteIds } = draft.draft.where;
  const site = (await selectSites(rows)).find(
    (candidate) => all || siteIds.length === 0 || siteIds.includes(candidate.id),
  );
  if (site === undefined) return null;
  const place: Place = {
    timeZone: site.timeZone,
    holidayZone: site.holidayZone,
    closures: (await readSettings(rows)).closures,
  };
  return nextOccurrence(frenchCalendar, place, draft.when, after).at;
}

/** Null stands for the whole city. */
const sitesOf = ({ all, siteIds }: ScheduleDraft['draft']['where']): readonly (string | null)[] =>
  all || siteIds.length === 0 ? [null] : siteIds;

/** Whoever looks after some schools sees the schedules that stay within them. */
export async function listSchedules(
  deps: Pick<Deps, 'database'>,
  actor: Actor,
): Promise<Schedule[]> {
  const found: Schedule[] = [];
  for (const { createdById: _createdById, ...schedule } of await selectSchedules(deps.database)) {
    const { where } = schedule.draft;
    const servers = reaches(actor, null)
      ? []
      : await selectSitesOfServers(deps.database, where.serverIds);
    if ([...sitesOf(where), ...servers].every((siteId) => reaches(actor, siteId)))
      found.push(schedule);
  }
  return found;
}

export async function createSchedule(
  deps: Deps,
  actor: Actor,
  draft: ScheduleDraft,
): Promise<Schedule> {
  mustReach(actor, ...sitesOf(draft.draft.where));
  const problem = recurrenceProblem(draft.when);
  if (problem !== null)
    throw new AppError('VALIDATION_FAILED', {
      problem,
      issues: [{ field: 'body/when', problem: problem.en }],
    });
  const now = deps.clock.now();
  const id = await deps.database.transaction().execute(async (rows) => {
    const id = await insertSchedule(rows, {
      draft,
      nextAt: await nextRun(rows, draft, now),
      createdById: actor.kind === 'account' ? actor.id : null,
      now,
    });
    await recordEffect(deps, rows, actor, {
      action: 'schedule.created',
      subjectId: id,
      subjectName: draft.name,
    });
    return id;
  });
  deps.wakeups.wake(['rollouts', 'audit']);
  return mustFindSchedule(deps.database, id);
}

async function mustFindSchedule(rows: Rows, id: string): Promise<Schedule> {
  const [found] = await selectSchedules(rows, { id });
  if (found === undefined) throw new AppError('NOT_FOUND', { schedule: id });
  const { createdById: _createdById, ...schedule } = found;
  return schedule;
}

export async function pauseSchedule(
  deps: Deps,
  actor: Actor,
  id: string,
  paused: boolean,
): Promise<Schedule> {
  mustReach(actor, null);
  await deps.database.transaction().execute(async (rows) => {
    const schedule = await mustFindSchedule(rows, id);
    await moveSchedule(rows, id, schedule.nextAt, {
      paused,
      nextAt: await nextRun(rows, schedule, deps.clock.now()),
    });
    await recordEffect(deps, rows, actor, {
      action: 'schedule.changed',
      subjectId: id,
      subjectName: schedule.name,
      details: { paused },
    });
  });
  deps.wakeups.wake(['rollouts', 'audit']);
  return mustFindSchedule(deps.database, id);
}

export async function removeSchedule(deps: Deps, actor: Actor, id: string): Promise<void> {
  mustReach(actor, null);
  await deps.database.transaction().execute(async (rows) => {
    const schedule = await mustFindSchedule(rows, id);
    await deleteSchedule(rows, id);
    await recordEffect(deps, rows, actor, {
      action: 'schedule.deleted',
      subjectId: id,
      subjectName: schedule.name,
    });
  });
  deps.wakeups.wake(['rollouts', 'audit']);
}
