/** Identifies the caller and checks that the route admits this kind of caller. */
import { isTeacher, isTechnician } from '@preau/contract/account.ts';
import type { Route } from '@preau/contract/api.ts';
import { AppError } from '@preau/contract/errors.ts';
import type { FastifyRequest } from 'fastify';
import type { AccountActor, Actor } from '#src/platform/actor.ts';
import { sha256 } from '#src/platform/secrets.ts';
import { actorOfAgentCall, actorOfCookieOrToken, readAgentHeader } from './sign-in.ts';
import type { EdgeDeps } from './verbs/verb.ts';

const mayCall: Record<
  'signedIn' | 'teacher' | 'contact' | 'technician' | 'administrator',
  (actor: AccountActor) => boolean
> = {
  signedIn: () => true,
  teacher: (actor) => isTeacher(actor) || isTechnician(actor),
  contact: (actor) => actor.role === 'contact' || isTechnician(actor),
  technician: isTechnician,
  administrator: (actor) => actor.role === 'administrator',
};

export async function authorise(
  deps: EdgeDeps,
  { caller }: Route,
  request: FastifyRequest,
): Promise<Actor> {
  // A page of another origin must not act with the cookie of ours; agents and command lines send no
  // Origin.
  const { origin } = request.headers;
  if (origin !== undefined && request.method !== 'GET' && !deps.originAllowed(origin))
    throw new AppError('ORIGIN_REFUSED');
  switch (caller) {
    case 'public':
      return { kind: 'nobody', id: null, name: '?' };
    case 'agent': {
      const header = readAgentHeader(request.headers.authorization);
      if (header === null) throw new AppError('AGENT_REFUSED');
      return actorOfAgentCall(deps, {
        ...header,
        method: request.method,
        path: request.url,
        bodyHash: request.rawBody === null ? '' : sha256(request.rawBody),
      });
    }
    case 'signedIn':
    case 'teacher':
    case 'contact':
    case 'technician':
    case 'administrator': {
      const actor = await actorOfCookieOrToken(deps, request.raw).catch((error: unknown) => {
        if (!(error instanceof AppError) || error.code !== 'TOKEN_REFUSED') throw error;
        return deps.identity.addresses.fail(request.ip, error);
      });
      if (!mayCall[caller](actor)) throw new AppError('FORBIDDEN');
      return actor;
    }
  }
}
