/** From a draft to a rollout that runs: plan, edit, approve, start. */

import { arrivalTimeEnds } from '@preau/contract/calendar.ts';
import { AppError } from '@preau/contract/errors.ts';
import { frenchCalendar } from '@preau/contract/french-calendar.ts';
import type { RolloutDraft } from '@preau/contract/rollout-draft.ts';
import { isFinal, rolloutCan } from '@preau/contract/rollout-states.ts';
import { mustReach, reachOf } from '#src/accounts/reach.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import { holdStamp } from '#src/platform/stamps/store.ts';
import { selectSites } from '#src/sites/store.ts';
import { brakeOff, type RolloutDeps } from '../run/evaluate.ts';
import {
  changeRollout,
  deleteRollout,
  deleteTargets,
  insertRollout,
  insertTargets,
  insertWaves,
  type StoredRollout,
  selectActiveRollouts,
  selectCity,
  selectPlanEntries,
  selectRollout,
  selectTargets,
  selectVersions,
} from '../store.ts';
import { makePlan, readSettings, withdrawn } from './make-plan.ts';
import { type FullPlan, planDrift } from './plan.ts';

type Deps = Pick<RolloutDeps, 'database' | 'clock' | 'wakeups'>;

export async function mustFind(rows: Rows, actor: Actor, id: string): Promise<StoredRollout> {
  const rollout = await selectRollout(rows, id);
  if (rollout === undefined) throw new AppError('NOT_FOUND', { rollout: id });
  // A plan may have thousands of entries: they are read only for a caller who is limited to some
  // schools.
  if (reachOf(actor) !== null) mustReach(actor, ...(await sitesOf(rows, rollout)));
  return rollout;
}

/** Every site a rollout touches; null stands for the whole city, which a token of one school does
 * not reach. */
async function sitesOf(rows: Rows, rollout: StoredRollout): Promise<(string | null)[]> {
  if (rollout.draft.where.all) return [null];
  return [...new Set((await selectPlanEntries(rows, rollout.id)).map((entry) => entry.siteId))];
}

const mustReachPlan = (actor: Actor, draft: RolloutDraft, plan: FullPlan) =>
  mustReach(
    actor,
    ...(draft.where.all
      ? [null]
      : [...draft.where.siteIds, ...plan.entries.map((entry) => entry.siteId)]),
  );

/** Plans and keeps it. Refuses with PLAN_EMPTY what concerns no server, with OUT_OF_SCOPE what
 * reaches beyond the caller. */
export async function createRollout(
  deps: Deps,
  actor: Actor,
  draft: RolloutDraft,
  scheduleId: string | null = null,
): Promise<string> {
  const now = deps.clock.now();
  const id = await deps.database.transaction().execute(async (rows) => {
    const plan = await makePlan(rows, draft, now);
    mustReachPlan(actor, draft, plan);
    if (plan.entries.length === 0)
      throw new AppError('PLAN_EMPTY', { leftOut: plan.leftOut.slice(0, 10) });
    const id = await insertRollout(rows, {
      name: draft.name,
      state: plan.needsApproval ? 'awaiting_approval' : 'planned',
      draft,
      plan,
      createdById: actor.kind === 'account' ? actor.id : null,
      createdByName: actor.name,
      now,
      scheduleId,
    });
    await recordEffect(deps, rows, actor, {
      action: 'rollout.planned',
      subjectId: id,
      subjectName: draft.name,
      details: {
        sites: plan.totals.sites,
        servers: plan.totals.servers,
        applications: plan.applications.map((planned) => planned.slug),
      },
    });
    return id;
  });
  deps.wakeups.wake(['rollouts', 'audit']);
  return id;
}

/** Edits, or plans again without a change: either way plan and approval are void. */
export async function changeDraft(
  deps: Deps,
  actor: Actor,
  id: string,
  draft: RolloutDraft | null,
): Promise<void> {
  await deps.database.transaction().execute(async (rows) => {
    const rollout = await mustFind(rows, actor, id);
    if (!rolloutCan.edit(rollout)) throw new AppError('STATE_FORBIDS', { state: rollout.state });
    const wanted = draft ?? rollout.draft;
    const plan = await makePlan(rows, wanted, deps.clock.now());
    mustReachPlan(actor, wanted, plan);
    if (plan.entries.length === 0)
      throw new AppError('PLAN_EMPTY', { leftOut: plan.leftOut.slice(0, 10) });
    if (rollout.state === 'scheduled') await deleteTargets(rows, id);
    const changed = await changeRollout(rows, id, rollout.version, {
      draft: wanted,
      plan,
      state: plan.needsApproval ? 'awaiting_approval' : 'planned',
      approvedById: null,
      approvedByName: null,
    });
    if (!changed) throw new AppError('STATE_FORBIDS', { state: rollout.state });
    await recordEffect(deps, rows, actor, {
      action: 'rollout.changed',
      subjectId: id,
      subjectName: wanted.name,
    });
  });
  deps.wakeups.wake(['rollouts', 'audit']);
}

/** Binds to the plan that was read: `planHash`. Refuses with OWN_APPROVAL the one who planned it,
 * with FORBIDDEN a token: nobody has read the plan then. */
export async function approveRollout(
  deps: Deps,
  actor: Actor,
  id: string,
  planHash: string,
): Promise<void> {
  await deps.database.transaction().execute(async (rows) => {
    const rollout = await mustFind(rows, actor, id);
    if (!rolloutCan.approve(rollout)) throw new AppError('STATE_FORBIDS', { state: rollout.state });
    if (rollout.plan.hash !== planHash)
      throw new AppError('PLAN_DRIFTED', { plan: rollout.plan.hash });
    if (actor.kind !== 'account' || actor.token !== null) throw new AppError('FORBIDDEN');
    if (actor.id === rollout.createdById) throw new AppError('OWN_APPROVAL');
    if (
      !(await changeRollout(rows, id, rollout.version, {
        state: 'approved',
        approvedById: actor.id,
        approvedByName: actor.name,
      }))
    )
      throw new AppError('STATE_FORBIDS', { state: rollout.state });
    await recordEffect(deps, rows, actor, {
      action: 'rollout.approved',
      subjectId: id,
      subjectName: rollout.name,
      details: { plan: planHash },
    });
  });
  deps.wakeups.wake(['rollouts', 'audit']);
}

/** `force`: in spite of the morning arrival. Refuses with BRAKE_ON, NEEDS_APPROVAL, WITHDRAWN,
 * PLAN_DRIFTED (with the servers that differ), SCHOOL_ARRIVES. */
export async function startRollout(
  deps: Deps,
  actor: Actor,
  id: string,
  input: { planHash: string; force: boolean },
): Promise<void> {
  const now = deps.clock.now();
  const topics = await deps.database.transaction().execute(async (rows) => {
    const rollout = await mustFind(rows, actor, id);
    if (rollout.state === 'awaiting_approval') throw new AppError('NEEDS_APPROVAL');
    if (!rolloutCan.start(rollout)) throw new AppError('STATE_FORBIDS', { state: rollout.state });
    if (rollout.plan.hash !== input.planHash)
      throw new AppError('PLAN_DRIFTED', { plan: rollout.plan.hash });
    if ((await selectCity(rows, 'brake', brakeOff)).on) throw new AppError('BRAKE_ON');
    const settings = await readSettings(rows);
    const entries = await selectPlanEntries(rows, id);
    await mustBeOffered(rows, rollout.plan);
    const present = await makePlan(rows, rollout.draft, now);
    const drift = planDrift({ entries }, present);
    if (drift.share > settings.planDriftShare)
      throw new AppError('PLAN_DRIFTED', {
        servers: drift.servers.slice(0, 20),
        share: drift.share,
      });
    const { startAt } = rollout.draft;
    const later = startAt !== null && startAt > now;
    if (!later && !input.force) {
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
    const changed = await changeRollout(rows, id, rollout.version, {
      state: later ? 'scheduled' : 'running',
      forced: input.force,
      pauseReason: null,
      ...(later ? {} : { startedAt: now }),
    });
    if (!changed) throw new AppError('STATE_FORBIDS', { state: rollout.state });
    await insertWaves(
      rows,
      id,
      rollout.draft.waves.map((spec, index) => ({
        spec,
        size: entries.filter((entry) => entry.wave === index + 1).length,
      })),
    );
    // What left the fleet since the plan is not a target: its plan would never be carried out.
    const there = new Set(present.entries.map((entry) => entry.serverId));
    await insertTargets(
      rows,
      id,
      entries.filter((entry) => there.has(entry.serverId)),
      Math.max(startAt ?? now, now) + rollout.draft.catchUpDays * 86_400_000,
      now,
    );
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

/** A plan may be older than the catalogue. Refuses with WITHDRAWN; nothing leaves the catalogue
 * until the transaction ends. */
export async function mustBeOffered(rows: Rows, plan: StoredRollout['plan']): Promise<void> {
  await holdStamp(rows, 'catalogue');
  const brought = plan.applications.filter((planned) => planned.want === 'present');
  const versions = await selectVersions(
    rows,
    brought.map((planned) => planned.versionId),
  );
  const gone = brought.filter((planned) => versions.get(planned.versionId)?.withdrawn !== false);
  if (gone.length > 0) throw withdrawn(gone);
}

async function supersede(
  rows: Rows,
  rollout: StoredRollout,
  servers: ReadonlySet<string>,
): Promise<string[]> {
  const ours = new Set(rollout.plan.applications.map((planned) => planned.applicationId));
  const woken: string[] = [];
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

/** A rollout that never began may be thrown away. */
export async function removeRollout(deps: Deps, actor: Actor, id: string): Promise<void> {
  await deps.database.transaction().execute(async (rows) => {
    const rollout = await mustFind(rows, actor, id);
    if (!rolloutCan.remove(rollout)) throw new AppError('STATE_FORBIDS', { state: rollout.state });
    await deleteRollout(rows, id);
    await recordEffect(deps, rows, actor, {
      action: 'rollout.removed',
      subjectId: id,
      subjectName: rollout.name,
    });
  });
  deps.wakeups.wake(['rollouts', 'audit']);
}
