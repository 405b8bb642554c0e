/** What a token, or a person of some schools, may do with a route, in one place and closed unless
 * opened: a new route that forgets to filter is refused to them, instead of telling them about the
 * other schools. */
import type { Route } from '@preau/contract/api.ts';
import { AppError } from '@preau/contract/errors.ts';
import { isOfSchool, isOfSchoolInAnswers, isReachedByVerb } from '@preau/contract/ids.ts';
import { mustReach, reachOf } from '#src/accounts/reach.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { selectSitesOf } from './sites-of.ts';

/** Every string in a value that came from, or becomes, JSON. Pure. */
export function stringsIn(value: unknown): Set<string> {
  const found = new Set<string>();
  const look = [value];
  while (look.length > 0) {
    const next = look.pop();
    if (typeof next === 'string') found.add(next);
    else if (typeof next === 'object' && next !== null)
      for (const inner of Object.values(next)) look.push(inner);
  }
  return found;
}

/** Before the verb. Refuses with FORBIDDEN what a token never does, with OUT_OF_SCOPE whatever
 * names one school too many. */
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
  // Nothing named is everything meant.
  if (
    route.reach !== 'city' &&
    route.method !== 'GET' &&
    ids.length === 0 &&
    !named.some(isReachedByVerb)
  )
    throw new AppError('OUT_OF_SCOPE');
}

/** Before the answer leaves. Refuses with OUT_OF_SCOPE an answer that names a school, a server or a
 * session of elsewhere. */
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
