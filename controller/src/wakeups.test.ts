/** Wake-ups within one controller, and between two on one channel. The real Redis is met by
 * test/wakeups.system.test.ts and test/dependencies.system.test.ts. */
import { EventEmitter } from 'node:events';
import type { Topic } from '@preau/contract/topics.ts';
import type { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { createLog } from '#src/platform/log.ts';
import { createWakeups } from './wakeups.ts';

const log = createLog('silent');
/** Other processes are told after the present moment's work. */
const afterwards = () => new Promise((resolve) => setImmediate(resolve));

/** Everything published reaches every subscriber, the publisher's own included. */
function channelOf(): { publisher: Redis; subscriber: () => Redis; messages: string[] } {
  const subscribers = new Set<EventEmitter>();
  const messages: string[] = [];
  return {
    messages,
    publisher: {
      publish: async (channel: string, message: string) => {
        messages.push(message);
        for (const one of subscribers) one.emit('message', channel, message);
      },
    } as unknown as Redis,
    subscriber: () => {
      const one = new EventEmitter();
      return Object.assign(one, {
        subscribe: async () => void subscribers.add(one),
      }) as unknown as Redis;
    },
  };
}

test('a wake-up reaches every controller once, and each of its listeners', async () => {
  const { publisher, subscriber } = channelOf();
  const [here, there] = [1, 2].map(() =>
    createWakeups({ publisher, subscriber: subscriber() }, log),
  );
  const heard: Record<string, Topic[][]> = { here: [], there: [], also: [] };
  here?.listen((topics) => heard['here']?.push([...topics]));
  there?.listen((topics) => heard['there']?.push([...topics]));
  const stop = there?.listen((topics) => heard['also']?.push([...topics]));
  await Promise.resolve();
  here?.wake(['rules', 'agent:srv_1']);
  here?.wake([]);
  await afterwards();
  expect(heard).toEqual({
    here: [['rules', 'agent:srv_1']],
    there: [['rules', 'agent:srv_1']],
    also: [['rules', 'agent:srv_1']],
  });
  stop?.();
  there?.wake(['portal']);
  await afterwards();
  expect(heard).toMatchObject({ here: [{}, ['portal']], there: [{}, ['portal']], also: [{}] });
});

test('topics that another version knows are left out', async () => {
  const { publisher, subscriber } = channelOf();
  const { listen } = createWakeups({ publisher, subscriber: subscriber() }, log);
  const heard: Topic[][] = [];
  listen((topics) => heard.push([...topics]));
  await publisher.publish('preau:wake', 'another rules weather person:acc_1 __proto__');
  expect(heard).toEqual([['rules', 'person:acc_1']]);
});

test('who waits for a topic is woken by it, here or there, and by nothing else before the time', async () => {
  const { publisher, subscriber } = channelOf();
  const [here, there] = [1, 2].map(() =>
    createWakeups({ publisher, subscriber: subscriber() }, log),
  );
  let woken = 0;
  const waiting = here?.next('session:ses_1', 600_000).then(() => {
    woken += 1;
  });
  await Promise.resolve();
  there?.wake(['session:ses_2', 'portal']);
  await afterwards();
  expect(woken).toBe(0);
  there?.wake(['session:ses_1']);
  await waiting;
  expect(woken).toBe(1);
  await here?.next('session:ses_1', 1);
});

/** One Redis with one subscriber, and what is published there. */
function redisOf(fails = false) {
  const published: [string, string][] = [];
  const subscribed: string[] = [];
  const subscriber = Object.assign(new EventEmitter(), {
    subscribe: async (channel: string) => {
      subscribed.push(channel);
      if (fails) throw new Error('Connection is closed.');
    },
  });
  const publisher = {
    publish: async (channel: string, message: string) => {
      published.push([channel, message]);
      if (fails) throw new Error('Connection is closed.');
    },
  };
  return {
    published,
    subscribed,
    redis: { publisher, subscriber } as unknown as { publisher: Redis; subscriber: Redis },
    hear: (message: string) => subscriber.emit('message', 'preau:wake', message),
  };
}

test('whoever listens hears each batch, until they stop', () => {
  const wakeups = createWakeups(null, log);
  const heard: string[][] = [];
  const stop = wakeups.listen((topics) => heard.push([...topics]));
  wakeups.wake(['sessions', 'audit']);
  wakeups.wake([]);
  stop();
  wakeups.wake(['rules']);
  expect(heard).toEqual([['sessions', 'audit']]);
});

test('what is woken here is told to the other processes, and what they wake is heard here', async () => {
  const { redis, published, subscribed, hear } = redisOf();
  const wakeups = createWakeups(redis, log);
  const heard: string[][] = [];
  wakeups.listen((topics) => heard.push([...topics]));
  expect(subscribed).toEqual(['preau:wake']);
  wakeups.wake(['sessions', 'audit']);
  wakeups.wake(['audit', 'rules']);
  expect(published).toEqual([]);
  await afterwards();
  const [channel, message] = published[0] ?? [];
  expect([channel, message?.split(' ').slice(1)]).toEqual([
    'preau:wake',
    ['sessions', 'audit', 'rules'],
  ]);
  // One's own words come back over the channel and are not news.
  hear(message ?? '');
  expect(heard).toEqual([
    ['sessions', 'audit'],
    ['audit', 'rules'],
  ]);
  hear('another rules no-such-topic servers');
  expect(heard.at(-1)).toEqual(['rules', 'servers']);
  expect(published).toHaveLength(1);
});

test('while Redis is away, this process goes on alone', async () => {
  const { redis } = redisOf(true);
  const wakeups = createWakeups(redis, log);
  const heard: string[] = [];
  wakeups.listen((topics) => heard.push(...topics));
  wakeups.wake(['rules']);
  await afterwards();
  expect(heard).toEqual(['rules']);
});

test('who waits for one topic is woken by that one only, or by time', async () => {
  const wakeups = createWakeups(null, log);
  const order: string[] = [];
  const waits = [
    wakeups.next('rules', 60_000).then(() => order.push('rules')),
    wakeups.next('sessions', 20).then(() => order.push('time')),
  ];
  wakeups.wake(['audit']);
  await afterwards();
  expect(order).toEqual([]);
  wakeups.wake(['audit', 'rules']);
  await waits[0];
  expect(order).toEqual(['rules']);
  await waits[1];
  expect(order).toEqual(['rules', 'time']);
});
