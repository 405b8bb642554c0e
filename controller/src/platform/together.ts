/** Transactions that arrive together are committed together. On SQLite each commit waits for the disk and only one can be
 *  under way, so a thousand reports would wait a thousand times; PostgreSQL commits side by side and needs none of this.
 *
 *  Nobody hears of success before the disk has it. When one piece of work fails, nothing of the group stays, and each is done
 *  again by itself: so work must do nothing but read and write rows, and its result must be all that leaves it. */
import { type Database, isSqlite, type Rows } from './database.ts';

interface Waiting {
  work: (rows: Rows) => Promise<void>;
  done: () => void;
  failed: (error: unknown) => void;
}

/** More would keep a pupil's click waiting for longer than one commit does. */
const atOnce = 16;
const queues = new WeakMap<Database, Waiting[]>();

export function together<T>(database: Database, work: (rows: Rows) => Promise<T>): Promise<T> {
  if (!isSqlite(database)) return database.transaction().execute(work);
  return new Promise<T>((resolve, reject) => {
    let result: { value: T } | undefined;
    const waiting: Waiting = {
      work: async (rows) => {
        result = { value: await work(rows) };
      },
      done: () => (result === undefined ? reject(new Error('committed without a result')) : resolve(result.value)),
      failed: reject,
    };
    const queue = queues.get(database);
    if (queue !== undefined) {
      queue.push(waiting);
      return;
    }
    queues.set(database, [waiting]);
    void empty(database);
  });
}

/** One group after the other until nobody waits: whoever comes meanwhile is in the next one. */
async function empty(database: Database): Promise<void> {
  const queue = queues.get(database) ?? [];
  // Those who come in the same turn of the event loop are in the first group.
  await new Promise((resolve) => setImmediate(resolve));
  while (queue.length > 0) {
    const group = queue.splice(0, atOnce);
    try {
      await commit(database, group);
    } catch (error) {
      const [only, ...others] = group;
      if (only !== undefined && others.length === 0) only.failed(error);
      else for (const each of group) await commit(database, [each]).catch(each.failed);
    }
  }
  queues.delete(database);
}

async function commit(database: Database, group: readonly Waiting[]): Promise<void> {
  await database.transaction().execute(async (rows) => {
    for (const { work } of group) await work(rows);
  });
  for (const { done } of group) done();
}
