/** How each part is looked at. Every check does what a call of a person would: it writes a row,
 * a key and a file, and has guacd answer. */
import { rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Redis } from 'ioredis';
import { budget } from '../budget.ts';
import { isSqlite } from '../database.ts';
import { dialGuacd } from '../guacd.ts';
import type { Platform } from '../platform.ts';
import { type Check, type Finding, well } from './check.ts';
import { type ClockWatch, watchClock } from './clock-watch.ts';
import { writeLook } from './store.ts';

const limits = budget.health;

const checkDatabase = (
  { database, clock }: Pick<Platform, 'database' | 'clock'>,
  watch: ClockWatch,
): Check => ({
  part: 'database',
  failure: 'DATABASE_UNAVAILABLE',
  // SQLite is silent only while another process holds it.
  silence: isSqlite(database) ? 'BUSY' : 'DATABASE_UNAVAILABLE',
  look: async () => {
    watch.lookedBefore(await writeLook(database, clock.now()));
    return well;
  },
});

const checkGateway = ({ config }: Pick<Platform, 'config'>): Check => ({
  part: 'gateway',
  failure: 'GATEWAY_UNREACHABLE',
  silence: 'GATEWAY_UNREACHABLE',
  look: async () => {
    const handshake = await dialGuacd(
      config.PREAU_GUACD_HOST,
      config.PREAU_GUACD_PORT,
      AbortSignal.timeout(limits.partMs),
    );
    handshake.abandon();
    return well;
  },
});

const key = 'preau:health';

export const checkRedis = (redis: Redis, watch: ClockWatch): Check => ({
  part: 'redis',
  failure: 'REDIS_UNAVAILABLE',
  silence: 'REDIS_UNAVAILABLE',
  look: async () => {
    if (redis.status !== 'ready') throw new Error(`no connection to Redis: ${redis.status}`);
    try {
      await redis.set(key, '1', 'PX', 60_000);
      const [seconds = 0, micros = 0] = (await redis.time()).map(Number);
      watch.heard('Redis', seconds * 1000 + micros / 1000);
      return well;
    } catch (error) {
      // The connection may hang for good: only a new one tells when Redis is back.
      if (error instanceof Error && /timed out/.test(error.message)) redis.disconnect(true);
      throw error;
    }
  },
});

const checkDisk = ({ config }: Pick<Platform, 'config'>): Check => ({
  part: 'disk',
  failure: 'DATA_FOLDER_UNUSABLE',
  silence: 'DATA_FOLDER_UNUSABLE',
  look: async () => {
    const { bavail, bsize, files, ffree } = await statfs(config.PREAU_DATA);
    const trial = join(config.PREAU_DATA, `.health-${process.pid}`);
    await writeFile(trial, Buffer.alloc(4096, 'x'));
    await rm(trial, { force: true });
    return roomLeft({ bytes: bavail * bsize, inodes: files === 0 ? null : ffree });
  },
});

/** Pure. `inodes` null: the file system does not count them. */
export function roomLeft({ bytes, inodes }: { bytes: number; inodes: number | null }): Finding {
  const why =
    `${Math.round(bytes / 1_048_576)} MiB` +
    (inodes === null ? ' free' : ` and ${inodes} files free`);
  const isBelow = (fewBytes: number, fewInodes: number) =>
    bytes < fewBytes || (inodes !== null && inodes < fewInodes);
  if (isBelow(limits.diskFullBytes, limits.inodesFull))
    return { state: 'down', code: 'DISK_FULL', why };
  return isBelow(limits.diskLowBytes, limits.inodesLow)
    ? { state: 'degraded', code: 'DISK_LOW', why }
    : well;
}

/** What the alarms know of their own work. */
export interface QueueState {
  /** Since the last sweep ended well, in ms. */
  sweptMs: number;
  waiting: number;
}

export const checkQueue = (state: () => Promise<QueueState>): Check => ({
  part: 'queue',
  failure: 'QUEUE_LATE',
  silence: 'QUEUE_LATE',
  look: async () => {
    const { sweptMs, waiting } = await state();
    if (sweptMs < limits.sweepLateMs && waiting < limits.waitingJobs) return well;
    return {
      state: 'degraded',
      code: 'QUEUE_LATE',
      why: `${waiting} jobs wait, the last ran ${Math.round(sweptMs / 1000)} s ago`,
    };
  },
});

/** How long the thread that serves everybody stood still, at worst, since the last look. Once may be
 * anything; twice in a row is too much work. */
function checkLoop(): Check {
  let stoodBefore = false;
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  return {
    part: 'loop',
    failure: 'OVERLOADED',
    silence: 'OVERLOADED',
    look: async () => {
      const standstillMs = delay.max / 1e6;
      delay.reset();
      const stood = standstillMs >= limits.standstillMs;
      const isFirst = stood && !stoodBefore;
      stoodBefore = stood;
      if (!stood || isFirst) return well;
      return {
        state: 'degraded',
        code: 'OVERLOADED',
        why: `nobody was served for ${(standstillMs / 1000).toFixed(1)} s`,
      };
    },
  };
}

/** The checks that need neither Redis nor the alarms. */
export const ownChecks = (
  platform: Pick<Platform, 'config' | 'database' | 'clock'>,
  watch = watchClock(platform.clock),
): Check[] => [
  checkDatabase(platform, watch),
  checkDisk(platform),
  checkGateway(platform),
  checkClock(watch),
  checkLoop(),
];

const checkClock = (watch: ClockWatch): Check => ({
  part: 'clock',
  failure: 'CLOCK_WRONG',
  silence: 'CLOCK_WRONG',
  look: async () => watch.finding(),
});
