/** Parsers of request bodies: which content types are accepted and how they are read. */
import { AppError } from '@preau/contract/errors.ts';
import type { FastifyInstance } from 'fastify';
import { budget } from '#src/platform/budget.ts';
import { checkJsonBounds } from './json-bounds.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route accepts a URL-encoded form. */
    form?: boolean;
  }
  interface FastifyRequest {
    /** The body's bytes as received, to verify the agent's signature. */
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
      try {
        checkJsonBounds(body);
      } catch (error) {
        return done(error as Error);
      }
      void parseJson(request, body.toString('utf8'), done);
    },
  );
  // Only on routes that declare it: any web page can submit a form, so other routes must not accept
  // one.
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: budget.calls.formBytes },
    (request, body: string, done) => {
      if (request.routeOptions.config.form === true)
        done(null, Object.fromEntries(new URLSearchParams(body)));
      else done(new AppError('VALIDATION_FAILED', { problem: 'content type' }));
    },
  );
}
