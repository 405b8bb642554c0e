/** Group commit: transactions that arrive together are committed together. On SQLite each commit
 * waits for the disk and only one runs at a time, so a thousand reports would wait a thousand
 * times; PostgreSQL commits concurrently and does not need this.
 *
 * Success is reported only after the commit is on disk. When one piece of work fails, the whole
 * group is rolled back and each piece is repeated alone. Work must therefore only read and write
 * rows, and its result must be its only other effect. */
import { type Database, isSqlite, type Rows } from './database.ts';

interface Waiting {
  work: (rows: Rows) => Promise<void>;
  done: () => void;
  failed: (error: unknown) => void;
}

/** A larger group would delay a pupil's click by more than one commit does. */
const atOnce = 16;
/** Nothing else runs while a commit waits for the disk. A group that is not full therefore waits
 * after the previous commit for `ofCommit` times that commit's duration, `mostMs` at most, so that
 * other work can run. Commits then take about a fifth of the time. */
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

/** Commits one group after the other until the queue is empty; work that arrives meanwhile joins
 * the next group. */
async function empty(database: Database): Promise<void> {
  const queue = queues.get(database) ?? [];
  // Work queued in the same turn of the event loop joins the first group.
  await new Promise((resolve) => setImmediate(resolve));
  while (queue.length > 0) {
    const past = lastCommits.get(database);
    const restMs =
      past === undefined || queue.length >= atOnce
        ? 0
        : past.at + Math.min(past.tookMs * patience.ofCommit, patience.mostMs) - performance.now();
    if (restMs >= 1) await new Promise((resolve) => setTimeout(resolve, restMs));
    const group = queue.splice(0, atOnce);
    let begun = false;
    try {
      await commit(database, group, () => {
        begun = true;
      });
    } catch (error) {
      // A database that begins no transaction would make each of them wait as long once more.
      if (!begun || group.length === 1) for (const each of group) each.failed(error);
      else for (const each of group) await commit(database, [each]).catch(each.failed);
    }
  }
  queues.delete(database);
}

async function commit(
  database: Database,
  group: readonly Waiting[],
  begun: () => void = () => undefined,
): Promise<void> {
  let workedAt = 0;
  await database.transaction().execute(async (rows) => {
    begun();
    for (const { work } of group) await work(rows);
    workedAt = performance.now();
  });
  const at = performance.now();
  lastCommits.set(database, { at, tookMs: at - workedAt });
  for (const { done } of group) done();
}
