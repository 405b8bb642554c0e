/** The alarm clock. Jobs hold no facts: each reads the rows and does what is due, and may run twice, late or never. */
import { Queue, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Platform } from '#src/platform/platform.ts';
import { sweep, sweepEveryMs } from '#src/sessions/sweep.ts';

export async function startJobs(deps: Platform, openConnection: () => Redis): Promise<{ close: () => Promise<void> }> {
  const connections = [openConnection(), openConnection()];
  const [forQueue, forWorker] = connections as [Redis, Redis];
  const queue = new Queue('preau', { connection: forQueue, defaultJobOptions: { removeOnComplete: 100, removeOnFail: 100 } });
  queue.on('error', (error) => deps.log.warn({ reason: error.message }, 'queue'));
  const worker = new Worker('preau', async () => sweep(deps), { connection: forWorker, concurrency: 1 });
  worker.on('error', (error) => deps.log.warn({ reason: error.message }, 'worker'));
  worker.on('failed', (_job, error) => deps.log.error({ error }, 'job failed'));
  await queue.upsertJobScheduler('sweep', { every: sweepEveryMs }, { name: 'sweep' });
  return {
    close: async () => {
      await worker.close(true);
      await queue.close();
      for (const connection of connections) connection.disconnect();
    },
  };
}
