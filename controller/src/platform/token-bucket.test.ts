import { expect, test } from 'vitest';
import { TokenBucket, TokenBuckets } from './token-bucket.ts';

test('a burst passes at once, then as much as comes in per second', () => {
  const bucket = new TokenBucket({ perSecond: 2, burst: 3 }, 0);
  expect([1, 2, 3, 4].map(() => bucket.take(1, 0))).toEqual([0, 0, 0, 500]);
  expect(bucket.take(1, 499)).toBe(1);
  expect(bucket.take(1, 500)).toBe(0);
  expect(bucket.take(3, 500)).toBe(1500);
});

test('a refused amount costs nothing, and a rest fills no more than the burst', () => {
  const bucket = new TokenBucket({ perSecond: 10, burst: 5 }, 0);
  expect(bucket.take(6, 0)).toBe(100);
  expect(bucket.take(5, 0)).toBe(0);
  expect(bucket.isFull(499)).toBe(false);
  expect(bucket.isFull(500)).toBe(true);
  expect(bucket.take(6, 3_600_000)).toBe(100);
});

test('what has happened is owed', () => {
  const bucket = new TokenBucket({ perSecond: 100, burst: 50 }, 0);
  expect(bucket.owe(50, 0)).toBe(0);
  expect(bucket.owe(20, 0)).toBe(200);
  expect(bucket.owe(0, 150)).toBe(50);
  expect(bucket.owe(0, 200)).toBe(0);
});

test('a clock that goes back gives nothing', () => {
  const bucket = new TokenBucket({ perSecond: 1, burst: 1 }, 10_000);
  expect(bucket.take(1, 10_000)).toBe(0);
  expect(bucket.take(1, 0)).toBe(1000);
  expect(bucket.take(1, 10_500)).toBe(500);
});

test('callers have a bucket each, and are forgotten after a rest', () => {
  const buckets = new TokenBuckets({ perSecond: 1, burst: 2 });
  expect([buckets.take('a', 2, 0), buckets.take('a', 1, 0), buckets.take('b', 2, 0)]).toEqual([
    0, 1000, 0,
  ]);
  for (let caller = 0; caller < 1000; caller += 1) buckets.take(`c${caller}`, 1, 10);
  expect(buckets.size).toBe(1002);
  buckets.take('a', 1, 5000);
  expect(buckets.size).toBe(1);
});
