/** The routes that carry files of people, from a device to the city and on to a school and the
 * other way, and recordings. */
import { createReadStream } from 'node:fs';
import { api, type Query } from '@preau/contract/api.ts';
import { AppError } from '@preau/contract/errors.ts';
import { maxTransferBytes } from '@preau/contract/exchange.ts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AccountActor, Actor, AgentActor } from '#src/platform/actor.ts';
import { bringFile, findTaken, noteTaken } from '#src/sessions/exchange/exchange.ts';
import { transferFiles } from '#src/sessions/exchange/files.ts';
import { findBrought, receiveAsked } from '#src/sessions/exchange/serve.ts';
import type { StoredTransfer } from '#src/sessions/exchange/store.ts';
import { watchRecording } from '#src/sessions/recordings/recordings.ts';
import { guardInput } from './guard.ts';
import { authorise, checker } from './mount.ts';
import { untilSilent } from './packages.ts';
import type { EdgeDeps } from './verbs/verb.ts';

/** Two classes at once, and a few more; servers have places of their own. */
const maxAtOnce = { account: 60, agent: 40 } as const;
/** 200 MiB at 350 kB/s. A line may be slow; a place that is never given back is somebody else's. */
const wholeWithinMs = 600_000;

/** RFC 8187: what a URL lets pass and a header does not. */
const encodedName = (name: string): string =>
  encodeURIComponent(name).replace(
    /['()*!]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );

export async function mountTransfers(app: FastifyInstance, deps: EdgeDeps): Promise<void> {
  const files = transferFiles(deps.config.PREAU_DATA);
  const underWay = { account: 0, agent: 0 };
  async function admit(
    route: (typeof api)[
      | 'bringFile'
      | 'takeFile'
      | 'readTransfer'
      | 'sendTransfer'
      | 'watchRecording'],
    request: FastifyRequest,
  ): Promise<{ actor: Actor; id: string; query: unknown }> {
    const actor = await authorise(deps, route, request);
    const { id } = checker(route.params, 'params')(request.params) as { id: string };
    const query = 'query' in route ? checker(route.query, 'query')(request.query) : undefined;
    await guardInput(deps, actor, route, { id, query });
    return { actor, id, query };
  }
  async function receive<T>(
    who: keyof typeof underWay,
    request: FastifyRequest,
    work: (body: AsyncIterable<Buffer>) => Promise<T>,
  ): Promise<T> {
    if (request.headers['content-type'] !== 'application/octet-stream')
      throw new AppError('VALIDATION_FAILED', {
        issues: [{ field: 'body', problem: 'must be application/octet-stream' }],
      });
    if (underWay[who] >= maxAtOnce[who]) throw new AppError('BUSY');
    underWay[who] += 1;
    const late = setTimeout(() => request.raw.destroy(), wholeWithinMs);
    try {
      return await work(untilSilent(request.raw));
    } finally {
      clearTimeout(late);
      underWay[who] -= 1;
    }
  }
  const send = (reply: FastifyReply, transfer: StoredTransfer, disposition: string) =>
    reply
      .headers({
        'content-length': transfer.bytes,
        'content-disposition': disposition,
        'cache-control': 'no-store, no-transform',
      })
      .send(files.stream(transfer.id, { start: 0, end: Math.max(transfer.bytes - 1, 0) }));

  await app.register(async (scope) => {
    // Bytes alone: another kind of body would be collected in memory before anybody has asked who
    // sends it.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('application/octet-stream', (_request, payload, done) =>
      done(null, payload),
    );
    scope.route({
      method: api.bringFile.method,
      url: api.bringFile.path,
      bodyLimit: maxTransferBytes + 1,
      handler: async (request, reply) => {
        // Refused before the end of the body: what still comes is not read, and the connection is
        // of no use any more.
        reply.header('connection', 'close');
        const { actor, id, query } = await admit(api.bringFile, request);
        const { name, size } = query as Query<'bringFile'>;
        const transfer = await receive('account', request, (body) =>
          bringFile(
            deps,
            actor as AccountActor,
            id,
            { name: name.normalize('NFC'), size: Number(size) },
            request.ip,
            body,
          ),
        );
        return reply.status(201).header('cache-control', 'no-store').send(transfer);
      },
    });
    scope.route({
      method: api.takeFile.method,
      url: api.takeFile.path,
      handler: async (request, reply) => {
        const { actor, id } = await admit(api.takeFile, request);
        const transfer = await findTaken(deps, actor as AccountActor, id);
        await noteTaken(deps, actor as AccountActor, transfer);
        // What people keep is saved, never shown under our address. Printed pages alone are shown,
        // by the browser's own reader of PDF.
        const isPages = transfer.kind === 'print';
        reply
          .type(isPages ? 'application/pdf' : 'application/octet-stream')
          .headers({ 'x-content-type-options': 'nosniff' });
        return send(
          reply,
          transfer,
          `${isPages ? 'inline' : 'attachment'}; filename*=UTF-8''${encodedName(transfer.name)}`,
        );
      },
    });
    scope.route({
      method: api.readTransfer.method,
      url: api.readTransfer.path,
      handler: async (request, reply) => {
        const { actor, id } = await admit(api.readTransfer, request);
        const transfer = await findBrought(deps, actor as AgentActor, id);
        return send(reply.type('application/octet-stream'), transfer, 'attachment');
      },
    });
    scope.route({
      method: api.sendTransfer.method,
      url: api.sendTransfer.path,
      bodyLimit: maxTransferBytes + 1,
      handler: async (request, reply) => {
        reply.header('connection', 'close');
        const { actor, id, query } = await admit(api.sendTransfer, request);
        const { sha256, size } = query as Query<'sendTransfer'>;
        await receive('agent', request, (body) =>
          receiveAsked(deps, actor as AgentActor, id, { sha256, size: Number(size) }, body),
        );
        return reply.status(204).send();
      },
    });
    scope.route({
      method: api.watchRecording.method,
      url: api.watchRecording.path,
      handler: async (request, reply) => {
        const { actor, id } = await admit(api.watchRecording, request);
        const { path, size } = await watchRecording(deps, actor as AccountActor, id);
        // Under way it grows: what is there now is sent.
        return reply
          .type('application/octet-stream')
          .headers({
            'content-length': size,
            'content-disposition': 'attachment',
            'cache-control': 'no-store, no-transform',
          })
          .send(createReadStream(path, { start: 0, end: Math.max(size - 1, 0) }));
      },
    });
  });
}
