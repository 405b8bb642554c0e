/** argon2id in a bounded pool. A hash costs tens of milliseconds of one core and 19 MiB, so
 * sign-ins of a whole school at once must queue. When the queue is full, calls fail with BUSY. */
import { availableParallelism } from 'node:os';
import { hash, verify } from '@node-rs/argon2';
import { AppError } from '@preau/contract/errors.ts';
import PQueue from 'p-queue';
import { budget } from './budget.ts';

// OWASP's first recommendation for argon2id: 19 MiB, two passes, one lane.
const options = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

export interface Passwords {
  hash: (password: string) => Promise<string>;
  /** Takes equally long without a stored hash, so that timing does not reveal which names exist. */
  verify: (storedHash: string | null, password: string) => Promise<boolean>;
}

export function createPasswords(workers = availableParallelism()): Passwords {
  const queue = new PQueue({ concurrency: workers });
  const bounded = async <T>(work: () => Promise<T>): Promise<T> => {
    if (queue.size >= budget.signIn.waitingHashes) throw new AppError('BUSY', { retryAfterS: 5 });
    return queue.add(work);
  };
  const dummy = hash('no such account', options);
  return {
    hash: (password) => bounded(() => hash(password, options)),
    verify: (storedHash, password) =>
      bounded(async () => {
        const matches = await verify(storedHash ?? (await dummy), password);
        return matches && storedHash !== null;
      }),
  };
}
