/** How often one sign-in, or one personal token, may call. Each has a bucket for each pace; a call
 * takes one token, and the bucket fills again with time. Nothing is read from the database, and no
 * body, for a call that finds its bucket empty. */
import type { IncomingMessage } from 'node:http';
import { isTechnician } from '@preau/contract/account.ts';
import type { Route, RouteName } from '@preau/contract/api.ts';
import type { Actor } from '#src/platform/actor.ts';
import { budget } from '#src/platform/budget.ts';
import { slowDown } from '#src/platform/slow-down.ts';
import { TokenBuckets } from '#src/platform/token-bucket.ts';
import { type Pace, paceOf } from './paces.ts';
import { cookieOf } from './sign-in.ts';

/** Both refuse with SLOW_DOWN. */
export interface CallBuckets {
  /** Before anything is read: by the secret that the call brings. */
  call: (request: IncomingMessage, name: RouteName, route: Route) => void;
  /** Once the caller is known: a person who signs in a hundred times is one. */
  act: (actor: Actor, name: RouteName, route: Route) => void;
}

export function createCallBuckets(now = () => performance.now()): CallBuckets {
  const { paces } = budget.calls;
  const buckets: Record<Pace, TokenBuckets> = {
    read: new TokenBuckets(paces.read),
    write: new TokenBuckets(paces.write),
    personal: new TokenBuckets(paces.personal),
    launch: new TokenBuckets(paces.launch),
    costly: new TokenBuckets(paces.costly),
  };
  const take = (who: string, pace: Pace) => {
    const ms = buckets[pace].take(who, 1, now());
    if (ms > 0) throw slowDown(ms);
  };
  const isOfPeople = ({ caller }: Route) => caller !== 'public' && caller !== 'agent';
  return {
    call: (request, name, route) => {
      const secret = request.headers.authorization ?? cookieOf(request);
      if (isOfPeople(route) && secret !== null) take(secret, paceOf(name, route));
    },
    act: (actor, name, route) => {
      if (actor.kind !== 'account') return;
      const pace = paceOf(name, route);
      if (pace === 'launch' || pace === 'costly') take(actor.id, pace);
      else if (pace === 'write' && !isTechnician(actor)) take(actor.id, 'personal');
    },
  };
}
