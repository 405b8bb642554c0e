/** How often one sign-in, or one personal token, may call. Each has a bucket of tokens for each
 * pace; a call takes one, and the bucket fills again with time. Nothing is read from the database
 * for a call that finds its bucket empty. */
import type { IncomingMessage } from 'node:http';
import { isTechnician } from '@preau/contract/account.ts';
import type { Route, RouteName } from '@preau/contract/api.ts';
import { AppError } from '@preau/contract/errors.ts';
import type { Actor } from '#src/platform/actor.ts';
import { budget } from '#src/platform/budget.ts';
import { type Pace, paceOf } from './paces.ts';
import { cookieOf } from './sign-in.ts';

const { paces, bucketsKept } = budget.calls;

interface Bucket {
  tokens: number;
  at: number;
}

/** Takes one token. `waitMs` until there is one again; 0: it was taken. Pure. */
export function take(
  past: Bucket | undefined,
  { burst, perS }: { burst: number; perS: number },
  now: number,
): { bucket: Bucket; waitMs: number } {
  const tokens =
    past === undefined ? burst : Math.min(burst, past.tokens + ((now - past.at) / 1000) * perS);
  return tokens >= 1
    ? { bucket: { tokens: tokens - 1, at: now }, waitMs: 0 }
    : { bucket: { tokens, at: now }, waitMs: ((1 - tokens) / perS) * 1000 };
}

interface Buckets {
  /** `who`: a sign-in, a token or an account. Refuses with SLOW_DOWN. */
  take: (who: string, pace: Pace) => void;
}

export function createBuckets(now = () => performance.now()): Buckets {
  const buckets = new Map<string, Bucket>();
  return {
    take: (who, pace) => {
      const key = `${pace} ${who}`;
      const { bucket, waitMs } = take(buckets.get(key), paces[pace], now());
      buckets.delete(key);
      buckets.set(key, bucket);
      // Bounded however many callers there are: the one that called longest ago has a full bucket.
      if (buckets.size > bucketsKept) buckets.delete(buckets.keys().next().value ?? '');
      if (waitMs > 0) throw new AppError('SLOW_DOWN', { retryAfterS: Math.ceil(waitMs / 1000) });
    },
  };
}

export interface CallBuckets {
  /** Before anything is read: by the secret that the call brings. */
  call: (request: IncomingMessage, name: RouteName, route: Route) => void;
  /** Once the caller is known: a person who signs in a hundred times is one. */
  act: (actor: Actor, name: RouteName, route: Route) => void;
}

export function createCallBuckets(buckets = createBuckets()): CallBuckets {
  const isOfPeople = ({ caller }: Route) => caller !== 'public' && caller !== 'agent';
  return {
    call: (request, name, route) => {
      const secret = request.headers.authorization ?? cookieOf(request);
      if (isOfPeople(route) && secret !== null) buckets.take(secret, paceOf(name, route));
    },
    act: (actor, name, route) => {
      if (actor.kind !== 'account') return;
      const pace = paceOf(name, route);
      if (pace === 'launch' || pace === 'costly') buckets.take(actor.id, pace);
      else if (pace === 'write' && !isTechnician(actor)) buckets.take(actor.id, 'personal');
    },
  };
}
