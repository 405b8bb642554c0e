/** Bodies as large as a call may be, made to cost as much as they can: whoever sends one is refused,
 * and nobody else waits. */
import { api, type Route, type RouteName } from '@preau/contract/api.ts';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { budget } from '#src/platform/budget.ts';
import { longestStop } from '#src/platform/heavy/longest-stop.fixture.ts';
import { type City, makeCity, publicUrl } from '#src/testing.fixture.ts';
import { openEdge, signedIn } from './edge.fixture.ts';

let city: City;
let app: FastifyInstance;
let cookie: string;
beforeAll(async () => {
  city = await makeCity();
  app = await openEdge(city.platform);
  const token = await signedIn(city, city.administrator.id);
  cookie = `preau_sign_in=${token}`;
});
afterAll(async () => {
  await app.close();
  await city.close();
}, 30_000);

const most = budget.calls.bodyBytes - 2000;
/** What fits into any call, and holds as many values as a body may. */
const fitting = Math.min(budget.calls.publicBodyBytes - 2000, budget.calls.values);
const repeated = (text: string, bytes: number) => text.repeat(Math.floor(bytes / text.length));
const list = (item: string, bytes: number) => `[${repeated(`${item},`, bytes)}${item}]`;

type Schema = { type?: string; properties?: Record<string, Schema>; items?: Schema };
/** Every field of the body gets its share of the bytes, in a value of the right kind where that
 * costs more. */
function full(
  schema: Schema,
  item: (schema: Schema, bytes: number) => string,
  bytes = most,
): string {
  const fields = Object.entries(schema.properties ?? {});
  const each = Math.floor(bytes / Math.max(fields.length, 1));
  return `{${fields
    .map(([name, inner]) => `${JSON.stringify(name)}:${item(inner, each - name.length - 8)}`)
    .join(',')}}`;
}

const shapes: [name: string, make: (schema: Schema) => string][] = [
  ['arrays in arrays', () => `${'['.repeat(most / 2)}${']'.repeat(most / 2)}`],
  ['objects in objects', () => `${'{"a":'.repeat(most / 6)}1${'}'.repeat(most / 6)}`],
  ['a million numbers in each list', (schema) => full(schema, (_, bytes) => list('1', bytes))],
  ['a million objects in each list', (schema) => full(schema, (_, bytes) => list('{}', bytes))],
  [
    'a number again and again, within every bound',
    (schema) => full(schema, (_, bytes) => list('1', bytes), fitting),
  ],
  [
    'a number again and again in one list, within the bound of values',
    (schema) => {
      const [first] = Object.entries(schema.properties ?? {})
        .filter(([, inner]) => inner.type === 'array')
        .map(([name]) => name);
      return `{${JSON.stringify(first ?? 'a')}:${list('1', 2 * budget.calls.values - 20)}}`;
    },
  ],
  [
    'a million names in one object',
    () => {
      let text = '{';
      for (let at = 0; text.length < most - 20; at += 1) text += `"k${at}":1,`;
      return `${text}"z":1}`;
    },
  ],
  [
    'one long text in each field',
    (schema) =>
      full(schema, (inner, bytes) => {
        const text = `"${'aA-. '.repeat(Math.floor(bytes / 5) - 2)}"`;
        return inner.type === 'array' ? `[${text}]` : text;
      }),
  ],
  [
    'spaces and marks that fold to nothing',
    (schema) => full(schema, (_, bytes) => `"${repeated('\u0301 ', bytes - 8)}"`),
  ],
];

const routes = (Object.keys(api) as RouteName[])
  .map((name): { name: RouteName; route: Route } => ({ name, route: api[name] }))
  .filter(({ route }) => route.body !== undefined && route.stream === undefined);

describe('a body of 4 MB', () => {
  test.each(shapes)(
    '%s: no route stops the others for long',
    async (_name, make) => {
      const slow: string[] = [];
      for (const { name, route } of routes) {
        const payload = make(route.body as Schema);
        let status = 0;
        const stop = await longestStop(async () => {
          const reply = await app.inject({
            method: route.method,
            url: route.path.replace(/:(\w+)/g, 'x'),
            headers: { cookie, origin: publicUrl, 'content-type': 'application/json' },
            payload,
          });
          status = reply.statusCode;
        });
        if (stop > 200) slow.push(`${name} ${status}: ${Math.round(stop)} ms`);
      }
      expect(slow).toEqual([]);
    },
    120_000,
  );
});
