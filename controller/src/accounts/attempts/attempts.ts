/** Guesses of a secret. Those of one secret are judged one after the other, however many arrive at
 * once, and each is counted before it is judged. It slows down and never locks: a whole school
 * shares one address, and a prank must not shut a classmate out. Right ones are paced as well: each
 * costs a hash and a line of the audit. */
import { AppError } from '@preau/contract/errors.ts';
import { budget } from '#src/platform/budget.ts';
import { type Counters, createCounters } from '#src/platform/counters.ts';
import { slowDown } from '#src/platform/slow-down.ts';
import { createGuessQueue, type GuessQueue } from './guess-queue.ts';
import { isGuess } from './guessed.ts';

const { guesses, codes } = budget.signIn;

interface Guess {
  /** Whose secret, such as a login. */
  of: string;
  /** Where it comes from: the guesses of one address do not hold up those of another. */
  from: string;
  /** A code after a right password, or one that anybody may guess. */
  kind: 'password' | 'code';
}
export interface Attempts {
  /** `look` is told how many guesses of this secret there were, this one included. Returns what it
   * returns: null when the secret is wrong, which is counted; anything else
   * forgets the count. Refuses with SLOW_DOWN a guess that was not judged. */
  judge: <T>(guess: Guess, look: (guesses: number) => Promise<T | null>) => Promise<T | null>;
  /** Refuses those that wait with BUSY. */
  close: () => void;
}

/** The pause before the next guess, after so many wrong ones. Pure. */
export function pauseAfter(wrong: number): number {
  if (wrong < guesses.free) return 0;
  return Math.min(guesses.firstPauseMs * 2 ** (wrong - guesses.free), guesses.longestPauseMs);
}

/** A right password whose code is still missing does not forget the wrong ones before it: otherwise
 * who knows the password could open steps without end. */
const isCounted = (error: unknown): boolean =>
  isGuess(error) || (error instanceof AppError && error.code === 'SECOND_FACTOR_REQUIRED');

interface AttemptsOptions {
  counters?: Counters;
  now: () => number;
  wait?: (ms: number) => Promise<void>;
  chance?: () => number;
}

export function createAttempts({
  counters = createCounters(null),
  now,
  wait = (ms) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
  chance = Math.random,
}: AttemptsOptions): Attempts {
  const counts = {
    password: counters('guesses', guesses.forgetAfterS),
    code: counters('codes', codes.forgetAfterS),
  };
  const rightOnes = counters('right', guesses.right.forgetAfterS);
  const queues = new Map<string, GuessQueue>();

  /** Serves one secret's queue until it is empty. The queue stays for the longest pause, because it
   * knows when the last guess was judged. */
  async function serve(key: string, queue: GuessQueue, pause: () => Promise<number>) {
    queue.serving = true;
    while (queue.size() > 0) {
      // Nothing to read for the first one in a long while: no pause is longer than that.
      const isFirst = queue.judgedAt === Number.NEGATIVE_INFINITY;
      const pauseMs = isFirst ? 0 : queue.judgedAt + (await pause()) - now();
      if (pauseMs > 0) await wait(pauseMs);
      const judge = queue.next();
      if (judge === undefined) continue;
      await judge();
      queue.judgedAt = now();
    }
    queue.serving = false;
    setTimeout(() => {
      if (!queue.serving && queues.get(key) === queue) queues.delete(key);
    }, guesses.longestPauseMs).unref();
  }

  async function pauseBefore({ kind, of }: Guess): Promise<number> {
    const [wrong, right] = await Promise.all([counts[kind].read(of), rightOnes.read(of)]);
    return Math.max(
      pauseAfter(wrong.count),
      right.count < guesses.right.free ? 0 : guesses.right.pauseMs,
    );
  }

  async function judgeNow<T>(
    guess: Guess,
    look: (guesses: number) => Promise<T | null>,
  ): Promise<T | null> {
    const counter = counts[guess.kind];
    const { count, msLeft } = await counter.add(guess.of);
    if (guess.kind === 'code' && count > codes.most) throw slowDown(msLeft);
    try {
      const found = await look(count);
      if (found === null) return null;
      counter.forget(guess.of);
      void rightOnes.add(guess.of);
      return found;
    } catch (error) {
      if (!isCounted(error)) counter.giveBack(guess.of);
      throw error;
    }
  }

  return {
    judge: async (guess, look) => {
      const key = `${guess.kind} ${guess.of}`;
      const queue = queues.get(key) ?? createGuessQueue(chance);
      if (!queues.has(key) && queues.size >= guesses.secrets) throw slowDown(10_000);
      queues.set(key, queue);
      const answer = queue.enter(guess.from, () => judgeNow(guess, look));
      if (!queue.serving) void serve(key, queue, () => pauseBefore(guess));
      return answer;
    },
    close: () => {
      for (const queue of queues.values()) queue.close();
    },
  };
}
