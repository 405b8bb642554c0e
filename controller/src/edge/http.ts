/** The HTTP server: security headers, the API, the console's files, the hub and the gateway on one
 * port. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import compress from '@fastify/compress';
import cookie from '@fastify/cookie';
import { hubPath } from '@preau/contract/hub.ts';
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { budget } from '#src/platform/budget.ts';
import { within } from '#src/platform/deadlines.ts';
import { pinoOf } from '#src/platform/log.ts';
import { createAnswerMemo } from './answer-memo.ts';
import { acceptBodies } from './bodies.ts';
import { createCallBuckets } from './buckets.ts';
import { createAddressOf } from './client-address.ts';
import { type Connections, watchConnections } from './connections.ts';
import { createGateway, tunnelPath } from './gateway/gateway.ts';
import { createHub } from './hub.ts';
import { mountApi } from './mount.ts';
import { serveOpenApi } from './openapi.ts';
import { readConsole, sendSecurityHeaders, servePages } from './pages.ts';
import { answerRefusals } from './refusals.ts';
import { actorOfCookie, cookieOf } from './sign-in.ts';
import { mountStreams } from './streams.ts';
import { routeUpgrades } from './upgrades.ts';
import type { EdgeDeps } from './verbs/verb.ts';

export async function createHttp(deps: EdgeDeps): Promise<FastifyInstance> {
  const loggerInstance: FastifyBaseLogger = pinoOf(deps.log);
  const addressOf = createAddressOf(deps.config.PREAU_TRUSTED_PROXIES);
  const memo = createAnswerMemo(deps.wakeups, addressOf);
  let connections: Connections | undefined;
  const watched = (server: Server) => {
    connections = watchConnections(server);
    return server;
  };
  const serverFactory = (handler: (request: IncomingMessage, response: ServerResponse) => void) =>
    watched(
      createServer(
        {
          maxHeaderSize: budget.connections.headerBytes,
          connectionsCheckingInterval: budget.connections.headerMs / 5,
          keepAlive: true,
          noDelay: true,
        },
        (request, response) => {
          connections?.began(request, response);
          if (!memo.answer(request, response)) handler(request, response);
        },
      ),
    );
  const app: FastifyInstance = Fastify({
    serverFactory,
    loggerInstance,
    disableRequestLogging: true,
    bodyLimit: budget.calls.bodyBytes,
    trustProxy: [...deps.config.PREAU_TRUSTED_PROXIES],
    forceCloseConnections: true,
    // The routes' schemas are compiled at startup, which may take long on a busy machine.
    pluginTimeout: 60_000,
    routerOptions: { maxParamLength: 200 },
  });
  acceptBodies(app);
  answerRefusals(app, deps.log);

  const consoleFiles = readConsole(deps.config);
  await sendSecurityHeaders(app, deps.config, consoleFiles);
  await app.register(cookie);
  await app.register(compress, { threshold: 2048, encodings: ['gzip'] });
  const buckets = createCallBuckets();
  mountApi(app, deps, { memo, buckets });
  await mountStreams(app, deps, buckets);
  serveOpenApi(app, deps.version);
  // Shows whether the proxy in front passes on addresses: packaging/nginx/check.sh asks.
  app.get('/api/address', async ({ ip }, reply) => {
    reply.header('cache-control', 'no-store');
    return { address: ip };
  });
  await servePages(app, deps.config, consoleFiles);

  const hub = createHub(deps);
  const gateway = createGateway({
    ...deps,
    addressOf,
    authenticate: (request) => actorOfCookie(deps, cookieOf(request)),
  });
  const upgrades = routeUpgrades(
    app.server,
    {
      // socket.io's clients add the slash.
      [hubPath]: hub.handleUpgrade,
      [`${hubPath}/`]: hub.handleUpgrade,
      [tunnelPath]: gateway.handleUpgrade,
    },
    { log: deps.log, addressOf },
  );
  app.addHook('preClose', async () => {
    memo.close();
    upgrades.close();
    gateway.close();
    await within(budget.stop.politeMs, hub.close()).catch(() => undefined);
    // Whoever has not closed by then is cut off: a server ends only with its last connection.
    if (connections !== undefined && connections.count() > 0) await pause(budget.stop.politeMs);
    connections?.end();
  });
  return app;
}
