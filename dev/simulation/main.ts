/** npm run simulate -- [--seeds N] [--from FIRST] [--seed S] [--without GUARD] [--trail EVENTS]
 * [--json]
 *
 * What it proves: the controller's verbs and decisions of rollouts, and the agent's decisions about
 * orders, are the product's own code. In every order of events that a seed produces (crashes,
 * freezes, lost and late messages, damaged journals) the invariants hold, and removing a guard
 * breaks one.
 *
 * What it does not prove: the SQL, because stores/ replaces it by tables in memory, one
 * transaction after the other; isolation on both databases is tested by the controller's own tests
 * and database.system.test.ts. Nor the agent's shell, because agent.ts and machine.ts simulate it
 * (timers, journal, installers, disk); the lab (test/e2e/rollout.test.ts) runs the real one. When
 * a store or the shell changes, its stand-in here must be changed by hand. */
import { parseArgs } from 'node:util';
import { seedsFrom, simulateAll, tellBroken } from './pool.ts';
import type { Outcome } from './simulate.ts';
import { type FaultName, faultNames, guardNames } from './world.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    without: { type: 'string' },
    trail: { type: 'string', default: '40' },
    json: { type: 'boolean', default: false },
  },
});
const without =
  values.without === undefined
    ? null
    : (guardNames.find((name) => name === values.without) ?? null);
if (values.without !== undefined && without === null)
  throw new Error(`--without takes one of ${guardNames.join(', ')}`);
const first = Number(values.seed ?? values.from);
const n = values.seed === undefined ? Number(values.seeds) : 1;
if (!Number.isInteger(first) || !Number.isInteger(n) || n < 1)
  throw new Error('--seeds, --from and --seed take whole numbers');

const started = performance.now();
const faults = new Map<FaultName, number>(faultNames.map((name) => [name, 0]));
const broken: Outcome[] = [];
let [done, events, virtualMs] = [0, 0, 0];
await simulateAll(
  seedsFrom(first, n),
  without,
  (outcome) => {
    done += 1;
    events += outcome.events;
    virtualMs += outcome.virtualMs;
    for (const [name, times] of outcome.faults) faults.set(name, (faults.get(name) ?? 0) + times);
    if (outcome.broken !== null) {
      broken.push(outcome);
      if (broken.length <= 5 && !values.json) process.stdout.write(`${tellBroken(outcome)}\n\n`);
    }
    if (done % 1000 === 0)
      process.stderr.write(
        `${done} seeds, ${broken.length} broken, ${((performance.now() - started) / 1000).toFixed(0)} s\n`,
      );
    return true;
  },
  { ...(n === 1 ? { threads: 1 } : {}), kept: Number(values.trail) },
);

const seconds = (performance.now() - started) / 1000;
const found = Object.fromEntries(
  [...Map.groupBy(broken, (outcome) => outcome.broken?.invariant ?? '')].map(
    ([invariant, list]) => [invariant, list.map(({ seed }) => seed).sort((a, b) => a - b)],
  ),
);
if (values.json)
  process.stdout.write(
    `${JSON.stringify({
      seeds: done,
      broken: found,
      events,
      virtualHours: virtualMs / 3_600_000,
      seconds,
      faults: Object.fromEntries(faults),
    })}\n`,
  );
else {
  process.stdout.write(
    `${done} seeds, ${events} events, ${(virtualMs / 3_600_000).toFixed(0)} hours in ` +
      `${seconds.toFixed(1)} s. ` +
      `${broken.length === 0 ? 'Everything held.' : `${broken.length} broken:`}\n`,
  );
  for (const [invariant, seeds] of Object.entries(found))
    process.stdout.write(`  ${invariant}: ${seeds.length}, first ${seeds.slice(0, 8).join(' ')}\n`);
  if (n > 1)
    for (const [name, times] of faults)
      process.stdout.write(`  ${String(times).padStart(9)}  ${name.replaceAll('_', ' ')}\n`);
}
process.exit(broken.length === 0 ? 0 : 1);
