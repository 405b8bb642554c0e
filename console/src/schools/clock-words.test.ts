import { expect, test } from 'vitest';
import { skewInWords } from './clock-words.ts';

test.each([
  [-86_280_000, '23 h 58'],
  [3_600_000, '1 h 00'],
  [-720_000, '12 min'],
  [40_000, '40 s'],
  [-30 * 86_400_000, '30 j'],
])('%i ms are %s', (skewMs, words) => {
  expect(skewInWords(skewMs)).toBe(words);
});
