/** Health is looked at by parts, each in its own time. */
import { expect, test, vi } from 'vitest';
import { createLog } from '../log.ts';
import type { Check, Finding } from './check.ts';
import { roomLeft } from './checks.ts';
import { watchClock } from './clock-watch.ts';
import { createHealth } from './health.ts';

const time = { at: Date.UTC(2026, 10, 30) };
const deps = { clock: { now: () => time.at }, log: createLog('silent') };
const part = (name: Check['part'], look: Check['look']): Check => ({
  part: name,
  failure: 'INTERNAL',
  silence: 'OVERLOADED',
  look,
});
const well = async (): Promise<Finding> => ({ state: 'ok' });
const broken = async (): Promise<Finding> => {
  throw new Error('secret.host:5432 refused');
};

test('a part that never answers is down after its own time, and holds up no other', async () => {
  let asked = 0;
  const health = createHealth(deps, [
    part('database', well),
    part('gateway', () => {
      asked += 1;
      return new Promise(() => undefined);
    }),
  ]);
  const started = performance.now();
  const answer = await health.answer();
  expect(performance.now() - started).toBeLessThan(5000);
  expect(answer).toMatchObject({
    status: 'degraded',
    parts: [
      { part: 'database', state: 'ok', code: null },
      { part: 'gateway', state: 'down', code: 'OVERLOADED' },
    ],
  });
  await new Promise((resolve) => setTimeout(resolve, 2100));
  await health.answer();
  expect(asked).toBe(1);
});

test('asking a thousand times looks once', async () => {
  const look = vi.fn(well);
  const health = createHealth(deps, [part('database', look)]);
  await Promise.all(Array.from({ length: 1000 }, () => health.answer()));
  await health.answer();
  expect(look).toHaveBeenCalledTimes(1);
});

test('the public answer keeps reasons to itself; technicians read them, and since when', async () => {
  const health = createHealth(deps, [part('database', broken), part('redis', well)]);
  const answer = await health.answer();
  expect(answer.status).toBe('down');
  expect(JSON.stringify(answer)).not.toContain('secret.host');
  expect((await health.report()).parts).toMatchObject([
    { part: 'database', why: 'secret.host:5432 refused', since: time.at, code: 'INTERNAL' },
    { part: 'redis', why: null, since: null },
  ]);
});

test.each([
  [{ bytes: 10e9, inodes: 1e6 }, 'ok'],
  [{ bytes: 10e9, inodes: null }, 'ok'],
  [{ bytes: 1e9, inodes: 1e6 }, 'degraded DISK_LOW'],
  [{ bytes: 10e9, inodes: 4000 }, 'degraded DISK_LOW'],
  [{ bytes: 1e6, inodes: 1e6 }, 'down DISK_FULL'],
  [{ bytes: 10e9, inodes: 3 }, 'down DISK_FULL'],
])('room for %o is %s', (room, expected) => {
  const finding = roomLeft(room);
  expect(finding.state === 'ok' ? 'ok' : `${finding.state} ${finding.code}`).toBe(expected);
});

test('the controller’s clock: a jump, a step back before the start, another’s clock', () => {
  const clock = { at: Date.UTC(2026, 10, 30), ticks: 0 };
  const watch = () => watchClock({ now: () => clock.at }, () => clock.ticks);
  const why = (finding: Finding) => (finding.state === 'ok' ? 'ok' : finding.why);
  const pass = (ms: number) => {
    clock.at += ms;
    clock.ticks += ms;
  };
  const jumping = watch();
  pass(60_000);
  expect(why(jumping.finding())).toBe('ok');
  clock.at += 3_600_000;
  expect(why(jumping.finding())).toBe('it has jumped forward by 60 min');
  pass(800_000);
  expect(why(jumping.finding())).toMatch(/jumped/);
  pass(200_000);
  expect(why(jumping.finding())).toBe('ok');

  const back = watch();
  back.lookedBefore(clock.at + 86_400_000);
  expect(why(back.finding())).toBe('it has gone back by 24 h 0 min since the last look');

  const differing = watch();
  differing.heard('Redis', clock.at - 90_000);
  expect(why(differing.finding())).toBe('it is 2 min ahead of the clock of Redis');
  differing.heard('Redis', clock.at);
  expect(why(differing.finding())).toBe('ok');

  clock.at = Date.UTC(2001, 0, 1);
  expect(why(watch().finding())).toBe('it says 2001-01-01T00:00:00.000Z');
});
