/** Runs seeds in a thread of its own, which loads the controller with its stores replaced. */
import { parentPort } from 'node:worker_threads';
import './in-memory.ts';
import type { GuardName } from './world.ts';

export interface Task {
  seeds: readonly number[];
  without: GuardName | null;
  kept: number;
}

const { simulate } = await import('./simulate.ts');
parentPort?.on('message', ({ seeds, without, kept }: Task) => {
  void (async () => {
    for (const seed of seeds) parentPort?.postMessage(await simulate(seed, without, kept));
    parentPort?.postMessage('more');
  })();
});
parentPort?.postMessage('more');
