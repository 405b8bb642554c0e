import { describe, expect, test } from 'vitest';
import { createSlowDown } from './sign-in.ts';

function setUp() {
  const clock = { at: 1_000_000 };
  const waits: number[] = [];
  const slowDown = createSlowDown(
    () => clock.at,
    async (ms) => {
      waits.push(ms);
    },
  );
  const attempt = async (login: string) => {
    await slowDown.before(login);
    slowDown.failed(login);
  };
  return { clock, waits, slowDown, attempt };
}

describe('slow down', () => {
  test('three free failures, then doubling up to four seconds, and never a lock', async () => {
    const { waits, attempt } = setUp();
    for (let count = 0; count < 100; count += 1) await attempt('lea');
    expect(waits.slice(0, 6)).toEqual([250, 500, 1000, 2000, 4000, 4000]);
    expect(waits).toHaveLength(97);
    expect(Math.max(...waits)).toBe(4000);
  });

  test('one account’s failures do not slow another', async () => {
    const { waits, attempt, slowDown } = setUp();
    for (let count = 0; count < 10; count += 1) await attempt('lea');
    const before = waits.length;
    await slowDown.before('tom');
    expect(waits).toHaveLength(before);
  });

  test('forgotten after success', async () => {
    const { waits, attempt, slowDown } = setUp();
    for (let count = 0; count < 5; count += 1) await attempt('lea');
    slowDown.succeeded('lea');
    waits.length = 0;
    await slowDown.before('lea');
    expect(waits).toEqual([]);
  });

  test('forgotten after ten minutes', async () => {
    const { clock, waits, attempt, slowDown } = setUp();
    for (let count = 0; count < 5; count += 1) await attempt('lea');
    waits.length = 0;
    clock.at += 600_000;
    await slowDown.before('lea');
    expect(waits).toHaveLength(1);
    clock.at += 1;
    await slowDown.before('lea');
    expect(waits).toHaveLength(1);
    slowDown.failed('lea');
    await slowDown.before('lea');
    expect(waits).toHaveLength(1);
  });

  test('bounded: the oldest of many names is forgotten', async () => {
    const { waits, slowDown } = setUp();
    for (let count = 0; count < 5; count += 1) slowDown.failed('first');
    for (let count = 0; count < 20_000; count += 1) slowDown.failed(`name${count}`);
    await slowDown.before('first');
    expect(waits).toEqual([]);
  });
});
