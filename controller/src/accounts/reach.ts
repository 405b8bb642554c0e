/** Which schools a caller can access. Technicians reach the schools they look after, which may be
 * all; everybody else reaches their own; a token never reaches more than its owner, and often less.
 * Pure. */
import { type Account, isTechnician } from '@preau/contract/account.ts';
import { AppError } from '@preau/contract/errors.ts';
import type { AccountActor, Actor, TokenScope } from '#src/platform/actor.ts';

/** `signIn`: hash of the cookie's secret, empty for a token. */
export function actorOf(
  account: Account,
  signIn: string,
  token: TokenScope | null = null,
): AccountActor {
  // A token has at most a technician's rights.
  const role = token !== null && account.role === 'administrator' ? 'technician' : account.role;
  const own = isTechnician(account)
    ? account.siteIds
    : account.siteId === null
      ? []
      : [account.siteId];
  const given = token?.siteIds ?? null;
  const siteIds =
    own === null ? given : given === null ? own : given.filter((id) => own.includes(id));
  return {
    kind: 'account',
    id: account.id,
    name: account.displayName,
    role,
    siteId: account.siteId,
    siteIds,
    signIn,
    token,
  };
}

/** Null: the whole city. */
export const reachOf = (actor: Actor): readonly string[] | null =>
  actor.kind === 'account' ? actor.siteIds : null;

export function reaches(actor: Actor, siteId: string | null): boolean {
  const own = reachOf(actor);
  return own === null || (siteId !== null && own.includes(siteId));
}

/** Refuses with OUT_OF_SCOPE. `siteId` null: something of the whole city. One school out of reach
 * refuses the whole call, so pass all of them before changing anything. */
export function mustReach(actor: Actor, ...siteIds: readonly (string | null)[]): void {
  const foreign = siteIds.find((siteId) => !reaches(actor, siteId));
  if (foreign !== undefined)
    throw new AppError('OUT_OF_SCOPE', foreign === null ? {} : { site: foreign });
}

/** The items of a list that the caller may see. */
export const within = <T>(
  actor: Actor,
  items: readonly T[],
  siteOf: (item: T) => string | null,
): T[] => items.filter((item) => reaches(actor, siteOf(item)));
