/** How far a caller reaches: a token may be limited to some schools. Everyone else reaches the whole city. Pure. */
import { AppError } from '@preau/contract/errors.ts';
import type { Actor } from '#src/platform/actor.ts';

/** Null: the whole city. */
export const reachOf = (actor: Actor): readonly string[] | null => (actor.kind === 'account' ? (actor.token?.siteIds ?? null) : null);

export function reaches(actor: Actor, siteId: string | null): boolean {
  const own = reachOf(actor);
  return own === null || (siteId !== null && own.includes(siteId));
}

/** Refuses with OUT_OF_SCOPE. `siteId` null: something of the whole city. One foreign school refuses the whole call: give
 *  all of them before anything is done. */
export function mustReach(actor: Actor, ...siteIds: readonly (string | null)[]): void {
  const foreign = siteIds.find((siteId) => !reaches(actor, siteId));
  if (foreign !== undefined) throw new AppError('OUT_OF_SCOPE', foreign === null ? {} : { site: foreign });
}

/** What of a list the caller may see. */
export const within = <T>(actor: Actor, items: readonly T[], siteOf: (item: T) => string | null): T[] => items.filter((item) => reaches(actor, siteOf(item)));
