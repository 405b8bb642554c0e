/** The two routes that carry files: bytes go from socket to disk, and from disk to socket, never
 * through memory as a whole. */
import type { IncomingMessage } from 'node:http';
import { api } from '@preau/contract/api.ts';
import { maxPackageBytes } from '@preau/contract/application.ts';
import type { PackageUpload } from '@preau/contract/catalogue.ts';
import { AppError } from '@preau/contract/errors.ts';
import type { FastifyInstance } from 'fastify';
import { packageFiles } from '#src/applications/files.ts';
import { uploadPackage } from '#src/applications/packages.ts';
import { guardInput } from './guard.ts';
import { authorise, checker } from './mount.ts';
import type { EdgeDeps } from './verbs/verb.ts';

/** A line may be slow; one that carries nothing for this long is cut, and its place freed. */
const silentMs = 60_000;

export async function mountPackages(app: FastifyInstance, deps: EdgeDeps): Promise<void> {
  await app.register(async (scope) => {
    // Bytes alone: another kind of body would be collected in memory before anybody has asked who
    // sends it.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('application/octet-stream', (_request, payload, done) =>
      done(null, payload),
    );

    const checkQuery = checker(api.uploadPackage.query, 'query');
    scope.route({
      method: api.uploadPackage.method,
      url: api.uploadPackage.path,
      bodyLimit: maxPackageBytes,
      handler: async (request, reply) => {
        // Refused before the end of the body: what still comes is not read, and the connection is
        // of no use any more.
        reply.header('connection', 'close');
        const actor = await authorise(deps, api.uploadPackage, request);
        const announced = checkQuery(request.query) as PackageUpload;
        await guardInput(deps, actor, api.uploadPackage, announced);
        if (request.headers['content-type'] !== 'application/octet-stream')
          throw new AppError('VALIDATION_FAILED', {
            issues: [{ field: 'body', problem: 'must be application/octet-stream' }],
          });
        const stored = await uploadPackage(deps, actor, announced, untilSilent(request.raw));
        return reply.status(201).header('cache-control', 'no-store').send(stored);
      },
    });

    const checkParams = checker(api.readPackage.params, 'params');
    const files = packageFiles(deps.config.PREAU_DATA);
    scope.route({
      method: api.readPackage.method,
      url: api.readPackage.path,
      handler: async (request, reply) => {
        await authorise(deps, api.readPackage, request);
        const { hash: sha256 } = checkParams(request.params) as { hash: string };
        const size = await files.sizeOf(sha256);
        if (size === null) throw new AppError('NOT_FOUND', { package: sha256 });
        const range = rangeOf(request.headers.range, size);
        reply.type('application/octet-stream').headers({
          'accept-ranges': 'bytes',
          etag: `"${sha256}"`,
          'cache-control': 'private, no-transform',
        });
        if (range === null)
          return reply
            .status(416)
            .header('content-range', `bytes */${size}`)
            .send(JSON.stringify({ code: 'VALIDATION_FAILED' }));
        reply.status(range.whole ? 200 : 206).header('content-length', range.end - range.start + 1);
        if (!range.whole)
          reply.header('content-range', `bytes ${range.start}-${range.end}/${size}`);
        reply.raw.setTimeout(silentMs, () => reply.raw.destroy());
        return reply.send(files.stream(sha256, range));
      },
    });
  });
}

/** What arrives, until nothing does for too long. */
export async function* untilSilent(body: IncomingMessage): AsyncGenerator<Buffer> {
  const silence = setTimeout(() => body.destroy(), silentMs);
  try {
    for await (const chunk of body) {
      silence.refresh();
      yield chunk as Buffer;
    }
  } finally {
    clearTimeout(silence);
  }
}

/** One range of bytes; what is not one is as if it were not asked (RFC 9110, 14.2). Null: nothing
 * of it exists. Pure. */
export function rangeOf(
  header: string | undefined,
  size: number,
): { start: number; end: number; whole: boolean } | null {
  const parts = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '');
  const [from, to] = [parts?.[1] ?? '', parts?.[2] ?? ''];
  if (from === '' && to === '') return { start: 0, end: size - 1, whole: true };
  const start = from === '' ? Math.max(size - Number(to), 0) : Number(from);
  const end = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (from !== '' && to !== '' && Number(to) < start)
    return { start: 0, end: size - 1, whole: true };
  return start > end ? null : { start, end, whole: false };
}
