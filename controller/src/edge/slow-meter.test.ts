import { expect, test } from 'vitest';
import { SlowMeter } from './slow-meter.ts';

const meter = () => new SlowMeter({ perSecond: 1000, forMs: 30_000 });
/** Seconds at which it was slow, given the bytes moved at each multiple of ten seconds. */
const slowAt = (...bytes: (number | null)[]) => {
  const one = meter();
  return bytes.flatMap((moved, index) => (one.isSlow(moved, index * 10_000) ? [index * 10] : []));
};

test('slow is who moves too little for long enough on end', () => {
  expect(slowAt(0, 0, 0, 0)).toEqual([30]);
  expect(slowAt(0, 1, 2, 29_999)).toEqual([30]);
  expect(slowAt(0, 0, 0, 30_000)).toEqual([]);
  expect(slowAt(0, 20_000, 40_000, 60_000, 60_000, 60_000, 60_000)).toEqual([60]);
});
test('nobody is slow while we wait for nothing', () => {
  expect(slowAt(null, null, null, null, null)).toEqual([]);
  expect(slowAt(0, 0, null, 0, 0, 0, 0)).toEqual([60]);
});
