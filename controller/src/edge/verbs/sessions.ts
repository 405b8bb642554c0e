import { AppError } from '@preau/contract/errors.ts';
import { reachOf } from '#src/accounts/reach.ts';
import { endSession } from '#src/sessions/end.ts';
import { attach, launch } from '#src/sessions/launch.ts';
import { portal } from '#src/sessions/portal.ts';
import { publicView, selectSession, selectSessionRows } from '#src/sessions/store.ts';
import { limitOf } from './limit.ts';
import type { EdgeDeps, Verbs } from './verb.ts';

/** Refuses with GATEWAY_UNREACHABLE at once what would end so after a long wait. */
function mustOpen({ health }: EdgeDeps): void {
  if (health.isDown('gateway')) throw new AppError('GATEWAY_UNREACHABLE');
}

export const sessionVerbs = {
  portal: async (deps, actor, _input, { address }) => ({
    items: await portal(deps, actor, address),
    cannotOpen: deps.health.isDown('gateway') ? 'GATEWAY_UNREACHABLE' : null,
  }),
  launchSession: async (deps, actor, { body }, { address }) => {
    mustOpen(deps);
    return launch(deps, actor, { ...body, address });
  },
  readSession: async (deps, actor, { params }) => {
    const session = await selectSession(deps.database, params.id);
    if (session === undefined || session.accountId !== actor.id)
      throw new AppError('NOT_FOUND', { session: params.id });
    return publicView(session);
  },
  attachSession: async (deps, actor, { params }, { address }) => {
    mustOpen(deps);
    return attach(deps, actor, params.id, address);
  },
  endSession: (deps, actor, { params }) => endSession(deps, actor, params.id),
  listSessions: async (deps, actor, { query }) => ({
    items: await selectSessionRows(deps.database, {
      state: query.state ?? null,
      limit: limitOf(query),
      siteIds: reachOf(actor),
    }),
  }),
} satisfies Partial<Verbs>;
