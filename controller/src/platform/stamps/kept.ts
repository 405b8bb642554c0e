/** Stamps: one version number for each value that is prepared once and read often. The transaction
 * that changes the source data raises it; each process caches the prepared value and compares the
 * stamp to know whether it is current. */
import type { Rows } from '../database.ts';
import { readStamp, type StampName } from './store.ts';

/** Caches the result of `prepare` until the stamp rises. `database` must be the process's database,
 * not a transaction, because it is the cache key. */
export function keptByStamp<T>(
  name: StampName,
  prepare: (rows: Rows, stamp: number) => Promise<T>,
): (database: Rows) => Promise<T> {
  const kept = new WeakMap<object, { stamp: number; value: T }>();
  return async (database) => {
    const stamp = await readStamp(database, name);
    const known = kept.get(database);
    if (known !== undefined && known.stamp === stamp && stamp > 0) return known.value;
    const value = await prepare(database, stamp);
    kept.set(database, { stamp, value });
    return value;
  };
}
