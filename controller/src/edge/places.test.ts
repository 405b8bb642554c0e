import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { codeOf } from '#src/testing.fixture.ts';
import { createPlaces } from './places.ts';

const call = { destroy: () => undefined };

test('one more than there are places is refused; routes that name the same object share it', async () => {
  const take = createPlaces();
  const shared = { most: 2 };
  const { promise, resolve } = Promise.withResolvers<void>();
  const work = [take(shared, call, () => promise), take(shared, call, () => promise)];
  expect(await codeOf(take(shared, call, async () => undefined))).toBe('BUSY');
  expect(await codeOf(take({ most: 2 }, call, async () => undefined))).toBe('done');
  expect(await codeOf(take(undefined, call, async () => undefined))).toBe('done');
  resolve();
  await Promise.all(work);
  expect(await codeOf(take(shared, call, async () => undefined))).toBe('done');
});

test('a place is free again when the work fails', async () => {
  const take = createPlaces();
  const places = { most: 1 };
  await expect(take(places, call, () => Promise.reject(new Error('cut off')))).rejects.toThrow();
  expect(await codeOf(take(places, call, async () => undefined))).toBe('done');
});

test('a call that takes too long is cut off; one that does not is left alone', async () => {
  const take = createPlaces();
  let destroyed = 0;
  const slow = {
    destroy: () => {
      destroyed += 1;
    },
  };
  await take({ most: 1, withinMs: 20 }, slow, () => pause(60));
  expect(destroyed).toBe(1);
  await take({ most: 1, withinMs: 20 }, slow, async () => undefined);
  await pause(60);
  expect(destroyed).toBe(1);
});
