/** The HTTP answers to refusals and internal errors. */
import { AppError, errors } from '@preau/contract/errors.ts';
import type { FastifyError, FastifyInstance } from 'fastify';
import { failureOf } from '#src/platform/failures.ts';
import type { Log } from '#src/platform/log.ts';

export function answerRefusals(app: FastifyInstance, log: Log): void {
  app.setErrorHandler((error: FastifyError | AppError, request, reply) => {
    const failure = failureOf(error);
    const known = failure ?? (error instanceof AppError ? error : fromFastify(error));
    if (failure !== null)
      log.warn({ err: error, route: request.routeOptions.url, failure: failure.code }, 'failed');
    if (known.code === 'INTERNAL')
      log.error({ err: error, route: request.routeOptions.url, id: request.id }, 'unexpected');
    const { status, fr, en, retryable } = errors[known.code];
    const wait = known.details['retryAfterS'];
    if (typeof wait === 'number') reply.header('retry-after', String(Math.max(1, Math.ceil(wait))));
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
}

function fromFastify(error: FastifyError): AppError {
  if (error.statusCode === 413) return new AppError('PAYLOAD_TOO_LARGE');
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500)
    return new AppError('VALIDATION_FAILED', { problem: error.code ?? 'unreadable body' });
  return new AppError('INTERNAL', {}, { cause: error });
}
