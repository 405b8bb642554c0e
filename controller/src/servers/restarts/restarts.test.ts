import { expect, test } from 'vitest';
import { makeCity } from '#src/testing.fixture.ts';
import { tonight } from './ask.ts';
import { nights, restartCases } from './restarts.cases.ts';

restartCases(() => makeCity());

test.each(nights)('tonight, %s', (_name, timeZone, now, at) => {
  const found = tonight({ timeZone, holidayZone: 'A' }, Date.parse(now));
  expect(new Date(found).toISOString()).toBe(at.replace('Z', '.000Z'));
});
