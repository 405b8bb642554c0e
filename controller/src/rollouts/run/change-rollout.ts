/** Writes the decided changes of a rollout and its waves, and records them in the audit log. */

import type { AuditAction } from '@preau/contract/audit.ts';
import type { RolloutState } from '@preau/contract/rollout-states.ts';
import type { Topic } from '@preau/contract/topics.ts';

import { recordEffect } from '#src/audit/record.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import { changeRollout, type StoredRollout } from '../store.ts';
import { insertTargets } from '../targets/store.ts';
import { changeWave } from '../waves/store.ts';
import type { Decision, WaveChange } from './decision.ts';
import { findLateJoiners } from './late-joiners.ts';
import type { RolloutDeps, Snapshot } from './read-facts.ts';

const rolloutJob: Actor = { kind: 'job', id: 'rollouts.advance', name: 'rollouts.advance' };

/** Returns the topics to wake; none when somebody was faster. */
export async function changeWaveState(
  deps: RolloutDeps,
  rows: Rows,
  snapshot: Snapshot,
  change: WaveChange,
): Promise<Topic[]> {
  const { rollout } = snapshot;
  const now = deps.clock.now();
  const wave = snapshot.waves.find((candidate) => candidate.number === change.number);
  if (wave === undefined) return [];
  const closed = change.to === 'passed' || change.to === 'tripped' || change.to === 'skipped';
  const size =
    change.to === 'open' && wave.number === snapshot.waves.at(-1)?.number
      ? wave.size + (await insertLateJoiners(rows, snapshot, wave.number, now))
      : undefined;
  if (
    !(await changeWave(rows, rollout.id, wave, {
      state: change.to,
      ...(change.to === 'open' ? { openedAt: now } : {}),
      ...(change.soakUntil === undefined ? {} : { soakUntil: change.soakUntil }),
      ...(closed ? { closedAt: now } : {}),
      ...(size === undefined ? {} : { size }),
    }))
  )
    return [];
  if (change.to !== 'skipped' && change.to !== 'soaking')
    await recordEffect(deps, rows, rolloutJob, {
      action: `rollout.wave_${change.to === 'open' ? 'opened' : change.to}` as AuditAction,
      subjectId: rollout.id,
      subjectName: rollout.name,
      details: { wave: wave.number },
    });
  return [`rollout:${rollout.id}`, 'audit'];
}

/** Adds servers that joined since the plan was made to the last wave. Returns how many. */
async function insertLateJoiners(
  rows: Rows,
  { rollout, targets }: Snapshot,
  wave: number,
  now: number,
): Promise<number> {
  const late = await findLateJoiners(rows, rollout.draft, new Set(targets.keys()), now);
  if (late.length > 0)
    await insertTargets(
      rows,
      rollout.id,
      late.map((server) => ({ ...server, wave })),
      (rollout.startedAt ?? now) + rollout.draft.catchUpDays * 86_400_000,
      now,
    );
  return late.length;
}

const actionOf: Partial<Record<RolloutState, AuditAction>> = {
  running: 'rollout.started',
  paused: 'rollout.paused',
  completed: 'rollout.completed',
  completed_with_failures: 'rollout.completed',
  cancelled: 'rollout.cancelled',
  rolled_back: 'rollout.rolled_back',
  rolling_back: 'rollout.rolling_back',
  failed: 'rollout.failed',
  superseded: 'rollout.superseded',
};

/** Returns the topics to wake; none when somebody was faster. */
export async function changeRolloutState(
  deps: RolloutDeps,
  rows: Rows,
  rollout: StoredRollout,
  change: NonNullable<Decision['rollout']>,
): Promise<Topic[]> {
  const now = deps.clock.now();
  const over =
    change.to !== 'running' &&
    change.to !== 'paused' &&
    change.to !== 'rolling_back' &&
    change.to !== 'cancelling';
  const changed = await changeRollout(rows, rollout.id, rollout.version, {
    state: change.to,
    pauseReason: change.pauseReason ?? null,
    pausedAt: change.to === 'paused' ? now : null,
    note: change.note ?? null,
    ...(change.to === 'running' && rollout.startedAt === null ? { startedAt: now } : {}),
    ...(over ? { endedAt: now } : {}),
  });
  if (!changed) return [];
  const action = actionOf[change.to];
  if (action !== undefined)
    await recordEffect(deps, rows, rolloutJob, {
      action,
      subjectId: rollout.id,
      subjectName: rollout.name,
      details: {
        state: change.to,
        ...(change.pauseReason === undefined ? {} : { reason: change.pauseReason }),
        ...(change.note === undefined ? {} : { note: change.note.en }),
      },
    });
  return [`rollout:${rollout.id}`, 'audit'];
}
