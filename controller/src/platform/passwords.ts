/** argon2id in two bounded lanes. A hash costs tens of milliseconds of one core and 19 MiB, so
 * sign-ins of a whole school at once must queue, and invented names queue apart from real ones.
 * When a lane is full, calls fail with BUSY. */
import { availableParallelism } from 'node:os';
import { hash, verify } from '@node-rs/argon2';
import { budget } from './budget.ts';
import { createLanes } from './lanes.ts';

// OWASP's first recommendation for argon2id: 19 MiB, two passes, one lane.
const options = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

export interface Passwords {
  hash: (password: string) => Promise<string>;
  /** Takes equally long without a stored hash, so that timing does not reveal which names exist.
   * `urgency`: of lanes.ts. */
  verify: (storedHash: string | null, password: string, urgency?: number) => Promise<boolean>;
}

const { known, unknown } = budget.signIn.hashes;

export function createPasswords(workers = availableParallelism()): Passwords {
  const lanes = createLanes({
    known: { ...known, atOnce: Math.min(workers, known.atOnce) },
    unknown,
  });
  const dummy = hash('no such account', options);
  return {
    hash: (password) => lanes.run('known', () => hash(password, options)),
    verify: (storedHash, password, urgency) =>
      lanes.run(
        storedHash === null ? 'unknown' : 'known',
        async () => {
          const matches = await verify(storedHash ?? (await dummy), password);
          return matches && storedHash !== null;
        },
        urgency,
      ),
  };
}
