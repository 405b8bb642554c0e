/** Wake-ups: after a commit, subscribers learn which topics changed, here and in the other
 * controller processes (through one Redis channel). A topic carries no data, so losing one delays
 * an update but never loses it. */
import { randomUUID } from 'node:crypto';
import { isTopic, type Topic } from '@preau/contract/topics.ts';
import type { Redis } from 'ioredis';
import type { Log } from '#src/platform/log.ts';

export interface Wakeups {
  wake: (topics: readonly Topic[]) => void;
  /** Calls `listener` for each batch of topics; returns a function that unsubscribes. */
  listen: (listener: (topics: readonly Topic[]) => void) => () => void;
  /** Resolves when `topic` is woken, or after `timeoutMs`. */
  next: (topic: Topic, timeoutMs: number) => Promise<void>;
}

const channel = 'preau:wake';

export function createWakeups(
  redis: { publisher: Redis; subscriber: Redis } | null,
  log: Log,
): Wakeups {
  const listeners = new Set<(topics: readonly Topic[]) => void>();
  const origin = randomUUID();
  const dispatch = (topics: readonly Topic[]) => {
    for (const listener of listeners) listener(topics);
  };
  const untold = new Set<Topic>();
  const tellOthers = (publisher: Redis) => {
    const message = [origin, ...untold].join(' ');
    untold.clear();
    // While Redis is unreachable, pages and agents of other processes notice changes at their
    // next poll.
    publisher
      .publish(channel, message)
      .catch((error: unknown) => log.debug({ err: error }, 'wake-up not published'));
  };
  if (redis !== null) {
    redis.subscriber
      .subscribe(channel)
      .catch((error: unknown) => log.warn({ err: error }, 'wake-ups from other processes are off'));
    redis.subscriber.on('message', (_channel, message) => {
      const [from, ...topics] = message.split(' ');
      // A process of another version may know other topics.
      if (from !== origin) dispatch(topics.filter(isTopic));
    });
  }
  return {
    wake: (topics) => {
      if (topics.length === 0) return;
      dispatch(topics);
      if (redis === null) return;
      // The call that woke is answered first, and the topics of one moment travel together.
      if (untold.size === 0) setImmediate(tellOthers, redis.publisher);
      for (const topic of topics) untold.add(topic);
    },
    listen: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    next: (topic, timeoutMs) =>
      new Promise((resolve) => {
        const stop = () => {
          clearTimeout(timer);
          listeners.delete(onWake);
          resolve();
        };
        const timer = setTimeout(stop, timeoutMs);
        const onWake = (topics: readonly Topic[]) => {
          if (topics.includes(topic)) stop();
        };
        listeners.add(onWake);
      }),
  };
}
