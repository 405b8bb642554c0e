/** Mounts the routes that stream files between socket and disk, never holding a whole file in
 * memory. One loop gives each route its caller check, its schemas, its guard, its limits and its
 * verb. */
import { once } from 'node:events';
import type { ReadStream } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { api, type Route, type RouteName, type StreamRouteName } from '@preau/contract/api.ts';
import { AppError } from '@preau/contract/errors.ts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Actor } from '#src/platform/actor.ts';
import { budget } from '#src/platform/budget.ts';
import { authorise } from './authorise.ts';
import type { CallBuckets } from './buckets.ts';
import { checker } from './check.ts';
import { admitted } from './connections.ts';
import { guardInput, guardReply } from './guard.ts';
import { createPlaces, type TakePlace } from './places.ts';
import { rangeOf } from './range.ts';
import { streamVerbs } from './verbs/table.ts';
import type { DownloadVerb, EdgeDeps, UploadVerb } from './verbs/verb.ts';

const { silentMs, lingerMs } = budget.calls;
const bytesType = 'application/octet-stream';

interface StreamInput {
  params: unknown;
  query: unknown;
}
type AnyUpload = UploadVerb<Actor, StreamInput, unknown>;
type AnyDownload = DownloadVerb<Actor, StreamInput>;
type Admit = (request: FastifyRequest) => Promise<{ actor: Actor; input: StreamInput }>;
type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

export async function mountStreams(
  app: FastifyInstance,
  deps: EdgeDeps,
  buckets: CallBuckets,
): Promise<void> {
  const takePlace = createPlaces();
  await app.register(async (scope) => {
    // Only raw bytes are accepted: a body of another type would be buffered in memory before the
    // caller is authenticated.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(bytesType, (_request, payload, done) => done(null, payload));
    for (const name of Object.keys(api) as RouteName[]) {
      const route: Route = api[name];
      if (route.stream === undefined) continue;
      const admit = admission(deps, name, route, buckets);
      // As in mount.ts, the checks make the cast to the route's types sound.
      const verb: unknown = streamVerbs[name as StreamRouteName];
      scope.route({
        method: route.method,
        url: route.path,
        handler:
          route.stream === 'up'
            ? receiving(deps, route, admit, verb as AnyUpload, takePlace)
            : sending(deps, route, admit, verb as AnyDownload),
      });
    }
  });
}

function admission(deps: EdgeDeps, name: RouteName, route: Route, buckets: CallBuckets): Admit {
  const checkParams = checker(route.params, 'params');
  const checkQuery = checker(route.query, 'query');
  return async (request) => {
    buckets.call(request.raw, name, route);
    const actor = await authorise(deps, route, request);
    buckets.act(actor, name, route);
    const input = { params: checkParams(request.params), query: checkQuery(request.query) };
    await guardInput(deps, actor, route, input);
    return { actor, input };
  };
}

const receiving =
  (deps: EdgeDeps, route: Route, admit: Admit, verb: AnyUpload, takePlace: TakePlace): Handler =>
  async (request, reply) => {
    reply.raw.once('finish', () => readRest(request.raw));
    const { actor, input } = await admit(request);
    request.raw.emit(admitted);
    if (request.headers['content-type'] !== bytesType)
      throw new AppError('VALIDATION_FAILED', {
        issues: [{ field: 'body', problem: `must be ${bytesType}` }],
      });
    const answer = await takePlace(verb.places, request.raw, () =>
      verb.receive(deps, actor, input, {
        body: untilSilent(request.raw, verb.maxBytes),
        address: request.ip,
        guard: (more) => guardInput(deps, actor, route, { ...input, more }),
      }),
    );
    await guardReply(deps, actor, route, answer);
    reply.status(route.status ?? 200).header('cache-control', 'no-store');
    return route.status === 204 ? reply.send() : reply.send(answer);
  };

const sending =
  (deps: EdgeDeps, route: Route, admit: Admit, verb: AnyDownload): Handler =>
  async (request, reply) => {
    const { actor, input } = await admit(request);
    const file = await verb.send(deps, actor, input);
    const range = rangeOf(file.hash === undefined ? undefined : request.headers.range, file.size);
    const bytes = range && (await opened(file.read({ ...range, end: Math.max(range.end, 0) })));
    reply.type(file.type ?? route.file ?? bytesType).headers({
      'content-disposition': file.disposition ?? 'attachment',
      'cache-control': `${file.hash === undefined ? 'no-store' : 'private'}, no-transform`,
    });
    if (file.hash !== undefined)
      reply.headers({ 'accept-ranges': 'bytes', etag: `"${file.hash}"` });
    if (range === null)
      return reply
        .status(416)
        .header('content-range', `bytes */${file.size}`)
        .send(JSON.stringify({ code: 'VALIDATION_FAILED' }));
    const { start, end, whole } = range;
    reply.status(whole ? 200 : 206).header('content-length', end - start + 1);
    if (!whole) reply.header('content-range', `bytes ${start}-${end}/${file.size}`);
    reply.raw.setTimeout(silentMs, () => reply.raw.destroy());
    return reply.send(bytes);
  };

/** Opened before the first header is sent: a file can be deleted after its size was read. Throws
 * FILE_GONE. */
async function opened(file: ReadStream): Promise<ReadStream> {
  try {
    await once(file, 'open');
    return file;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new AppError('FILE_GONE', {}, { cause: error });
  }
}

/** Yields the body as it arrives; destroys the connection after `silentMs` without data. Refuses
 * with PAYLOAD_TOO_LARGE. */
async function* untilSilent(body: IncomingMessage, maxBytes: number): AsyncGenerator<Buffer> {
  const silence = setTimeout(() => body.destroy(), silentMs);
  let size = 0;
  try {
    // A refusal ends the loop, and must not end the connection that carries it.
    for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      silence.refresh();
      size += chunk.length;
      if (size > maxBytes) throw new AppError('PAYLOAD_TOO_LARGE');
      yield chunk;
    }
  } finally {
    clearTimeout(silence);
  }
}

/** Reads and forgets what is left of a body after the answer, for a while; then destroys the
 * connection. */
function readRest(body: IncomingMessage): void {
  if (body.complete) return;
  const limit = setTimeout(() => body.destroy(), lingerMs);
  body.once('close', () => clearTimeout(limit));
  body.resume();
}
