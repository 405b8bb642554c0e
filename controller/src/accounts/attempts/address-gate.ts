/** Failures by address, for calls of people who have not signed in. A school is one address, so
 * nobody is kept out by it: an address with many failures has its refusals slowed, then all of them
 * read SLOW_DOWN, and who gives a right password gets in. */
import { AppError } from '@preau/contract/errors.ts';
import { addressOf } from '@preau/contract/network.ts';
import { budget } from '#src/platform/budget.ts';
import { type Counters, createCounters } from '#src/platform/counters.ts';
import { slowDown } from '#src/platform/slow-down.ts';
import { isGuess } from './guessed.ts';

const {
  slowFrom,
  slowMs,
  refuseFrom,
  refuseMs,
  forgetAfterS,
  held: maxHeld,
} = budget.signIn.address;

/** `slowed`: this address has failed often of late. */
export type AddressMood = 'calm' | 'slowed' | 'refused';

export interface AddressGate {
  /** Runs `work`, and counts it as a failure of the address when it refuses a guess. */
  enter: <T>(address: string, work: (mood: AddressMood) => Promise<T>) => Promise<T>;
  /** Counts a failure that has already happened, and refuses with it. */
  fail: (address: string, error: AppError) => Promise<never>;
  /** Notes that this address has begun something that another call must finish. Refuses with
   * SLOW_DOWN when it has begun too much. */
  begin: (address: string) => Promise<void>;
  finish: (address: string) => void;
}

/** NOT_FOUND: of a class page, whose address may be guessed. SLOW_DOWN: guesses pushed out by newer
 * ones. */
const isFailure = (error: unknown): error is AppError =>
  isGuess(error) ||
  (error instanceof AppError && (error.code === 'NOT_FOUND' || error.code === 'SLOW_DOWN'));

/** One household or school has a whole /64 of IPv6. Pure. */
export function neighbourhoodOf(address: string): string {
  const parsed = addressOf(address);
  if (parsed === null) return address;
  const bytes = parsed.toByteArray();
  return Buffer.from(bytes.length === 16 ? bytes.slice(0, 8) : bytes).toString('hex');
}

/** Pure. */
export const moodAt = (failures: number): AddressMood =>
  failures <= slowFrom ? 'calm' : failures <= refuseFrom ? 'slowed' : 'refused';

export function createAddressGate({
  counters = createCounters(null),
  wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
  chance = Math.random,
}: {
  counters?: Counters;
  wait?: (ms: number) => Promise<void>;
  /** From 0 to 1. */
  chance?: () => number;
} = {}): AddressGate {
  const failures = counters('failures', forgetAfterS);
  const begun = counters('begun', budget.signIn.begun.forgetAfterS);
  let held = 0;

  async function refuse(error: AppError, mood: AddressMood, since: number): Promise<never> {
    if (mood === 'calm') throw error;
    // Spread, so that a thousand sockets do not come back in the same moment.
    const wholeMs = (mood === 'slowed' ? slowMs : refuseMs) * (0.75 + chance() / 2);
    const restMs = wholeMs - (performance.now() - since);
    if (restMs > 0 && held < maxHeld) {
      held += 1;
      await wait(restMs).finally(() => {
        held -= 1;
      });
    }
    throw mood === 'slowed' ? error : slowDown(30_000);
  }

  return {
    enter: async (address, work) => {
      const since = performance.now();
      const from = neighbourhoodOf(address);
      // Counted before it is looked at: a thousand calls at once are a thousand.
      const mood = moodAt((await failures.add(from)).count);
      try {
        const result = await work(mood);
        failures.giveBack(from);
        return result;
      } catch (error) {
        if (isFailure(error)) return refuse(error, mood, since);
        failures.giveBack(from);
        throw error;
      }
    },
    fail: async (address, error) => {
      const since = performance.now();
      const { count } = await failures.add(neighbourhoodOf(address));
      return refuse(error, moodAt(count), since);
    },
    begin: async (address) => {
      const { count, msLeft } = await begun.add(neighbourhoodOf(address));
      if (count > budget.signIn.begun.most) throw slowDown(msLeft);
    },
    finish: (address) => begun.giveBack(neighbourhoodOf(address)),
  };
}
