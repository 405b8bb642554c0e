/** Controls a rollout: pause, resume, open gates, cancel, retry, roll back, and finish without the
 * silent servers. */

import type { AuditAction } from '@preau/contract/audit.ts';
import { AppError } from '@preau/contract/errors.ts';
import type { CancelKind } from '@preau/contract/order.ts';
import { isBad, isRolloutActive, isWaiting, rolloutCan } from '@preau/contract/rollout-states.ts';

import { selectApplications } from '#src/applications/store.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { holdStamp } from '#src/platform/stamps/store.ts';
import { mustFind } from './find.ts';
import { mustBeOffered, withdrawn } from './plan/withdrawn.ts';
import { itemsToRestore } from './run/restore.ts';
import { ranOutOfTime } from './run/trip.ts';
import { mustNotBeBraked } from './settings.ts';
import { changeRollout, type RolloutChange, type StoredRollout, takeFence } from './store.ts';
import { extendDeadlines } from './targets/deadlines.ts';
import { freshAttempt } from './targets/fresh-attempt.ts';
import { changeTarget, type StoredTarget, selectTargets } from './targets/store.ts';
import { changeWave, selectWaves } from './waves/store.ts';

type Deps = Pick<Platform, 'database' | 'clock' | 'wakeups'>;

/** Each verb finds the rollout, checks, changes it with compare-and-set, records and wakes. */
async function steer(
  deps: Deps,
  actor: Actor,
  id: string,
  audited: { action: AuditAction; details?: Record<string, unknown> },
  change: (rows: Rows, rollout: StoredRollout) => Promise<RolloutChange>,
): Promise<void> {
  await deps.database.transaction().execute(async (rows) => {
    const rollout = await mustFind(rows, actor, id);
    const set = await change(rows, rollout);
    if (!(await changeRollout(rows, id, rollout.version, set)))
      throw new AppError('STATE_FORBIDS', { state: rollout.state });
    // An evaluation that decided before this change can no longer write.
    await takeFence(rows, id);
    await recordEffect(deps, rows, actor, {
      action: audited.action,
      subjectId: id,
      subjectName: rollout.name,
      details: audited.details ?? {},
    });
  });
  deps.wakeups.wake([`rollout:${id}`, 'rollouts', 'audit']);
}

const must = (allowed: boolean, rollout: StoredRollout) => {
  if (!allowed) throw new AppError('STATE_FORBIDS', { state: rollout.state });
};

/** No new offers; running installations finish; orders that have not begun are held, and their
 * deadlines stand still. */
export const pauseRollout = (deps: Deps, actor: Actor, id: string): Promise<void> =>
  steer(
    deps,
    actor,
    id,
    { action: 'rollout.paused', details: { reason: 'user' } },
    async (_rows, rollout) => {
      must(rolloutCan.pause(rollout), rollout);
      return { state: 'paused', pauseReason: 'user', pausedAt: deps.clock.now(), note: null };
    },
  );

/** Also opens a gate, and accepts the failures that tripped a wave: the wave goes on, and trips
 * again only on further failures. */
export const resumeRollout = (deps: Deps, actor: Actor, id: string): Promise<void> =>
  steer(deps, actor, id, { action: 'rollout.resumed' }, async (rows, rollout) => {
    must(rolloutCan.resume(rollout), rollout);
    await mustNotBeBraked(rows);
    await extendDeadlines(rows, rollout, 'not_started', deps.clock.now());
    await openTripped(rows, rollout, true);
    return { state: 'running', pauseReason: null, pausedAt: null, note: null };
  });

/** Reopens tripped waves. `tolerate`: accept their failures so far. `again`: waves with new
 * attempts, reopened also when a cancelled rollout had skipped them. */
async function openTripped(
  rows: Rows,
  rollout: StoredRollout,
  tolerate: boolean,
  again: ReadonlySet<number> = new Set(),
): Promise<void> {
  const targets = await selectTargets(rows, rollout.id);
  for (const wave of await selectWaves(rows, rollout.id)) {
    if (wave.state !== 'tripped' && !(wave.state === 'skipped' && again.has(wave.number))) continue;
    const members = tolerate ? targets.filter((target) => target.wave === wave.number) : [];
    const tolerated = members.filter(
      (target) => target.state === 'failed' || target.state === 'rejected',
    ).length;
    await changeWave(rows, rollout.id, wave, {
      state: 'open',
      closedAt: null,
      tolerated,
      toleratedLate: members.filter(ranOutOfTime).length,
    });
  }
}

/** `kill` stops installers in the middle: administrators only. */
export const cancelRollout = (
  deps: Deps,
  actor: Actor,
  id: string,
  kind: CancelKind,
): Promise<void> =>
  steer(
    deps,
    actor,
    id,
    { action: 'rollout.cancelling', details: { kind } },
    async (_rows, rollout) => {
      if (kind === 'kill' && !(actor.kind === 'account' && actor.role === 'administrator'))
        throw new AppError('FORBIDDEN', { right: 'kill' });
      must(rolloutCan.cancel(rollout), rollout);
      return isRolloutActive(rollout)
        ? { state: 'cancelling', cancelKind: kind, pauseReason: null, note: null }
        : { state: 'cancelled', endedAt: deps.clock.now() };
    },
  );

/** Begins a new attempt only on targets that failed, timed out or were refused. Refuses with
 * NOTHING_TO_RETRY when there are none. */
export const retryRollout = (deps: Deps, actor: Actor, id: string): Promise<void> =>
  steer(deps, actor, id, { action: 'rollout.retried' }, async (rows, rollout) => {
    must(rolloutCan.retry(rollout), rollout);
    await mustNotBeBraked(rows);
    const now = deps.clock.now();
    const bad = (await selectTargets(rows, id)).filter((target) => isBad(target.state));
    if (bad.length === 0) throw new AppError('NOTHING_TO_RETRY');
    for (const target of bad) {
      await changeTarget(
        rows,
        target,
        {
          state: 'queued',
          attempt: target.attempt + 1,
          ...freshAttempt,
          reason: null,
          deadlineAt: now + rollout.draft.catchUpDays * 86_400_000,
        },
        now,
      );
    }
    await openTripped(rows, rollout, false, new Set(bad.map((target) => target.wave)));
    const restoring = bad.some((target) => target.action === 'restore');
    await (restoring ? mustBeThere(rows, rollout, bad) : mustBeOffered(rows, rollout.plan));
    return {
      state: restoring ? 'rolling_back' : 'running',
      pauseReason: null,
      pausedAt: null,
      note: null,
      endedAt: null,
    };
  });

/** Restores on the servers of one wave, or of all, what they had before this rollout, where that is
 * known to have worked. Refuses with NOTHING_TO_ROLL_BACK. */
export const rollBackRollout = (
  deps: Deps,
  actor: Actor,
  id: string,
  wave: number | null,
): Promise<void> =>
  steer(
    deps,
    actor,
    id,
    { action: 'rollout.rolling_back', details: { wave } },
    async (rows, rollout) => {
      must(rolloutCan.rollBack(rollout), rollout);
      const targets = await selectTargets(rows, id);
      if (
        !targets.some(
          (target) =>
            target.action === 'install' &&
            (wave === null || target.wave === wave) &&
            itemsToRestore(rollout, target).length > 0,
        )
      )
        throw new AppError('NOTHING_TO_ROLL_BACK');
      await mustBeThere(rows, rollout, targets);
      return {
        state: 'rolling_back',
        rollbackWave: wave,
        pauseReason: null,
        pausedAt: null,
        note: null,
        endedAt: null,
      };
    },
  );

/** A rollback may restore a withdrawn version, but not an application that is withdrawn altogether,
 * because nobody could open it. Refuses with WITHDRAWN. */
async function mustBeThere(
  rows: Rows,
  rollout: StoredRollout,
  targets: readonly StoredTarget[],
): Promise<void> {
  await holdStamp(rows, 'catalogue');
  const back = new Set(
    targets
      .flatMap((target) => itemsToRestore(rollout, target))
      .filter(({ versionId }) => versionId !== null)
      .map(({ applicationId }) => applicationId),
  );
  const gone =
    back.size === 0
      ? []
      : (await selectApplications(rows, { learnt: false, among: 'withdrawn' })).filter(({ id }) =>
          back.has(id),
        );
  if (gone.length > 0) throw withdrawn(gone);
}

/** Ends the rollout without the servers that are still waiting. Waves to come are skipped, not
 * opened: an open wave would take in servers that have joined since. */
export const finishRollout = (deps: Deps, actor: Actor, id: string): Promise<void> =>
  steer(deps, actor, id, { action: 'rollout.finished' }, async (rows, rollout) => {
    must(rolloutCan.finish(rollout), rollout);
    const now = deps.clock.now();
    for (const wave of await selectWaves(rows, id))
      if (wave.state === 'pending')
        await changeWave(rows, id, wave, { state: 'skipped', closedAt: now });
    for (const target of await selectTargets(rows, id))
      if (isWaiting(target.state))
        await changeTarget(
          rows,
          target,
          { state: 'skipped', reason: 'not_waited_for', finishedAt: now },
          now,
        );
    return { state: 'running', pauseReason: null, pausedAt: null, note: null };
  });
