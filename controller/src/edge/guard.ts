/** Limits what a token, or a person limited to some schools, may do with any route. Access is
 * denied by default: a new route that forgets to filter refuses them instead of disclosing other
 * schools. */
import type { Route } from '@preau/contract/api.ts';
import { AppError } from '@preau/contract/errors.ts';
import { isOfSchool, isOfSchoolInAnswers, isReachedByVerb } from '@preau/contract/ids.ts';
import { mustReach, reachOf } from '#src/accounts/reach.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { selectSitesOf } from './sites-of.ts';

/** Collects every string in a JSON value; the bytes of a file hold none. Pure. */
export function stringsIn(value: unknown): Set<string> {
  const found = new Set<string>();
  const look = [value];
  while (look.length > 0) {
    const next = look.pop();
    if (typeof next === 'string') found.add(next);
    else if (typeof next === 'object' && next !== null && !ArrayBuffer.isView(next))
      for (const inner of Object.values(next)) look.push(inner);
  }
  return found;
}

/** Runs before the verb. Refuses with FORBIDDEN a call that no token, or no read-only token, may
 * make, and with OUT_OF_SCOPE input that concerns a school beyond the caller's. */
export async function guardInput(
  deps: Pick<Platform, 'database'>,
  actor: Actor,
  route: Route,
  input: unknown,
): Promise<void> {
  if (actor.kind !== 'account') return;
  const { token } = actor;
  if (token !== null && (route.reach === 'self' || (token.readOnly && route.method !== 'GET')))
    throw new AppError('FORBIDDEN', { token: token.readOnly ? 'read' : 'technician' });
  if (reachOf(actor) === null || route.reach === 'self') return;
  if (route.reach === 'city' && route.method !== 'GET') throw new AppError('OUT_OF_SCOPE');
  const named = [...stringsIn(input)];
  const ids = named.filter(isOfSchool);
  mustReach(actor, ...(await selectSitesOf(deps.database, ids)));
  // Input that names nothing would mean the whole city.
  if (
    route.reach !== 'city' &&
    route.method !== 'GET' &&
    ids.length === 0 &&
    !named.some(isReachedByVerb)
  )
    throw new AppError('OUT_OF_SCOPE');
}

/** Runs before the answer is sent. Refuses with OUT_OF_SCOPE an answer that names a school, server
 * or session beyond the caller's. */
export async function guardReply(
  deps: Pick<Platform, 'database'>,
  actor: Actor,
  route: Route,
  reply: unknown,
): Promise<void> {
  if (reachOf(actor) === null || route.reach === 'self' || route.path === '/api/me') return;
  mustReach(
    actor,
    ...(await selectSitesOf(deps.database, [...stringsIn(reply)].filter(isOfSchoolInAnswers))),
  );
}
