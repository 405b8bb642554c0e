/** Stamps: one number for each thing that is prepared once and asked about often. It rises in the
 * transaction that changes the thing; each process keeps what it has prepared, and asks the stamp
 * whether that is still the newest. */
import type { Rows } from '../database.ts';
import { readStamp, type StampName } from './store.ts';

/** Keeps what `prepare` made until the stamp has risen. `database`: the one of the process, not a
 * transaction: it is by it that it is kept. */
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
