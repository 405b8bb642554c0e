/** The HTTP server: security headers, the API, the console's files, the hub and the gateway on one
 * port. */

import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join, resolve } from 'node:path';
import compress from '@fastify/compress';
import cookie from '@fastify/cookie';
import helmet from '@fastify/helmet';
import serveStatic from '@fastify/static';
import { AppError, errors } from '@preau/contract/errors.ts';
import Fastify, { type FastifyBaseLogger, type FastifyError, type FastifyInstance } from 'fastify';
import { sha256Base64 } from '#src/platform/secrets.ts';
import { createAnswerMemo } from './answer-memo.ts';
import { createAddressOf } from './client-address.ts';
import { createGateway } from './gateway/gateway.ts';
import { createHub } from './hub.ts';
import { mountApi } from './mount.ts';
import { openApi } from './openapi.ts';
import { actorOfCookie, cookieOf } from './sign-in.ts';
import { mountStreams } from './streams.ts';
import type { EdgeDeps } from './verbs/verb.ts';

export async function createHttp(deps: EdgeDeps): Promise<FastifyInstance> {
  const loggerInstance: FastifyBaseLogger = deps.log;
  const addressOf = createAddressOf(deps.config.PREAU_TRUSTED_PROXIES);
  const memo = createAnswerMemo(deps.wakeups, addressOf);
  const serverFactory = (handler: (request: IncomingMessage, response: ServerResponse) => void) =>
    createServer((request, response) => {
      if (!memo.answer(request, response)) handler(request, response);
    });
  const app: FastifyInstance = Fastify({
    serverFactory,
    loggerInstance,
    disableRequestLogging: true,
    bodyLimit: 4_194_304,
    trustProxy: [...deps.config.PREAU_TRUSTED_PROXIES],
    forceCloseConnections: true,
    // The routes' schemas are compiled while it starts: on a busy machine that takes its time.
    pluginTimeout: 60_000,
    routerOptions: { maxParamLength: 200 },
  });
  app.decorateRequest('rawBody', null);
  app.removeAllContentTypeParsers();
  // 'error': a body with `__proto__` or `constructor` keys is refused.
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    (request, body: Buffer, done) => {
      request.rawBody = body;
      if (body.length === 0) return done(null, undefined);
      void parseJson(request, body.toString('utf8'), done);
    },
  );
  // Only where the route says so: elsewhere a form, which any page can send, must not be taken for
  // a call.
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: 32_768 },
    (request, body: string, done) => {
      if (request.routeOptions.config.form === true)
        done(null, Object.fromEntries(new URLSearchParams(body)));
      else done(new AppError('VALIDATION_FAILED', { problem: 'content type' }));
    },
  );
  app.setErrorHandler((error: FastifyError | AppError, request, reply) => {
    const known = error instanceof AppError ? error : fromFastify(error);
    if (known.code === 'INTERNAL')
      deps.log.error({ err: error, route: request.routeOptions.url, id: request.id }, 'unexpected');
    const { status, fr, en, retryable } = errors[known.code];
    void reply
      .status(status)
      .header('cache-control', 'no-store')
      .send({
        code: known.code,
        message: { fr, en },
        retryable,
        details: known.code === 'INTERNAL' ? { request: request.id } : known.details,
      });
  });

  const consoleFolder =
    deps.config.PREAU_CONSOLE === '' ? null : resolve(deps.config.PREAU_CONSOLE);
  const page =
    consoleFolder !== null && existsSync(join(consoleFolder, 'index.html'))
      ? readFileSync(join(consoleFolder, 'index.html'), 'utf8')
      : null;
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        scriptSrc: [
          "'self'",
          ...inlineScripts(page).map((script) => `'sha256-${sha256Base64(script)}'`),
        ],
        // Guacamole draws from blobs and data addresses, and places its layers with style
        // attributes.
        imgSrc: ["'self'", 'data:', 'blob:'],
        styleSrc: ["'self'", "'unsafe-inline'"],
        connectSrc: [
          "'self'",
          ...(deps.config.PREAU_PUBLIC_URL === ''
            ? []
            : [deps.config.PREAU_PUBLIC_URL.replace(/^http/, 'ws')]),
        ],
        objectSrc: ["'none'"],
        frameAncestors: ["'none'"],
        baseUri: ["'self'"],
        formAction: ["'self'"],
      },
    },
    hsts: deps.config.PREAU_PUBLIC_URL.startsWith('https:'),
  });
  await app.register(cookie);
  await app.register(compress, { threshold: 2048, encodings: ['gzip'] });
  mountApi(app, deps, memo);
  await mountStreams(app, deps);
  const description = openApi(deps.version);
  app.get('/api/openapi.json', async () => description);

  if (deps.config.PREAU_AGENT_FILES !== '')
    await app.register(serveStatic, {
      root: resolve(deps.config.PREAU_AGENT_FILES),
      prefix: '/agent/',
      decorateReply: false,
    });
  if (consoleFolder !== null && page !== null) {
    await app.register(serveStatic, {
      root: consoleFolder,
      wildcard: false,
      // Built files carry a hash in their name; the page itself must be asked for again.
      setHeaders: (reply, path) =>
        reply.header(
          'cache-control',
          path.includes('/immutable/') ? 'public, max-age=31536000, immutable' : 'no-cache',
        ),
    });
  }
  app.setNotFoundHandler((request, reply) => {
    if (
      page !== null &&
      request.method === 'GET' &&
      !request.url.startsWith('/api/') &&
      !request.url.startsWith('/agent/')
    )
      return reply.type('text/html').header('cache-control', 'no-cache').send(page);
    throw new AppError('NOT_FOUND');
  });

  const hub = createHub(deps, app.server);
  const gateway = createGateway({
    ...deps,
    addressOf,
    authenticate: (request) => actorOfCookie(deps, cookieOf(request)),
  });
  app.server.on('upgrade', (request, socket, head) => {
    if (gateway.handleUpgrade(request, socket, head)) return;
    if (!(request.url ?? '').startsWith('/api/hub')) socket.destroy();
  });
  app.addHook('preClose', async () => {
    memo.close();
    gateway.close();
    await hub.close();
  });
  return app;
}

function fromFastify(error: FastifyError): AppError {
  if (error.statusCode === 413) return new AppError('PAYLOAD_TOO_LARGE');
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500)
    return new AppError('VALIDATION_FAILED', { problem: error.code ?? 'unreadable body' });
  return new AppError('INTERNAL', {}, { cause: error });
}

const inlineScripts = (page: string | null): string[] =>
  page === null
    ? []
    : [...page.matchAll(/<script(?![^>]*\bsrc=)[^>]*>([\s\S]*?)<\/script>/g)].map(
        (match) => match[1] ?? '',
      );
