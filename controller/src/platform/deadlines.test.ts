import { expect, test } from 'vitest';
import { closeInOrder, within } from './deadlines.ts';

const never = () => new Promise<void>(() => undefined);

test('what hangs is left behind, and the rest is closed in order', async () => {
  const closed: string[] = [];
  const warned: unknown[] = [];
  const steps = [
    { what: 'first', close: () => closed.push('first') },
    { what: 'hangs', close: never },
    {
      what: 'fails',
      close: () => {
        throw new Error('no');
      },
    },
    { what: 'rejects', close: () => Promise.reject(new Error('no')) },
    { what: 'last', close: async () => closed.push('last') },
  ];
  const log = { warn: (facts: object) => warned.push(facts) };
  const began = performance.now();
  expect(await closeInOrder(log, steps, { stepMs: 100, allMs: 1000 })).toEqual([
    'hangs',
    'fails',
    'rejects',
  ]);
  expect(closed).toEqual(['first', 'last']);
  expect(warned).toHaveLength(3);
  expect(performance.now() - began).toBeLessThan(500);
});

test('all together take no longer than all may, and what closes at once still closes', async () => {
  const closed: string[] = [];
  const hanging = Array.from({ length: 20 }, (_, index) => ({ what: `${index}`, close: never }));
  const began = performance.now();
  await closeInOrder(
    { warn: () => undefined },
    [...hanging, { what: 'last', close: async () => closed.push('last') }],
    { stepMs: 100, allMs: 250 },
  );
  expect(closed).toEqual(['last']);
  expect(performance.now() - began).toBeLessThan(1000);
});

test('within returns the work, or its failure, or that it is late', async () => {
  await expect(within(50, Promise.resolve(7))).resolves.toBe(7);
  await expect(within(50, Promise.reject(new Error('its own')))).rejects.toThrow('its own');
  await expect(within(20, never())).rejects.toThrow('not within 20 ms');
});
