/** `/api/openapi.json`, generated from the contract's route table. */
import { gzipSync } from 'node:zlib';
import { api, type Route } from '@preau/contract/api.ts';
import { errorCodes, errors } from '@preau/contract/errors.ts';
import type { FastifyInstance } from 'fastify';
import { sha256 } from '#src/platform/secrets.ts';

interface ObjectSchema {
  properties?: Record<string, unknown>;
  required?: readonly string[];
}

const parameters = (place: 'path' | 'query', schema: ObjectSchema | undefined) =>
  Object.entries(schema?.properties ?? {}).map(([name, value]) => ({
    name,
    in: place,
    required: place === 'path' || (schema?.required ?? []).includes(name),
    schema: value,
  }));

const securityOf = ({ caller, reach }: Route) => {
  if (caller === 'public') return [];
  if (caller === 'agent') return [{ serverKey: [] }];
  return [{ signIn: [] }, ...(reach === 'self' ? [] : [{ token: [] }])];
};

const bytes = { type: 'string', format: 'binary' };

function bodyOf({ stream, body, form }: Route): Record<string, unknown> {
  const required = (type: string, schema: unknown) => ({
    requestBody: { required: true, content: { [type]: { schema } } },
  });
  if (stream === 'up') return required('application/octet-stream', bytes);
  if (body === undefined) return {};
  return required(form === true ? 'application/x-www-form-urlencoded' : 'application/json', body);
}

function repliesOf({ redirect, status = 200, file, reply }: Route): Record<string, unknown> {
  const refused = { $ref: '#/components/responses/Refused' };
  if (redirect === true) return { 303: { description: 'Elsewhere' }, default: refused };
  const content =
    file === undefined ? { 'application/json': { schema: reply } } : { [file]: { schema: bytes } };
  return {
    [status]: { description: 'Done', ...(status === 204 ? {} : { content }) },
    default: refused,
  };
}

function openApi(version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [operationId, entry] of Object.entries(api)) {
    const route: Route = entry;
    const path = route.path.replace(/:([a-zA-Z]+)/g, '{$1}');
    paths[path] ??= {};
    paths[path][route.method.toLowerCase()] = {
      operationId,
      summary: route.summary,
      'x-caller': route.caller,
      ...(route.reach === undefined ? {} : { 'x-reach': route.reach }),
      security: securityOf(route),
      parameters: [...parameters('path', route.params), ...parameters('query', route.query)],
      ...bodyOf(route),
      responses: repliesOf(route),
    };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Préau', version },
    paths,
    components: {
      securitySchemes: {
        signIn: { type: 'apiKey', in: 'cookie', name: 'preau_sign_in' },
        token: {
          type: 'http',
          scheme: 'bearer',
          description: 'preau_…, made in the console; not together with a sign-in',
        },
        serverKey: {
          type: 'apiKey',
          in: 'header',
          name: 'Authorization',
          description: 'Preau <server> <time ms> <Ed25519 signature of the call>',
        },
      },
      responses: {
        Refused: {
          description: 'Refused, with a code, a sentence and details',
          content: {
            'application/json': {
              schema: {
                type: 'object',
                required: ['code', 'message'],
                properties: {
                  code: { enum: errorCodes },
                  message: {
                    type: 'object',
                    properties: { fr: { type: 'string' }, en: { type: 'string' } },
                  },
                  details: { type: 'object' },
                },
              },
            },
          },
        },
      },
    },
    'x-errors': errors,
  };
}

/** The bytes are made once: they are the same until the next version. */
export function serveOpenApi(app: FastifyInstance, version: string): void {
  const text = Buffer.from(JSON.stringify(openApi(version)));
  const zipped = gzipSync(text, { level: 9 });
  const etag = `"${sha256(text).slice(0, 32)}"`;
  app.get('/api/openapi.json', (request, reply) => {
    reply.headers({ etag, 'cache-control': 'no-cache', vary: 'accept-encoding' });
    const { 'if-none-match': known = '', 'accept-encoding': accepted = '' } = request.headers;
    if (known.split(',').some((one) => one.trim().replace(/^W\//, '') === etag))
      return reply.status(304).send();
    reply.type('application/json; charset=utf-8');
    if (!/\bgzip\b/.test(String(accepted))) return reply.send(text);
    return reply.header('content-encoding', 'gzip').send(zipped);
  });
}
