/** Carries files of people: one line of choices as JSON, then the file's own bytes. Who sends them
 * is known before the first byte is read, and nothing of the file is kept. */
import type { IncomingMessage } from 'node:http';
import { api, type Query } from '@preau/contract/api.ts';
import { AppError } from '@preau/contract/errors.ts';
import { ImportChoices, maxImportBytes } from '@preau/contract/people-import.ts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { applyImport } from '#src/classes/people/apply.ts';
import { previewImport } from '#src/classes/people/preview.ts';
import type { Actor } from '#src/platform/actor.ts';
import { guardInput } from './guard.ts';
import { authorise, checker } from './mount.ts';
import { untilSilent } from './packages.ts';
import type { EdgeDeps } from './verbs/verb.ts';

/** Who leaves, and who is who, in a file of a hundred thousand. */
const maxChoicesBytes = 6_000_000;
/** Each holds a file in memory. */
const maxAtOnce = 3;

export async function mountPeopleImports(app: FastifyInstance, deps: EdgeDeps): Promise<void> {
  const checkChoices = checker(ImportChoices, 'body');
  let underWay = 0;
  let applying = false;

  async function receive(
    route: typeof api.previewImport | typeof api.applyImport,
    request: FastifyRequest,
  ): Promise<{ actor: Actor; siteId: string | null; bytes: Buffer; choices: ImportChoices }> {
    const actor = await authorise(deps, route, request);
    const query = checker(route.query, 'query')(request.query) as Query<'previewImport'>;
    await guardInput(deps, actor, route, query);
    if (request.headers['content-type'] !== 'application/octet-stream')
      throw new AppError('VALIDATION_FAILED', {
        issues: [{ field: 'body', problem: 'must be application/octet-stream' }],
      });
    const body = await whole(request.raw);
    const end = body.indexOf(10);
    if (end < 0 || end > maxChoicesBytes)
      throw new AppError('VALIDATION_FAILED', {
        issues: [{ field: 'body', problem: 'must begin with one line of JSON' }],
      });
    const choices = checkChoices(parsed(body.subarray(0, end).toString('utf8'))) as ImportChoices;
    await guardInput(deps, actor, route, { query, choices });
    if (body.length - end - 1 > maxImportBytes) throw new AppError('PAYLOAD_TOO_LARGE');
    return { actor, siteId: query.site ?? null, bytes: body.subarray(end + 1), choices };
  }
  async function bounded<T>(work: () => Promise<T>): Promise<T> {
    if (underWay >= maxAtOnce) throw new AppError('BUSY');
    underWay += 1;
    try {
      return await work();
    } finally {
      underWay -= 1;
    }
  }
  /** Two at once could add one child twice. */
  async function alone<T>(work: () => Promise<T>): Promise<T> {
    if (applying) throw new AppError('BUSY');
    applying = true;
    try {
      return await work();
    } finally {
      applying = false;
    }
  }

  await app.register(async (scope) => {
    // Bytes alone: another kind of body would be collected in memory before anybody has asked who
    // sends it.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('application/octet-stream', (_request, payload, done) =>
      done(null, payload),
    );
    const options = { bodyLimit: maxImportBytes + maxChoicesBytes };
    scope.route({
      method: api.previewImport.method,
      url: api.previewImport.path,
      ...options,
      handler: async (request, reply) => {
        const preview = await bounded(async () => {
          const { actor, siteId, bytes, choices } = await receive(api.previewImport, request);
          return previewImport(deps, actor, siteId, bytes, choices);
        });
        return reply.header('cache-control', 'no-store').send(preview);
      },
    });
    scope.route({
      method: api.applyImport.method,
      url: api.applyImport.path,
      ...options,
      handler: async (request, reply) => {
        const report = await bounded(async () => {
          const { actor, siteId, bytes, choices } = await receive(api.applyImport, request);
          return alone(() => applyImport(deps, actor, siteId, bytes, choices));
        });
        return reply.header('cache-control', 'no-store').send(report);
      },
    });
  });
}

async function whole(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of untilSilent(request)) {
    size += part.length;
    if (size > maxImportBytes + maxChoicesBytes) throw new AppError('PAYLOAD_TOO_LARGE');
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AppError('VALIDATION_FAILED', {
      issues: [{ field: 'body', problem: 'must begin with one line of JSON' }],
    });
  }
}
