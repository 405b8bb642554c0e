import type { IncomingMessage } from 'node:http';
import { api, type RouteName } from '@preau/contract/api.ts';
import { expect, test } from 'vitest';
import { codeOf } from '#src/testing.fixture.ts';
import { createCallBuckets } from './buckets.ts';
import { paceOf } from './paces.ts';

function setUp() {
  const clock = { now: 0 };
  const buckets = createCallBuckets(() => clock.now);
  const counted = async (count: number, call: () => void) => {
    const found: Record<string, number> = {};
    for (let at = 0; at < count; at += 1) {
      const code = await codeOf(Promise.resolve().then(call));
      found[code] = (found[code] ?? 0) + 1;
    }
    return found;
  };
  const calls = (token: string, name: RouteName, count: number) =>
    counted(count, () =>
      buckets.call(
        { headers: { authorization: `Bearer ${token}` } } as IncomingMessage,
        name,
        api[name],
      ),
    );
  const acts = (role: 'pupil' | 'technician', name: RouteName, count: number) =>
    counted(count, () =>
      buckets.act(
        {
          kind: 'account',
          id: role,
          name: role,
          role,
          siteId: null,
          siteIds: null,
          signIn: '',
          token: null,
        },
        name,
        api[name],
      ),
    );
  return { clock, calls, acts };
}

test('323 launches at once: twenty are looked at, then two a second', async () => {
  const { clock, calls } = setUp();
  expect(await calls('lea', 'launchSession', 323)).toEqual({ done: 20, SLOW_DOWN: 303 });
  clock.now += 2000;
  expect(await calls('lea', 'launchSession', 323)).toEqual({ done: 4, SLOW_DOWN: 319 });
});

test('one caller’s launches slow neither their reading nor another caller', async () => {
  const { calls } = setUp();
  await calls('lea', 'launchSession', 323);
  expect(await calls('lea', 'portal', 300)).toEqual({ done: 300 });
  expect(await calls('tom', 'launchSession', 20)).toEqual({ done: 20 });
});

test('a person is one, whatever they sign in with; what anybody may call is not counted here', async () => {
  const { calls, acts } = setUp();
  expect(await acts('pupil', 'askForProgram', 100)).toEqual({ done: 60, SLOW_DOWN: 40 });
  expect(await acts('technician', 'askForProgram', 100)).toEqual({ done: 100 });
  expect(await acts('technician', 'launchSession', 30)).toEqual({ done: 20, SLOW_DOWN: 10 });
  expect(await calls('x', 'signIn', 1000)).toEqual({ done: 1000 });
  expect(await calls('x', 'sendReport', 1000)).toEqual({ done: 1000 });
});

test('what a call costs goes by its route, else by its method', () => {
  const pace = (name: RouteName) => paceOf(name, api[name]);
  expect([
    pace('launchSession'),
    pace('attachSession'),
    pace('exportAudit'),
    pace('portal'),
    pace('createRule'),
  ]).toEqual(['launch', 'launch', 'costly', 'read', 'write']);
});
