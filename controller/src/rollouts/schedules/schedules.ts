/** Rollouts that repeat, and what time alone brings about. Rows say what is due; running it twice
 * is a no-op. */

import { nextOccurrence, type Place, recurrenceProblem } from '@preau/contract/calendar.ts';
import { AppError } from '@preau/contract/errors.ts';
import { frenchCalendar } from '@preau/contract/french-calendar.ts';
import type { RolloutSettings, Schedule, ScheduleDraft } from '@preau/contract/rollout.ts';
import { publishPolicy } from '#src/access/push.ts';
import { mustReach } from '#src/accounts/reach.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { selectSites } from '#src/sites/store.ts';
import { createRollout, startRollout } from '../plan/create.ts';
import { readSettings } from '../plan/make-plan.ts';
import { silence } from '../read.ts';
import { brakeOff, evaluateRollout, type RolloutDeps } from '../run/evaluate.ts';
import { setBrake } from '../steer.ts';
import {
  deleteSchedule,
  insertSchedule,
  moveSchedule,
  noteScheduleRun,
  saveCity,
  selectCity,
  selectRollout,
  selectRolloutsToLookAt,
  selectSchedules,
} from '../store.ts';

type Deps = Pick<RolloutDeps, 'config' | 'database' | 'clock' | 'secrets' | 'wakeups'>;

/** The clock of the first school it names; a city has one. */
async function nextRun(rows: Rows, draft: ScheduleDraft, after: number): Promise<number | null> {
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

export async function listSchedules(deps: Deps): Promise<Schedule[]> {
  return (await selectSchedules(deps.database)).map(
    ({ createdById: _createdById, ...schedule }) => schedule,
  );
}

export async function createSchedule(
  deps: Deps,
  actor: Actor,
  draft: ScheduleDraft,
): Promise<Schedule> {
  mustReach(
    actor,
    ...(draft.draft.where.all || draft.draft.where.siteIds.length === 0
      ? [null]
      : draft.draft.where.siteIds),
  );
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

export async function changeSettings(
  deps: Deps,
  actor: Actor,
  settings: RolloutSettings,
): Promise<RolloutSettings> {
  mustReach(actor, null);
  const topics = ['rollouts', 'audit'];
  await deps.database.transaction().execute(async (rows) => {
    const past = await readSettings(rows);
    await saveCity(rows, 'rollouts', settings, deps.clock.now());
    // The city's closures are days without class for rules too.
    if (past.closures.join() !== settings.closures.join())
      topics.push(
        ...(await publishPolicy(
          deps,
          rows,
          (await selectSites(rows)).map(({ id }) => id),
        )),
      );
    await recordEffect(deps, rows, actor, {
      action: 'rollout.settings_changed',
      subjectName: 'rollouts',
      details: {
        approvalAboveSites: settings.approvalAboveSites,
        brakeAtSilentShare: settings.brakeAtSilentShare,
        planDriftShare: settings.planDriftShare,
        closures: settings.closures.length,
      },
    });
  });
  deps.wakeups.wake(topics);
  return settings;
}

async function runDueSchedules(deps: RolloutDeps): Promise<void> {
  const now = deps.clock.now();
  for (const schedule of await selectSchedules(deps.database, { dueAt: now })) {
    // Whoever moves it on runs it: another controller finds it moved.
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
      // Begun a moment later: should the classes be arriving just then, it waits until they are in.
      rolloutId = await createRollout(
        deps,
        job,
        {
          ...schedule.draft,
          name: `${schedule.name} ${new Date(now).toISOString().slice(0, 10)}`,
          startAt: now + 1000,
        },
        schedule.id,
      );
      const rollout = await selectRollout(deps.database, rolloutId);
      if (rollout?.state === 'planned')
        await startRollout(deps, job, rolloutId, { planHash: rollout.plan.hash, force: false });
      else problem = 'NEEDS_APPROVAL';
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      problem = error.code;
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

/** Too small a fleet to tell a city's fault from a school's. */
const fewestServers = 5;

/** Goes on by itself when most of the fleet falls silent, and off again when most of it is back. */
async function watchFleet(deps: RolloutDeps): Promise<void> {
  const { silentServers, servers } = await silence(deps);
  const brake = await selectCity(deps.database, 'brake', brakeOff);
  const { brakeAtSilentShare } = await readSettings(deps.database);
  const share = servers === 0 ? 0 : silentServers / servers;
  const watch: Actor = { kind: 'job', id: 'rollouts.watch', name: 'rollouts.watch' };
  if (!brake.on && servers >= fewestServers && share >= brakeAtSilentShare)
    await setBrake(deps, watch, true, 'fleet', { silentServers, servers });
  else if (brake.on && brake.cause === 'fleet' && share < brakeAtSilentShare / 2)
    await setBrake(deps, watch, false);
}

export async function sweepRollouts(deps: RolloutDeps & Pick<Platform, 'log'>): Promise<void> {
  await watchFleet(deps);
  await runDueSchedules(deps);
  // One that cannot be looked at keeps nobody else waiting.
  for (const id of await selectRolloutsToLookAt(deps.database))
    await evaluateRollout(deps, id).catch((error: unknown) =>
      deps.log.error({ err: error, rollout: id }, 'rollout not looked at'),
    );
}
