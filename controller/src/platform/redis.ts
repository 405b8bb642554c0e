/** The only place that connects to Redis: `redis://…` or `unix:///path`. */
import { Redis } from 'ioredis';

const patient = {
  maxRetriesPerRequest: null,
  enableReadyCheck: true,
  retryStrategy: (times: number) => Math.min(100 * times, 2000),
};

/** What commands do while Redis is away, by what the connection is for. */
const uses = {
  /** They wait for it. */
  jobs: patient,
  /** They fail: kept wake-ups would fill the memory, and then tell old news. */
  wakeups: { ...patient, enableOfflineQueue: false, commandTimeout: 3000 },
  /** They fail at once, and after a quarter of a second when it hangs: people wait for them. */
  counts: { ...patient, maxRetriesPerRequest: 0, enableOfflineQueue: false, commandTimeout: 250 },
};

export function openRedis(url: string, use: keyof typeof uses = 'jobs'): Redis {
  const options = uses[use];
  return url.startsWith('unix://')
    ? new Redis({ ...options, path: url.slice('unix://'.length) })
    : new Redis(url, options);
}
