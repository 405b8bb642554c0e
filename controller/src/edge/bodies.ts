/** Which bodies a call may have, and how they are read. */
import { AppError } from '@preau/contract/errors.ts';
import type { FastifyInstance } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route takes a form. */
    form?: boolean;
  }
  interface FastifyRequest {
    /** The body as it came: agents sign it. */
    rawBody: Buffer | null;
  }
}

export function acceptBodies(app: FastifyInstance): void {
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
}
