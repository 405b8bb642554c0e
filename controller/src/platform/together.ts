/** Transactions that arrive together are committed together. On SQLite each commit waits for the
 * disk and only one can be under way, so a thousand reports would wait a thousand times; PostgreSQL
 * commits side by side and needs none of this.
 *
 *  Nobody hears of success before the disk has it. When one piece of work fails, nothing of the
 * group stays, and each is done again by itself: so work must do nothing but read and write rows,
 * and its result must be all that leaves it. */
import { type Database, isSqlite, type Rows } from './database.ts';

interface Waiting {
  work: (rows: Rows) => Promise<void>;
  done: () => void;
  failed: (error: unknown) => void;
}

/** More would keep a pupil's click waiting for longer than one commit does. */
const atOnce = 16;
/** Nothing else is done while the disk is waited for. In a rush others are let in first, so that
 * this is a fifth of the time at the most. */
const patience = { ofCommit: 4, mostMs: 50 };
const queues = new WeakMap<Database, Waiting[]>();
const lastCommits = new WeakMap<Database, { at: number; tookMs: number }>();

export function together<T>(database: Database, work: (rows: Rows) => Promise<T>): Promise<T> {
  if (!isSqlite(database)) return database.transaction().execute(work);
  return new Promise<T>((resolve, reject) => {
    let result: { value: T } | undefined;
    const waiting: Waiting = {
      work: async (rows) => {
        result = { value: await work(rows) };
      },
      done: () =>
        result === undefined
          ? reject(new Error('committed without a result'))
          : resolve(result.value),
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
    const past = lastCommits.get(database);
    const restMs =
      past === undefined || queue.length >= atOnce
        ? 0
        : past.at + Math.min(past.tookMs * patience.ofCommit, patience.mostMs) - performance.now();
    if (restMs >= 1) await new Promise((resolve) => setTimeout(resolve, restMs));
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
  let workedAt = 0;
  await database.transaction().execute(async (rows) => {
    for (const { work } of group) await work(rows);
    workedAt = performance.now();
  });
  const at = performance.now();
  lastCommits.set(database, { at, tookMs: at - workedAt });
  for (const { done } of group) done();
}
