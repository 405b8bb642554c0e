/** The only place that connects to Redis: `redis://…` or `unix:///path`. */
import { Redis } from 'ioredis';

const patient = {
  maxRetriesPerRequest: null,
  enableReadyCheck: true,
  retryStrategy: (times: number) => Math.min(100 * times, 2000),
};
/** Commands fail at once while Redis is away, and after a quarter of a second when it hangs. */
const hasty = {
  ...patient,
  maxRetriesPerRequest: 0,
  enableOfflineQueue: false,
  commandTimeout: 250,
};

type Options = typeof patient | typeof hasty;
const open = (url: string, options: Options & { enableOfflineQueue?: boolean }): Redis =>
  url.startsWith('unix://')
    ? new Redis({ ...options, path: url.slice('unix://'.length) })
    : new Redis(url, options);

export const openRedis = (
  url: string,
  more: { enableOfflineQueue?: boolean; commandTimeout?: number } = {},
): Redis => open(url, { ...more, ...patient });
/** For what can be done without Redis. */
export const openHastyRedis = (url: string): Redis => open(url, hasty);
