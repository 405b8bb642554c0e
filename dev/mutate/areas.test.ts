/** Each area has files to mutate and tests to ask, and each file has its turn. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../services.ts';
import { areas } from './areas.ts';
import { fromDay } from './from-day.ts';

test.each(Object.entries(areas))('%s names what is there', (_, { mutate, tests }) => {
  expect([...mutate, ...tests].filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

test('each night begins elsewhere, and a week of short nights meets all', () => {
  const files = ['a', 'b', 'c', 'd', 'e'];
  expect(fromDay(files, 0)).toEqual(files);
  expect(fromDay(files, 1)).toEqual(['b', 'c', 'd', 'e', 'a']);
  const met = new Set(Array.from({ length: 5 }, (_, night) => fromDay(files, night)[0]));
  expect([...met].sort()).toEqual(files);
  expect(fromDay([], 3)).toEqual([]);
});
