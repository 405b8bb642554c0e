import { Report } from '@preau/contract/report.ts';
import Fastify from 'fastify';
import { expect, test } from 'vitest';
import { acceptBodies } from './bodies.ts';
import { checker } from './check.ts';

test('NUL bytes of a machine’s log never silence its server; a person’s are refused', async () => {
  const app = Fastify();
  acceptBodies(app);
  for (const path of ['/api/agent/report', '/api/sites'])
    app.post(path, async ({ body }) => body ?? null);
  const payload = '{"log":"ab\\u0000c\\n","list":[{"why":"\\u001b[1mx"}],"n":1}';
  const answer = async (url: string) =>
    (
      await app.inject({
        method: 'POST',
        url,
        payload,
        headers: { 'content-type': 'application/json' },
      })
    ).json() as unknown;
  expect(await answer('/api/agent/report')).toEqual({
    log: 'abc\n',
    list: [{ why: '[1mx' }],
    n: 1,
  });
  expect(await answer('/api/sites')).toMatchObject({ log: 'ab\u0000c\n' });
  const { log } = Report.properties.orders.items.properties;
  expect(() => checker(log, 'log')('a\u0000')).toThrow('VALIDATION_FAILED');
  expect(checker(log, 'log')('a\n\tb é')).toBe('a\n\tb é');
  await app.close();
});
