/** Two queues in front of one scarce thing, such as the cores that hash passwords: what concerns a
 * known account never waits behind invented names. */
import { AppError } from '@preau/contract/errors.ts';
import PQueue from 'p-queue';

export type Lane = 'known' | 'unknown';
interface Places {
  atOnce: number;
  waiting: number;
}
export interface Lanes {
  /** Refuses with BUSY when all places of the lane are taken. `urgent` work goes before other work
   * of its lane. */
  run: <T>(lane: Lane, work: () => Promise<T>, urgent?: boolean) => Promise<T>;
}

export interface Line {
  run: <T>(work: () => Promise<T>, urgent?: boolean) => Promise<T>;
}

/** One queue with so many places. Refuses with BUSY. */
export function createLine({ atOnce, waiting }: Places): Line {
  const queue = new PQueue({ concurrency: atOnce });
  return {
    run: async (work, urgent = true) => {
      if (queue.size >= waiting) throw new AppError('BUSY', { retryAfterS: 5 });
      return queue.add(work, { priority: urgent ? 1 : 0 });
    },
  };
}

export function createLanes(places: Record<Lane, Places>): Lanes {
  const lines = { known: createLine(places.known), unknown: createLine(places.unknown) };
  return { run: (lane, work, urgent) => lines[lane].run(work, urgent) };
}
