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
  /** Refuses with BUSY when all places of the lane are taken. What is more urgent goes first. */
  run: <T>(lane: Lane, work: () => Promise<T>, urgency?: number) => Promise<T>;
}
export interface Line {
  run: <T>(work: () => Promise<T>, urgency?: number) => Promise<T>;
}

/** The urgency of ordinary work. Below it, work may take only half of the places that wait. */
export const ordinary = 2;

/** One queue with so many places. Refuses with BUSY. */
export function createLine({ atOnce, waiting }: Places): Line {
  const queue = new PQueue({ concurrency: atOnce });
  return {
    run: async (work, urgency = ordinary) => {
      if (queue.size >= (urgency < ordinary ? waiting / 2 : waiting))
        throw new AppError('BUSY', { retryAfterS: 5 });
      return queue.add(work, { priority: urgency });
    },
  };
}

export function createLanes(places: Record<Lane, Places>): Lanes {
  const lines = { known: createLine(places.known), unknown: createLine(places.unknown) };
  return { run: (lane, work, urgency) => lines[lane].run(work, urgency) };
}
