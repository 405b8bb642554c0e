import { api, type RouteName } from '@preau/contract/api.ts';
import { expect, test } from 'vitest';
import { codeOf } from '#src/testing.fixture.ts';
import { createBuckets, take } from './buckets.ts';
import { paceOf } from './paces.ts';

test('a bucket: its burst at once, then as it fills, and never more than its burst', () => {
  const pace = { burst: 3, perS: 2 };
  let bucket: ReturnType<typeof take>['bucket'] | undefined;
  const at = (ms: number) => {
    const taken = take(bucket, pace, ms);
    bucket = taken.bucket;
    return taken.waitMs;
  };
  expect([at(0), at(0), at(0), at(0), at(250), at(500), at(500)]).toEqual([
    0, 0, 0, 500, 250, 0, 500,
  ]);
  expect([at(100_000), at(100_000), at(100_000), at(100_000)]).toEqual([0, 0, 0, 500]);
});

test('one caller’s launches slow neither their reading nor another caller', async () => {
  let now = 0;
  const buckets = createBuckets(() => now);
  const codes = async (who: string, pace: 'launch' | 'read', count: number) => {
    const found: Record<string, number> = {};
    for (let at = 0; at < count; at += 1) {
      const code = await codeOf(Promise.resolve().then(() => buckets.take(who, pace)));
      found[code] = (found[code] ?? 0) + 1;
    }
    return found;
  };
  expect(await codes('lea', 'launch', 323)).toEqual({ done: 20, SLOW_DOWN: 303 });
  expect(await codes('lea', 'read', 200)).toEqual({ done: 200 });
  expect(await codes('tom', 'launch', 10)).toEqual({ done: 10 });
  now += 2000;
  expect(await codes('lea', 'launch', 323)).toEqual({ done: 4, SLOW_DOWN: 319 });
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
