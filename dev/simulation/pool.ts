/** Runs seeds on all cores. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Outcome } from './simulate.ts';
import type { Task } from './worker.ts';
import type { GuardName } from './world.ts';

const atATime = 20;

/** Ends early when `heard` returns false. Outcomes come in no particular order; each depends on its
 * seed alone. */
export async function simulateAll(
  seeds: Iterable<number>,
  without: GuardName | null,
  heard: (outcome: Outcome) => boolean,
  { threads = availableParallelism(), kept = 40 } = {},
): Promise<void> {
  const left = seeds[Symbol.iterator]();
  let open = true;
  const next = (): Task => {
    const some: number[] = [];
    while (open && some.length < atATime) {
      const { value, done } = left.next();
      if (done === true) break;
      some.push(value);
    }
    return { seeds: some, without, kept };
  };
  await Promise.all(
    Array.from(
      { length: threads },
      () =>
        new Promise<void>((resolve, reject) => {
          const worker = new Worker(new URL('./worker.ts', import.meta.url), {
            execArgv: ['--disable-warning=ExperimentalWarning'],
          });
          const end = () => void worker.terminate().then(() => resolve());
          worker.on('error', reject);
          worker.on('message', (message: Outcome | 'more') => {
            if (message === 'more') {
              const task = next();
              if (task.seeds.length === 0) end();
              else worker.postMessage(task);
            } else if (open && !heard(message)) open = false;
            if (!open) end();
          });
        }),
    ),
  );
}

export function* seedsFrom(first: number, n: number): Iterable<number> {
  for (let seed = first; seed < first + n; seed += 1) yield seed;
}

/** A readable report of a broken run, for debugging. */
export const tellBroken = ({ seed, broken, trail }: Outcome): string =>
  broken === null
    ? `seed ${seed} holds`
    : [
        `Seed ${seed} breaks "${broken.invariant}" after ${(broken.atMs / 1000).toFixed(1)} s: ${broken.detail}`,
        'The last events (seconds, what):',
        ...trail,
        `Again: npm run simulate -- --seed ${seed}`,
      ].join('\n');
