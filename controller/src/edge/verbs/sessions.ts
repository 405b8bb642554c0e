import { AppError } from '@preau/contract/errors.ts';
import { reachOf } from '#src/accounts/reach.ts';
import { endSession } from '#src/sessions/end.ts';
import { attach, launch } from '#src/sessions/launch.ts';
import { portal } from '#src/sessions/portal.ts';
import { publicView, selectSession, selectSessionRows } from '#src/sessions/store.ts';
import { limitOf } from './limit.ts';
import type { Verbs } from './verb.ts';

export const sessionVerbs = {
  portal: async (deps, actor, _input, { address }) => ({
    items: await portal(deps, actor, address),
  }),
  launchSession: (deps, actor, { body }, { address }) => launch(deps, actor, { ...body, address }),
  readSession: async (deps, actor, { params }) => {
    const session = await selectSession(deps.database, params.id);
    if (session === undefined || session.accountId !== actor.id)
      throw new AppError('NOT_FOUND', { session: params.id });
    return publicView(session);
  },
  attachSession: (deps, actor, { params }, { address }) => attach(deps, actor, params.id, address),
  endSession: (deps, actor, { params }) => endSession(deps, actor, params.id),
  listSessions: async (deps, actor, { query }) => ({
    items: await selectSessionRows(deps.database, {
      state: query.state ?? null,
      limit: limitOf(query),
      siteIds: reachOf(actor),
    }),
  }),
} satisfies Partial<Verbs>;
