/** Starts a planned rollout, now or at its start time. */

import { arrivalTimeEnds } from '@preau/contract/calendar.ts';
import { AppError } from '@preau/contract/errors.ts';
import { frenchCalendar } from '@preau/contract/french-calendar.ts';
import type { RolloutSettings } from '@preau/contract/rollout.ts';
import type { PlanEntry } from '@preau/contract/rollout-plan.ts';
import { isFinal, rolloutCan } from '@preau/contract/rollout-states.ts';
import type { Topic } from '@preau/contract/topics.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { selectSites } from '#src/sites/store.ts';
import { mustFind } from '../find.ts';
import { mustNotBeBraked, readSettings } from '../settings.ts';
import {
  changeRollout,
  type StoredRollout,
  selectActiveRollouts,
  selectPlanEntries,
} from '../store.ts';
import { insertTargets, selectTargets } from '../targets/store.ts';
import { insertWaves } from '../waves/store.ts';
import { makePlan } from './make-plan.ts';
import { type FullPlan, planDrift } from './plan.ts';
import { considerAnswers, mustHaveAsked } from './questions/ask.ts';
import { stopAsking } from './questions/store.ts';
import { mustBeOffered } from './withdrawn.ts';

type Deps = Pick<Platform, 'database' | 'clock' | 'wakeups'>;

/** `force` starts it even while classes arrive in the morning. Refuses with BRAKE_ON,
 * NEEDS_APPROVAL, STATE_FORBIDS, PLAN_ASKING, PLAN_EMPTY, WITHDRAWN, PLAN_DRIFTED (with the servers
 * that differ), SCHOOL_ARRIVES. */
export async function startRollout(
  deps: Deps,
  actor: Actor,
  id: string,
  input: { planHash: string; force: boolean },
): Promise<void> {
  const now = deps.clock.now();
  // What has been answered counts, whether its wake-up came or not.
  await considerAnswers(deps, id);
  const topics = await deps.database.transaction().execute(async (rows): Promise<Topic[]> => {
    const rollout = await mustFind(rows, actor, id);
    if (rollout.state === 'awaiting_approval') throw new AppError('NEEDS_APPROVAL');
    if (!rolloutCan.start(rollout)) throw new AppError('STATE_FORBIDS', { state: rollout.state });
    if (rollout.plan.hash !== input.planHash)
      throw new AppError('PLAN_DRIFTED', { plan: rollout.plan.hash });
    await mustNotBeBraked(rows);
    await mustHaveAsked(rows, rollout, now);
    const settings = await readSettings(rows);
    const entries = await selectPlanEntries(rows, id);
    if (entries.length === 0)
      throw new AppError('PLAN_EMPTY', { leftOut: rollout.plan.leftOut.slice(0, 10) });
    await mustBeOffered(rows, rollout.plan);
    const present = await makePlan(rows, rollout.draft, now, rollout.plan.refusals);
    mustNotHaveDrifted(entries, present, settings);
    const { startAt } = rollout.draft;
    const later = startAt !== null && startAt > now;
    if (!later && !input.force) await mustNotArrive(rows, entries, settings, now);
    const changed = await changeRollout(rows, id, rollout.version, {
      state: later ? 'scheduled' : 'running',
      forced: input.force,
      pauseReason: null,
      ...(later ? {} : { startedAt: now }),
    });
    if (!changed) throw new AppError('STATE_FORBIDS', { state: rollout.state });
    await stopAsking(rows, id);
    await insertWavesAndTargets(rows, rollout, { entries, present }, now);
    await recordEffect(deps, rows, actor, {
      action: 'rollout.started',
      subjectId: id,
      subjectName: rollout.name,
      details: { plan: input.planHash, force: input.force, ...(later ? { at: startAt } : {}) },
    });
    return [
      `rollout:${id}`,
      ...(await supersede(rows, rollout, new Set(entries.map((entry) => entry.serverId)))),
    ];
  });
  deps.wakeups.wake([...topics, 'rollouts', 'audit']);
}

function mustNotHaveDrifted(
  entries: PlanEntry[],
  present: FullPlan,
  settings: RolloutSettings,
): void {
  const drift = planDrift({ entries }, present);
  if (drift.share > settings.planDriftShare)
    throw new AppError('PLAN_DRIFTED', {
      servers: drift.servers.slice(0, 20),
      share: drift.share,
    });
}

/** Refuses with SCHOOL_ARRIVES while the classes of a school arrive. */
async function mustNotArrive(
  rows: Rows,
  entries: readonly PlanEntry[],
  settings: RolloutSettings,
  now: number,
): Promise<void> {
  const concerned = new Set(entries.map((entry) => entry.siteId));
  const arriving = (await selectSites(rows)).find(
    (site) =>
      concerned.has(site.id) &&
      arrivalTimeEnds(
        frenchCalendar,
        { timeZone: site.timeZone, holidayZone: site.holidayZone, closures: settings.closures },
        now,
      ) !== null,
  );
  if (arriving !== undefined) throw new AppError('SCHOOL_ARRIVES', { site: arriving.name });
}

async function insertWavesAndTargets(
  rows: Rows,
  { id, draft }: StoredRollout,
  { entries, present }: { entries: readonly PlanEntry[]; present: FullPlan },
  now: number,
): Promise<void> {
  await insertWaves(
    rows,
    id,
    draft.waves.map((spec, index) => ({
      spec,
      size: entries.filter((entry) => entry.wave === index + 1).length,
    })),
  );
  // Servers that have left the plan since it was made become no targets: their orders would never
  // be carried out.
  const there = new Set(present.entries.map((entry) => entry.serverId));
  await insertTargets(
    rows,
    id,
    entries.filter((entry) => there.has(entry.serverId)),
    Math.max(draft.startAt ?? now, now) + draft.catchUpDays * 86_400_000,
    now,
  );
}

/** Marks as superseded the active rollouts whose applications and remaining servers are all covered
 * by this one. Returns the topics to wake. */
async function supersede(
  rows: Rows,
  rollout: StoredRollout,
  servers: ReadonlySet<string>,
): Promise<Topic[]> {
  const ours = new Set(rollout.plan.applications.map((planned) => planned.applicationId));
  const woken: Topic[] = [];
  for (const other of await selectActiveRollouts(rows)) {
    if (
      other.id === rollout.id ||
      other.state === 'cancelling' ||
      other.state === 'rolling_back' ||
      !other.plan.applications.every((planned) => ours.has(planned.applicationId))
    )
      continue;
    const left = (await selectTargets(rows, other.id)).filter((target) => !isFinal(target.state));
    if (left.length === 0 || !left.every((target) => servers.has(target.serverId))) continue;
    if (
      await changeRollout(rows, other.id, other.version, {
        state: 'running',
        pauseReason: null,
        supersededBy: rollout.id,
      })
    )
      woken.push(`rollout:${other.id}`);
  }
  return woken;
}
