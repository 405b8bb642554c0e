/** Counts that all controller processes share through Redis: how often something was tried within
 * some time. While Redis is away each process counts in its own memory. */
import type { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible';
import { sha256 } from './secrets.ts';

interface Counted {
  count: number;
  /** Until the count is forgotten. */
  msLeft: number;
}

interface Counter {
  read: (key: string) => Promise<Counted>;
  /** Counts one more, and returns how many there are with it. */
  add: (key: string) => Promise<Counted>;
  /** Nobody waits for these two; what comes after them on the same connection sees them. */
  giveBack: (key: string) => void;
  forget: (key: string) => void;
}
/** `name`: of this kind of count, the same in every process. */
export type Counters = (name: string, forgetAfterS: number) => Counter;

/** Keys that one process keeps of one kind; the oldest is forgotten first. */
const maxKeys = 20_000;

/** `redis`: a connection that refuses commands at once while Redis is away; null: this process
 * only. */
export const createCounters =
  (redis: Redis | null): Counters =>
  (name, forgetAfterS) => {
    // Nothing is refused here: whoever counts decides.
    const limits = { keyPrefix: `preau:${name}`, points: Number.MAX_SAFE_INTEGER };
    const memory = new RateLimiterMemory({ ...limits, duration: forgetAfterS });
    const shared =
      redis === null
        ? memory
        : new RateLimiterRedis({
            ...limits,
            duration: forgetAfterS,
            storeClient: redis,
            rejectIfRedisNotReady: true,
            insuranceLimiter: memory,
          });
    const keys = new Set<string>();
    /** Redis holds no names: only their hashes. */
    const keyOf = (key: string) => sha256(key).slice(0, 32);
    const note = (key: string) => {
      keys.delete(key);
      keys.add(key);
      const [oldest] = keys;
      if (keys.size <= maxKeys || oldest === undefined) return;
      keys.delete(oldest);
      void memory.delete(oldest);
    };
    const counted = (result: { consumedPoints: number; msBeforeNext: number } | null): Counted => ({
      count: Math.max(0, result?.consumedPoints ?? 0),
      msLeft: Math.max(0, result?.msBeforeNext ?? 0),
    });
    return {
      read: async (key) => counted(await shared.get(keyOf(key))),
      add: async (key) => {
        note(keyOf(key));
        return counted(await shared.penalty(keyOf(key)));
      },
      giveBack: (key) => {
        void shared.reward(keyOf(key)).catch(() => undefined);
      },
      forget: (key) => {
        keys.delete(keyOf(key));
        void memory.delete(keyOf(key));
        if (shared !== memory) void shared.delete(keyOf(key)).catch(() => undefined);
      },
    };
  };
