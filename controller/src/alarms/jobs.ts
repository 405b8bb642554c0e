/** Periodic jobs. A job carries no data: each run reads from the database what is due. So a job may
 * run twice, late or not at all. */
import { Queue, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { chainEvents } from '#src/audit/chain.ts';
import { backUpWhenDue } from '#src/backups/nightly.ts';
import { synchroniseDue } from '#src/identity/directories/synchronise.ts';
import type { Identity } from '#src/identity/sign-in.ts';
import type { QueueState } from '#src/platform/health/checks.ts';
import { inTurn } from '#src/platform/in-turn.ts';
import type { Platform } from '#src/platform/platform.ts';
import { sweepRollouts } from '#src/rollouts/sweep.ts';
import { sweep, sweepEveryMs } from '#src/sessions/sweep.ts';
import { runAgain } from './run-again.ts';

export async function startJobs(
  deps: Platform & { identity: Identity },
  openConnection: () => Redis,
): Promise<{ state: () => Promise<QueueState>; close: () => Promise<void> }> {
  const connections = [openConnection(), openConnection()];
  const [forQueue, forWorker] = connections as [Redis, Redis];
  let sweptAt = performance.now();
  let sweptWellAt = sweptAt;
  // Directories are synchronised apart from the sweep: ten thousand people take a minute, and
  // silent servers must be noticed meanwhile.
  const directories = runAgain(
    () => synchroniseDue(deps),
    (error) => deps.log.error({ err: error }, 'directories'),
  );
  // Reading a city's files takes minutes; nobody waits for it, a controller that stops neither.
  const backups = runAgain(
    () => backUpWhenDue(deps),
    (error) => deps.log.error({ err: error }, 'backup'),
  );
  const everythingElse = runAgain(
    async () => {
      await inTurn([() => sweep(deps), () => sweepRollouts(deps), () => chainEvents(deps)]);
      sweptWellAt = performance.now();
    },
    (error) => deps.log.error({ err: error }, 'sweep'),
  );
  const sweepAll = () => {
    sweptAt = performance.now();
    void directories.ask();
    void backups.ask();
    return everythingElse.ask();
  };
  const queue = new Queue('preau', {
    connection: forQueue,
    defaultJobOptions: { removeOnComplete: 100, removeOnFail: 100 },
  });
  queue.on('error', (error) => deps.log.warn({ reason: error.message }, 'queue'));
  const worker = new Worker('preau', sweepAll, { connection: forWorker, concurrency: 1 });
  worker.on('error', (error) => deps.log.warn({ reason: error.message }, 'worker'));
  worker.on('failed', (_job, error) => deps.log.error({ err: error }, 'job failed'));
  const schedule = () =>
    queue.upsertJobScheduler('sweep', { every: sweepEveryMs }, { name: 'sweep' });
  // Without Redis the controller starts all the same: the watch below sets the alarm later.
  await Promise.race([
    schedule().catch(() => undefined),
    new Promise((resolve) => setTimeout(resolve, 3000).unref()),
  ]);
  // When Redis was emptied or is unreachable, sets the schedule again, and sweeps in this process
  // until the queue triggers sweeps again.
  const watch = setInterval(() => {
    if (performance.now() - sweptAt < sweepEveryMs * 2.5) return;
    void sweepAll();
    schedule().catch((error: unknown) =>
      deps.log.warn(
        { reason: error instanceof Error ? error.message : String(error) },
        'alarm not set',
      ),
    );
  }, sweepEveryMs);
  return {
    state: async () => {
      // Redis has a part of its own: without it the sweeps go on in this process.
      const isAway = forQueue.status !== 'ready';
      return {
        sweptMs: performance.now() - sweptWellAt,
        waiting: isAway ? 0 : await queue.getWaitingCount(),
      };
    },
    close: async () => {
      clearInterval(watch);
      await worker.close(true);
      await queue.close();
      await everythingElse.close();
      // A directory that hangs must not keep the controller from stopping.
      await Promise.race([
        directories.close(),
        new Promise((resolve) => setTimeout(resolve, 3000).unref()),
      ]);
      for (const connection of connections) connection.disconnect();
    },
  };
}
