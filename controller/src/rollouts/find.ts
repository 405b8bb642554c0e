/** Finds one rollout for a caller who may see it. */
import { AppError } from '@preau/contract/errors.ts';
import { mustReach, reachOf } from '#src/accounts/reach.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import { type StoredRollout, selectPlanEntries, selectRollout } from './store.ts';

/** Refuses with NOT_FOUND, and with OUT_OF_SCOPE a rollout that goes beyond the caller's
 * schools. */
export async function mustFind(rows: Rows, actor: Actor, id: string): Promise<StoredRollout> {
  const rollout = await selectRollout(rows, id);
  if (rollout === undefined) throw new AppError('NOT_FOUND', { rollout: id });
  // A plan may have thousands of entries, so they are read only for a caller limited to some
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
