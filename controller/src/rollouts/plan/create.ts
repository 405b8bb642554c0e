/** From a draft to an approved plan: create, edit, approve, delete. */

import { AppError } from '@preau/contract/errors.ts';
import type { RolloutDraft } from '@preau/contract/rollout-draft.ts';
import { rolloutCan } from '@preau/contract/rollout-states.ts';

import { mustReach } from '#src/accounts/reach.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { mustFind } from '../find.ts';
import { changeRollout, deleteRollout, insertRollout } from '../store.ts';
import { deleteTargets } from '../targets/store.ts';
import { deleteWaves } from '../waves/store.ts';
import { makePlanToAsk } from './make-plan.ts';
import type { FullPlan } from './plan.ts';
import { askServers } from './questions/ask.ts';
import { deleteQuestions } from './questions/store.ts';

type Deps = Pick<Platform, 'config' | 'database' | 'clock' | 'secrets' | 'wakeups'>;

const mustReachPlan = (actor: Actor, draft: RolloutDraft, plan: FullPlan) =>
  mustReach(
    actor,
    ...(draft.where.all
      ? [null]
      : [...draft.where.siteIds, ...plan.entries.map((entry) => entry.siteId)]),
  );

/** An empty plan is kept when servers have refused it, because the refusals are to be read. */
function mustConcernServers(plan: FullPlan): void {
  if (plan.entries.length === 0 && plan.refusals.length === 0)
    throw new AppError('PLAN_EMPTY', { leftOut: plan.leftOut.slice(0, 10) });
}

/** `asks`: servers are asked what the plan would do. Without it nobody reads the plan before it
 * starts, and each server asks its package manager when it is its turn. */
interface Making {
  asks: boolean;
  scheduleId: string | null;
}

/** Plans the draft and stores it as a rollout. Refuses with PLAN_EMPTY a draft that concerns no
 * server, and with OUT_OF_SCOPE one that concerns schools beyond the caller's. */
export async function createRollout(
  deps: Deps,
  actor: Actor,
  draft: RolloutDraft,
  { asks, scheduleId }: Making = { asks: true, scheduleId: null },
): Promise<string> {
  const now = deps.clock.now();
  const { id, topics } = await deps.database.transaction().execute(async (rows) => {
    const { plan, questions } = await makePlanToAsk(rows, draft, now);
    mustReachPlan(actor, draft, plan);
    mustConcernServers(plan);
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
    return { id, topics: asks ? await askServers(deps, rows, id, questions) : [] };
  });
  deps.wakeups.wake([...topics, 'rollouts', 'audit']);
  return id;
}

/** Edits the draft, or plans it again unchanged. Either way the former plan and its approval become
 * void. */
export async function changeDraft(
  deps: Deps,
  actor: Actor,
  id: string,
  draft: RolloutDraft | null,
  { asks }: Pick<Making, 'asks'> = { asks: true },
): Promise<void> {
  const topics = await deps.database.transaction().execute(async (rows) => {
    const rollout = await mustFind(rows, actor, id);
    if (!rolloutCan.edit(rollout)) throw new AppError('STATE_FORBIDS', { state: rollout.state });
    const wanted = draft ?? rollout.draft;
    const { plan, questions } = await makePlanToAsk(rows, wanted, deps.clock.now());
    mustReachPlan(actor, wanted, plan);
    mustConcernServers(plan);
    if (rollout.state === 'scheduled') {
      await deleteTargets(rows, id);
      await deleteWaves(rows, id);
    }
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
    return askServers(deps, rows, id, asks ? questions : []);
  });
  deps.wakeups.wake([...topics, 'rollouts', 'audit']);
}

/** Approves the plan with this `planHash`, the one that was read. Refuses with OWN_APPROVAL its
 * author, and with FORBIDDEN a token, because a script has not read the plan. */
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

/** Deletes a rollout that never began. */
export async function removeRollout(deps: Deps, actor: Actor, id: string): Promise<void> {
  await deps.database.transaction().execute(async (rows) => {
    const rollout = await mustFind(rows, actor, id);
    if (!rolloutCan.remove(rollout)) throw new AppError('STATE_FORBIDS', { state: rollout.state });
    await deleteQuestions(rows, id);
    await deleteRollout(rows, id);
    await recordEffect(deps, rows, actor, {
      action: 'rollout.removed',
      subjectId: id,
      subjectName: rollout.name,
    });
  });
  deps.wakeups.wake(['rollouts', 'audit']);
}
