import { expect, test } from 'vitest';
import { LastWins } from './last-wins.ts';

test('the first passes at once, then one in each interval, and always the last', () => {
  const sizes = new LastWins<string>(500);
  expect(sizes.offer('a', 1000)).toBe('a');
  expect(sizes.offer('b', 1100)).toBe(null);
  expect(sizes.offer('c', 1200)).toBe(null);
  expect(sizes.waitMs(1200)).toBe(300);
  expect(sizes.take(1500)).toBe('c');
  expect(sizes.take(1500)).toBe(null);
  expect(sizes.offer('d', 1999)).toBe(null);
  expect(sizes.offer('e', 2000)).toBe('e');
});
test('199 sizes in ten seconds become twenty, of which the last is the last', () => {
  const sizes = new LastWins<number>(500);
  const passed: number[] = [];
  let due = Number.POSITIVE_INFINITY;
  for (let at = 0; at < 12_000; at += 10) {
    const index = at / 50;
    if (at >= due) {
      const last = sizes.take(at);
      if (last !== null) passed.push(last);
      due = Number.POSITIVE_INFINITY;
    }
    if (Number.isInteger(index) && index < 199) {
      const now = sizes.offer(index, at);
      if (now !== null) passed.push(now);
      else due = at + sizes.waitMs(at);
    }
  }
  expect(passed.length).toBeLessThanOrEqual(21);
  expect(passed.at(-1)).toBe(198);
});
