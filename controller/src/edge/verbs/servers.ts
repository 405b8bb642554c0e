import { AppError } from '@preau/contract/errors.ts';
import { mustReach, reachOf, within } from '#src/accounts/reach.ts';
import { selectAddition, selectAdditions } from '#src/servers/additions/store.ts';
import { changeServer, drainServers, labelServers } from '#src/servers/change-server.ts';
import { wantApplication } from '#src/servers/desired/want-application.ts';
import { retireServer } from '#src/servers/enrolment/enrol.ts';
import { readDrift } from '#src/servers/fleet/drift/drift.ts';
import { selectFleet, selectServer, selectServers } from '#src/servers/fleet/store.ts';

import { cancelRestarts, restartServers } from '#src/servers/restarts/ask.ts';
import { endSessionsOfServer } from '#src/sessions/end.ts';
import { limitOf } from './limit.ts';
import type { Verbs } from './verb.ts';

export const serverVerbs = {
  listServers: async (deps, actor, { query }) => ({
    items: within(
      actor,
      await selectServers(deps.database, deps.clock.now(), query.site),
      (server) => server.siteId,
    ),
  }),
  readServer: async (deps, actor, { params }) => {
    const server = await selectServer(deps.database, params.id, deps.clock.now());
    if (server === undefined) throw new AppError('NOT_FOUND', { server: params.id });
    mustReach(actor, server.siteId);
    return server;
  },
  retireServer: async (deps, actor, { params }) => {
    await retireServer(deps, actor, params.id);
    await endSessionsOfServer(deps, actor, params.id);
    return null;
  },
  changeServer: (deps, actor, { params, body }) => changeServer(deps, actor, params.id, body),
  drainServers: async (deps, actor, { body }) => {
    await drainServers(deps, actor, body);
    return null;
  },
  labelServers: async (deps, actor, { body }) => {
    await labelServers(deps, actor, body);
    return null;
  },
  restartServers: async (deps, actor, { body }) => {
    await restartServers(deps, actor, body);
    return null;
  },
  cancelRestarts: async (deps, actor, { body }) => {
    await cancelRestarts(deps, actor, body);
    return null;
  },
  wantApplication: async (deps, actor, { params, body }) => {
    await wantApplication(deps, actor, {
      serverId: params.id,
      applicationId: params.applicationId,
      wanted: body.wanted,
    });
    return null;
  },
  readFleet: (deps, actor) => selectFleet(deps.database, deps.clock.now(), reachOf(actor)),
  readDrift: (deps, actor, { query }) =>
    readDrift(deps, actor, {
      search: query.search ?? '',
      after: query.after ?? null,
      limit: limitOf(query),
      onlyDifferences: query.only === 'differences',
    }),
  readHostKey: async (deps, actor, { body }) => ({
    hostKey: await deps.additions.hostKey(actor, body),
  }),
  addServer: (deps, actor, { body }) => deps.additions.add(actor, body),
  listAdditions: async (deps, actor) => ({
    items: within(actor, await selectAdditions(deps.database, 50), (addition) => addition.siteId),
  }),
  readAddition: async (deps, actor, { params }) => {
    const addition = await selectAddition(deps.database, params.id);
    if (addition === undefined) throw new AppError('NOT_FOUND', { addition: params.id });
    mustReach(actor, addition.siteId);
    return addition;
  },
  cancelAddition: (deps, actor, { params }) => deps.additions.cancel(actor, params.id),
} satisfies Partial<Verbs>;
