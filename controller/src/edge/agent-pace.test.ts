import { expect, test } from 'vitest';
import { createAgentPace } from './agent-pace.ts';

const limits = {
  calls: { perSecond: 5, burst: 60 },
  bytes: { perSecond: 262_144, burst: 8_388_608 },
} as const;

function paced() {
  const time = { now: 0 };
  const pace = createAgentPace(limits, () => time.now);
  const call = (server: string, route = 'sendReport', bytes = 10_000): string => {
    try {
      pace.mayCall(server, route);
      pace.called(server, route, bytes);
      return 'done';
    } catch (error) {
      const { code, details } = error as { code: string; details: { retryAfterS: number } };
      return `${code} ${details.retryAfterS}`;
    }
  };
  return { time, pace, call };
}

test('a server that reports in a loop is slowed to five a second, nobody else', () => {
  const { time, call } = paced();
  let accepted = 0;
  for (; time.now < 60_000; time.now += 10) accepted += call('evil') === 'done' ? 1 : 0;
  expect(accepted).toBeLessThanOrEqual(60 + 5 * 60);
  expect([call('evil'), call('evil')]).toEqual(['done', 'SLOW_DOWN 1']);
  expect([call('honest'), call('evil', 'readDesiredState')]).toEqual(['done', 'done']);
});

test('a class that starts at once is not slowed', () => {
  const { time, call } = paced();
  const answers = new Set<string>();
  for (; time.now < 5000; time.now += 100) answers.add(call('school', 'sendReport', 60_000));
  expect([...answers]).toEqual(['done']);
});

test('large reports are slowed by their bytes', () => {
  const { time, call } = paced();
  expect([1, 2, 3].map(() => call('evil', 'sendReport', 4_000_000))).toEqual([
    'done',
    'done',
    'SLOW_DOWN 14',
  ]);
  time.now += 14_000;
  expect(call('evil', 'sendReport', 4_000_000)).toBe('done');
});

test('whoever only writes an id takes nothing from its server', () => {
  const { pace, call } = paced();
  for (let times = 0; times < 1000; times += 1) pace.mayCall('school', 'sendReport');
  expect(call('school')).toBe('done');
});
