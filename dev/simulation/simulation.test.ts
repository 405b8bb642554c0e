/** A thousand cities in trouble: nothing that must hold breaks, and each kind of trouble did occur.
 * Without any one of its guards it does break, so the guards are needed and the simulation can
 * tell. */
import { describe, expect, test } from 'vitest';
import { seedsFrom, simulateAll, tellBroken } from './pool.ts';
import type { Outcome } from './simulate.ts';
import { type FaultName, faultNames, type GuardName } from './world.ts';

/** Seeds that once found a fault. */
const regressions = [
  1, 14, 24, 54, 62, 106, 130, 132, 134, 136, 141, 157, 193, 207, 219, 255, 593, 605, 661, 886, 909,
];
const seeds = 1000;

test(`${seeds} seeds: everything holds, every fault occurs`, { timeout: 600_000 }, async () => {
  const faults = new Map<FaultName, number>();
  let broken: Outcome | null = null;
  let done = 0;
  await simulateAll(new Set([...regressions, ...seedsFrom(1, seeds)]), null, (outcome) => {
    done += 1;
    for (const [name, times] of outcome.faults) faults.set(name, (faults.get(name) ?? 0) + times);
    if (outcome.broken !== null) broken ??= outcome;
    return broken === null;
  });
  if (broken !== null) throw new Error(tellBroken(broken));
  expect(done).toBe(new Set([...regressions, ...seedsFrom(1, seeds)]).size);
  expect(
    faultNames.filter((name) => (faults.get(name) ?? 0) === 0),
    'faults that never occurred',
  ).toEqual([]);
});

describe('without a guard something breaks', () => {
  // biome-ignore format: a table
  const guards: [GuardName, string][] = [
    ['fencing', 'an evaluation that was overtaken writes'], ['compare_and_set', 'a change is made to a row that has moved on'], ['journal', 'a dead agent’s orders are forgotten'], ['order_id', 'an order that ended begins again'],
    ['detection', 'nobody looks before installing'], ['serial', 'late and repeated reports count'],
  ];
  test.each(guards)('%s: %s', { timeout: 300_000 }, async (guard) => {
    let found: Outcome | null = null;
    await simulateAll(seedsFrom(1, 1500), guard, (outcome) => {
      if (outcome.broken !== null) found ??= outcome;
      return found === null;
    });
    const { seed, broken } = (found ?? { seed: 0, broken: null }) as Pick<
      Outcome,
      'seed' | 'broken'
    >;
    expect(broken, `no seed of 1,500 breaks without ${guard}`).not.toBeNull();
    process.stdout.write(`without ${guard}: seed ${seed} breaks "${broken?.invariant}"\n`);
  });
});

test('a seed is one history: twice the same', async () => {
  const told: string[] = [];
  for (let time = 0; time < 2; time += 1)
    await simulateAll([7], null, (outcome) => told.push(JSON.stringify(outcome)) > 0, {
      threads: 1,
    });
  expect(told[0]).toBe(told[1]);
});
