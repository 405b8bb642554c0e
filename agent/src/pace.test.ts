import { reportEveryMs } from '@preau/contract/server.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createPace, type Pace, tickMs } from './pace.ts';

let passes = 0;
let momentMs = 300;
let pace: Pace;
beforeEach(() => {
  vi.useFakeTimers();
  passes = 0;
  momentMs = 300;
  pace = createPace({
    now: () => Date.now(),
    momentMs: () => momentMs,
    pass: () => {
      passes += 1;
    },
  });
  // As after a first pass: everything is read and told.
  pace.takeRead();
  pace.reporting();
  pace.heard();
});
afterEach(() => {
  pace.stop();
  vi.useRealTimers();
});
/** When it may report, looking every 10 ms; null: not within that time. */
const reportsAfter = (withinMs: number): number | null => {
  for (let ms = 0; ms <= withinMs; ms += 10) {
    if (pace.mayReport()) return ms;
    vi.advanceTimersByTime(10);
  }
  return null;
};

test('what begins reads and reports at once', () => {
  const fresh = createPace({
    now: () => Date.now(),
    momentMs: () => momentMs,
    pass: () => undefined,
  });
  expect([fresh.takeRead(), fresh.takeRead(), fresh.mayReport()]).toEqual([true, false, true]);
});

describe('telling', () => {
  test('at once, and one pass is asked for', () => {
    pace.tell(true);
    expect([pace.mayReport(), passes]).toEqual([true, 1]);
  });

  test('soon: within one to three moments, however often', () => {
    for (let times = 0; times < 5; times += 1) {
      for (let more = 0; more < 4; more += 1) pace.tell('soon');
      const after = reportsAfter(2000);
      expect(after).toBeGreaterThanOrEqual(300);
      expect(after).toBeLessThanOrEqual(910);
      pace.reporting();
      pace.heard();
    }
  });

  test(
    'an order that is over: at once where nobody waits for anybody, else sooner than soon, and ' +
      'a second one puts nothing off',
    () => {
      pace.tell('over');
      expect(pace.mayReport()).toBe(true);
      pace.reporting();
      momentMs = 2000;
      pace.tell('soon');
      pace.tell('over');
      vi.advanceTimersByTime(100);
      pace.tell('over');
      const after = reportsAfter(5000);
      expect(after).toBeLessThanOrEqual(2 * (2000 - 300) + 10);
      pace.reporting();
      // What was to be told soon went with it.
      expect(reportsAfter(6500)).toBeNull();
    },
  );

  test('nothing happens: from time to time all the same', () => {
    expect(reportsAfter(reportEveryMs + 100)).toBe(reportEveryMs);
  });
});

describe('a city that does not answer', () => {
  test('is asked at the next tick, then ever later, never later than a usual report; a ring ends the waiting', () => {
    const waited: number[] = [];
    for (let times = 0; times < 8; times += 1) {
      pace.reporting();
      pace.unheard();
      waited.push(reportsAfter(reportEveryMs + tickMs) ?? Number.NaN);
    }
    expect(waited[0]).toBe(tickMs);
    expect(Math.min(...waited)).toBeGreaterThanOrEqual(tickMs);
    expect(Math.max(...waited)).toBeLessThanOrEqual(reportEveryMs + 10);
    pace.reporting();
    pace.unheard();
    expect(pace.mayReport()).toBe(false);
    pace.rung();
    expect([pace.takeRead(), pace.mayReport()]).toEqual([true, true]);
  });
});

describe('reading', () => {
  test('at leisure: within a few moments, once, and told about soon', () => {
    for (let times = 0; times < 3; times += 1) pace.readAtLeisure();
    vi.advanceTimersByTime(299);
    expect(pace.takeRead()).toBe(false);
    vi.advanceTimersByTime(601);
    expect([pace.takeRead(), pace.takeRead()]).toEqual([true, false]);
    expect(reportsAfter(1000)).not.toBeNull();
  });

  test('a state that was refused would be refused again: only a ring asks for it before the next usual report', () => {
    pace.refused();
    pace.reporting();
    pace.readAtLeisure();
    vi.advanceTimersByTime(1000);
    expect(pace.takeRead()).toBe(false);
    pace.rung();
    expect(pace.takeRead()).toBe(true);
    pace.accepted();
    pace.readAtLeisure();
    vi.advanceTimersByTime(1000);
    expect(pace.takeRead()).toBe(true);
  });

  test('what was wished for is void once it is read', () => {
    pace.readAtLeisure();
    pace.read();
    expect(pace.takeRead()).toBe(true);
    vi.advanceTimersByTime(5000);
    expect(pace.takeRead()).toBe(false);
  });
});

describe('a pause that the controller asks for', () => {
  test('is kept, whatever happens meanwhile', () => {
    pace.slowDown(7000);
    pace.unheard();
    pace.rung();
    pace.tell(true);
    expect(pace.takeRead()).toBe(false);
    const after = reportsAfter(20_000);
    expect(after).toBeGreaterThanOrEqual(7000);
    expect(after).toBeLessThanOrEqual(7100);
    expect(pace.takeRead()).toBe(true);
  });
  test('is no longer than five minutes', () => {
    pace.slowDown(86_400_000);
    pace.tell(true);
    expect(reportsAfter(310_000)).toBe(300_000);
  });
});

test('nothing is left when it stops', () => {
  pace.tell('soon');
  pace.readAtLeisure();
  pace.stop();
  expect(vi.getTimerCount()).toBe(0);
});
