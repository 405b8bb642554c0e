/** Steering a rollout that runs: pause, resume, gates, cancel, retry, roll back, finish without the
 * silent; and the brake. */
import type { AuditAction } from '@preau/contract/audit.ts';
import { AppError } from '@preau/contract/errors.ts';
import type { CancelKind } from '@preau/contract/order.ts';
import type { Brake } from '@preau/contract/rollout.ts';
import {
  isBad,
  isFinal,
  isNotStarted,
  isRolloutActive,
  isWaiting,
  rolloutCan,
} from '@preau/contract/rollout-states.ts';
import { mustReach } from '#src/accounts/reach.ts';
import { selectApplications } from '#src/applications/store.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import { holdStamp } from '#src/platform/stamps/store.ts';
import { mustBeOffered, mustFind } from './plan/create.ts';
import { withdrawn } from './plan/make-plan.ts';
import { ranOutOfTime } from './run/advance.ts';
import { brakeOff, type RolloutDeps, restored } from './run/evaluate.ts';
import {
  changeRollout,
  changeTarget,
  changeWave,
  type RolloutChange,
  type StoredRollout,
  type StoredTarget,
  saveCity,
  selectActiveRollouts,
  selectCity,
  selectTargets,
  selectWaves,
  takeFence,
} from './store.ts';

type Deps = Pick<RolloutDeps, 'database' | 'clock' | 'wakeups'>;

/** One verb: find, check, change with compare-and-set, tell, wake. */
async function steer(
  deps: Deps,
  actor: Actor,
  id: string,
  action: AuditAction,
  details: Record<string, unknown>,
  change: (rows: Rows, rollout: StoredRollout) => Promise<RolloutChange>,
): Promise<void> {
  await deps.database.transaction().execute(async (rows) => {
    const rollout = await mustFind(rows, actor, id);
    const set = await change(rows, rollout);
    if (!(await changeRollout(rows, id, rollout.version, set)))
      throw new AppError('STATE_FORBIDS', { state: rollout.state });
    // Whoever decided before can no longer carry it out.
    await takeFence(rows, id);
    await recordEffect(deps, rows, actor, {
      action,
      subjectId: id,
      subjectName: rollout.name,
      details,
    });
  });
  deps.wakeups.wake([`rollout:${id}`, 'rollouts', 'audit']);
}

const must = (allowed: boolean, rollout: StoredRollout) => {
  if (!allowed) throw new AppError('STATE_FORBIDS', { state: rollout.state });
};

/** No new offers; what runs finishes; what has not begun is held, and its time stands still. */
export const pauseRollout = (deps: Deps, actor: Actor, id: string): Promise<void> =>
  steer(deps, actor, id, 'rollout.paused', { reason: 'user' }, async (_rows, rollout) => {
    must(rolloutCan.pause(rollout), rollout);
    return { state: 'paused', pauseReason: 'user', pausedAt: deps.clock.now(), note: null };
  });

/** Also opens a gate, and accepts the failures that tripped a wave: the wave goes on, and trips
 * anew only on further ones. */
export const resumeRollout = (deps: Deps, actor: Actor, id: string): Promise<void> =>
  steer(deps, actor, id, 'rollout.resumed', {}, async (rows, rollout) => {
    must(rolloutCan.resume(rollout), rollout);
    if ((await selectCity(rows, 'brake', brakeOff)).on) throw new AppError('BRAKE_ON');
    await freeDeadlines(deps, rows, rollout, false);
    await openTripped(rows, rollout, true);
    return { state: 'running', pauseReason: null, pausedAt: null, note: null };
  });

/** `again`: waves in which something begins anew; a cancelled rollout had left them out. */
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

/** What stood still while it was paused gets its time back; behind a brake, everything stood
 * still. */
async function freeDeadlines(
  deps: Deps,
  rows: Rows,
  rollout: StoredRollout,
  everything: boolean,
): Promise<void> {
  const now = deps.clock.now();
  const stood = now - (rollout.pausedAt ?? now);
  if (stood <= 0) return;
  for (const target of await selectTargets(rows, rollout.id)) {
    if (isFinal(target.state) || !(everything || isNotStarted(target.state))) continue;
    await changeTarget(
      rows,
      target,
      {
        deadlineAt: target.deadlineAt + stood,
        ...(target.leaseUntil === null ? {} : { leaseUntil: target.leaseUntil + stood }),
      },
      now,
    );
  }
}

/** `kill` stops installers in the middle: administrators only. */
export const cancelRollout = (
  deps: Deps,
  actor: Actor,
  id: string,
  kind: CancelKind,
): Promise<void> =>
  steer(deps, actor, id, 'rollout.cancelling', { kind }, async (_rows, rollout) => {
    if (kind === 'kill' && !(actor.kind === 'account' && actor.role === 'administrator'))
      throw new AppError('FORBIDDEN', { right: 'kill' });
    must(rolloutCan.cancel(rollout), rollout);
    return isRolloutActive(rollout)
      ? { state: 'cancelling', cancelKind: kind, pauseReason: null, note: null }
      : { state: 'cancelled', endedAt: deps.clock.now() };
  });

/** Only what failed, timed out or was refused begins a new attempt; what went well is left
 * alone. */
export const retryRollout = (deps: Deps, actor: Actor, id: string): Promise<void> =>
  steer(deps, actor, id, 'rollout.retried', {}, async (rows, rollout) => {
    must(rolloutCan.retry(rollout), rollout);
    if ((await selectCity(rows, 'brake', brakeOff)).on) throw new AppError('BRAKE_ON');
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
          orderId: null,
          order: null,
          lastSeq: 0,
          leaseUntil: null,
          notBefore: null,
          reason: null,
          code: null,
          message: null,
          badge: null,
          finishedAt: null,
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

/** Brings servers back to what they had before this rollout, where that is known to have worked:
 * all it touched, or one wave. */
export const rollBackRollout = (
  deps: Deps,
  actor: Actor,
  id: string,
  wave: number | null,
): Promise<void> =>
  steer(deps, actor, id, 'rollout.rolling_back', { wave }, async (rows, rollout) => {
    must(rolloutCan.rollBack(rollout), rollout);
    const targets = await selectTargets(rows, id);
    if (
      !targets.some(
        (target) =>
          target.action === 'install' &&
          (wave === null || target.wave === wave) &&
          restored(rollout, target).length > 0,
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
  });

/** A version that has left the catalogue can be gone back to; an application that has left it would
 * be there and nobody could open it. */
async function mustBeThere(
  rows: Rows,
  rollout: StoredRollout,
  targets: readonly StoredTarget[],
): Promise<void> {
  await holdStamp(rows, 'catalogue');
  const back = new Set(
    targets
      .flatMap((target) => restored(rollout, target))
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

/** Ends it without the schools that never answered. */
export const finishRollout = (deps: Deps, actor: Actor, id: string): Promise<void> =>
  steer(deps, actor, id, 'rollout.finished', {}, async (rows, rollout) => {
    must(rolloutCan.finish(rollout), rollout);
    const now = deps.clock.now();
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

// ---- the brake ------------------------------------------------------------------------------------------------------------

/** On: every rollout stands still, verdicts too. Off: they go on where they were. Safe to
 * repeat. */
export async function setBrake(
  deps: Deps,
  actor: Actor,
  on: boolean,
  cause: 'technician' | 'fleet' = 'technician',
  silence: { silentServers: number; servers: number } = { silentServers: 0, servers: 0 },
): Promise<void> {
  mustReach(actor, null);
  const now = deps.clock.now();
  const topics = await deps.database.transaction().execute(async (rows) => {
    const past = await selectCity(rows, 'brake', brakeOff);
    if (past.on === on) return [];
    const brake: Brake = on ? { on, cause, by: actor.name, at: now, ...silence } : brakeOff;
    await saveCity(rows, 'brake', brake, now);
    const woken: string[] = [];
    for (const rollout of await selectActiveRollouts(rows)) {
      await takeFence(rows, rollout.id);
      if (on && rollout.state === 'running')
        await changeRollout(rows, rollout.id, rollout.version, {
          state: 'paused',
          pauseReason: 'brake',
          pausedAt: now,
        });
      if (!on && rollout.state === 'paused' && rollout.pauseReason === 'brake') {
        await freeDeadlines(deps, rows, rollout, true);
        await changeRollout(rows, rollout.id, rollout.version, {
          state: 'running',
          pauseReason: null,
          pausedAt: null,
        });
      }
      woken.push(`rollout:${rollout.id}`);
    }
    await recordEffect(deps, rows, actor, {
      action: on ? 'brake.set' : 'brake.released',
      subjectName: cause,
      details: on ? { cause, ...silence } : {},
    });
    return [...woken, 'rollouts', 'audit'];
  });
  deps.wakeups.wake(topics);
}
