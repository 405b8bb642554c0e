import { EventEmitter } from 'node:events';
import type { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { createLog } from './platform/log.ts';
import { createWakeups } from './wakeups.ts';

const log = createLog('silent');

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

test('what is woken here is told to the other processes, and what they wake is heard here', () => {
  const { redis, published, subscribed, hear } = redisOf();
  const wakeups = createWakeups(redis, log);
  const heard: string[][] = [];
  wakeups.listen((topics) => heard.push([...topics]));
  expect(subscribed).toEqual(['preau:wake']);
  wakeups.wake(['sessions', 'audit']);
  const [channel, message] = published[0] ?? [];
  expect([channel, message?.split(' ').slice(1)]).toEqual(['preau:wake', ['sessions', 'audit']]);
  // One's own words come back over the channel and are not news.
  hear(message ?? '');
  expect(heard).toEqual([['sessions', 'audit']]);
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
  await new Promise((resolve) => setImmediate(resolve));
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
  await new Promise((resolve) => setImmediate(resolve));
  expect(order).toEqual([]);
  wakeups.wake(['audit', 'rules']);
  await waits[0];
  expect(order).toEqual(['rules']);
  await waits[1];
  expect(order).toEqual(['rules', 'time']);
});
