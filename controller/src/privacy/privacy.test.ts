import { expect, test } from 'vitest';
import { makeCity } from '#src/testing.fixture.ts';
import { privacyCases } from './privacy.cases.ts';
import { monthOf, monthStart, monthsBetween } from './usage/usage.ts';

privacyCases(() => makeCity());

test('months', () => {
  expect(monthsBetween('2026-11', '2027-02')).toEqual(['2026-11', '2026-12', '2027-01', '2027-02']);
  expect(monthsBetween('2027-02', '2026-11')).toEqual([]);
  expect(monthsBetween('2020-01', '2029-01')).toHaveLength(24);
  expect(monthOf(monthStart('2027-01', -2))).toBe('2026-11');
  expect(monthStart('2028-02', 1) - monthStart('2028-02')).toBe(29 * 86_400_000);
});
