/** A server whose clock is wrong lives by the city's time. */
import { beforeEach, expect, test } from 'vitest';
import { type CityClock, createCityClock } from './city-clock.ts';

const noon = Date.UTC(2026, 10, 30, 12) + 500;
const hour = 3_600_000;
let machine: number;
let ticks: number;
let clock: CityClock;
/** The header of an answer that is written in the middle of its second. */
const dateOf = (at: number) => new Date(at).toUTCString();

beforeEach(() => {
  machine = noon;
  ticks = 1000;
  clock = createCityClock(
    () => machine,
    () => ticks,
  );
});
const pass = (ms: number) => {
  machine += ms;
  ticks += ms;
};

test('before the city has answered, its own clock is all there is', () => {
  expect(clock.now()).toBe(noon);
  expect(clock.skewMs()).toBe(null);
});

test.each([
  ['a day behind', -24 * hour],
  ['a day ahead', 24 * hour],
  ['ten years behind, without a battery', -87_600 * hour],
])('%s: it tells the city’s time from the first answer on', (_, skew) => {
  machine = noon + skew;
  clock.heard(dateOf(noon), ticks);
  expect(clock.now()).toBe(noon);
  expect(clock.skewMs()).toBe(skew);
  pass(hour);
  expect(clock.now()).toBe(noon + hour);
});

test('half of the way of an answer is counted', () => {
  machine = noon + hour;
  pass(400);
  clock.heard(dateOf(noon), ticks - 400);
  expect(clock.now()).toBe(noon + 200);
});

test('a machine whose clock is put right in between does not jump', () => {
  machine = noon - 24 * hour;
  clock.heard(dateOf(noon), ticks);
  pass(1000);
  machine = noon + 1000;
  expect(clock.now()).toBe(noon + 1000);
  expect(clock.skewMs()).toBe(0);
});

test('a clock that is right is left alone, and small corrections never go back', () => {
  clock.heard(dateOf(noon - 1000), ticks);
  expect(clock.now()).toBe(noon);
  machine -= 900;
  expect(clock.now()).toBe(noon);
});

test('a city whose clock was wrong itself is followed back', () => {
  clock.heard(dateOf(noon + 24 * hour), ticks);
  expect(clock.now()).toBe(noon + 24 * hour);
  clock.heard(dateOf(noon), ticks);
  expect(clock.now()).toBe(noon);
});

test.each([
  null,
  undefined,
  '',
  'noon',
  dateOf(Date.UTC(1999, 0, 1)),
  dateOf(Date.UTC(2200, 0, 1)),
])('the time %s is no time of a city', (told) => {
  clock.heard(told, ticks);
  expect(clock.skewMs()).toBe(null);
});
