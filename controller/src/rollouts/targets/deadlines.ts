/** Deadlines of targets whose rollout was paused. */

import { isFinal, isNotStarted } from '@preau/contract/rollout-states.ts';
import type { Rows } from '#src/platform/database.ts';
import type { StoredRollout } from '../store.ts';
import { changeTarget, selectTargets } from './store.ts';

/** Extends the deadlines and leases of targets by the time for which their rollout was paused: of
 * those that had not started, or of `all` after a brake, which stops every timeout. */
export async function extendDeadlines(
  rows: Rows,
  rollout: Pick<StoredRollout, 'id' | 'pausedAt'>,
  which: 'not_started' | 'all',
  now: number,
): Promise<void> {
  const pausedFor = now - (rollout.pausedAt ?? now);
  if (pausedFor <= 0) return;
  for (const target of await selectTargets(rows, rollout.id)) {
    if (isFinal(target.state) || !(which === 'all' || isNotStarted(target.state))) continue;
    await changeTarget(
      rows,
      target,
      {
        deadlineAt: target.deadlineAt + pausedFor,
        ...(target.leaseUntil === null ? {} : { leaseUntil: target.leaseUntil + pausedFor }),
      },
      now,
    );
  }
}
