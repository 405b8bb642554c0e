/** `/api/openapi.json`, printed from the contract's route table. */
import { api, type Route } from '@preau/contract/api.ts';
import { errorCodes, errors } from '@preau/contract/errors.ts';

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

export function openApi(version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [operationId, entry] of Object.entries(api)) {
    const route: Route = entry;
    const path = route.path.replace(/:([a-zA-Z]+)/g, '{$1}');
    const reply =
      route.file === undefined
        ? { 'application/json': { schema: route.reply } }
        : { [route.file]: { schema: { type: 'string', format: 'binary' } } };
    paths[path] ??= {};
    paths[path][route.method.toLowerCase()] = {
      operationId,
      summary: route.summary,
      'x-caller': route.caller,
      ...(route.reach === undefined ? {} : { 'x-reach': route.reach }),
      security:
        route.caller === 'public'
          ? []
          : route.caller === 'agent'
            ? [{ serverKey: [] }]
            : [{ signIn: [] }, ...(route.reach === 'self' ? [] : [{ token: [] }])],
      parameters: [...parameters('path', route.params), ...parameters('query', route.query)],
      ...(route.stream === 'up'
        ? {
            requestBody: {
              required: true,
              content: {
                'application/octet-stream': { schema: { type: 'string', format: 'binary' } },
              },
            },
          }
        : {}),
      ...(route.body === undefined
        ? {}
        : {
            requestBody: {
              required: true,
              content: {
                [route.form === true ? 'application/x-www-form-urlencoded' : 'application/json']: {
                  schema: route.body,
                },
              },
            },
          }),
      responses: {
        [route.redirect === true ? 303 : (route.status ?? 200)]: {
          description: route.redirect === true ? 'Elsewhere' : 'Done',
          ...(route.status === 204 || route.redirect === true ? {} : { content: reply }),
        },
        default: { $ref: '#/components/responses/Refused' },
      },
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
