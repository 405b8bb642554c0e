/** The only place that connects to Redis: `redis://…` or `unix:///path`. */
import { Redis } from 'ioredis';

export function openRedis(url: string): Redis {
  const options = {
    maxRetriesPerRequest: null,
    enableReadyCheck: true,
    retryStrategy: (times: number) => Math.min(100 * times, 2000),
  };
  return url.startsWith('unix://')
    ? new Redis({ ...options, path: url.slice('unix://'.length) })
    : new Redis(url, options);
}
