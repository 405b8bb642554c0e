/** Stamps: one number for each thing that is prepared once and asked about often. It rises in the transaction that changes the thing; each
 *  process keeps what it has prepared, and asks the stamp whether that is still the newest. */
import type { Rows } from './database.ts';

/** `policy`: rules, and schools as rules see them. `catalogue`: applications, their newest versions and icons. */
export type StampName = 'policy' | 'catalogue';

/** 0: never changed. */
export async function readStamp(rows: Rows, name: StampName): Promise<number> {
  return (await rows.selectFrom('city').select('updated_at').where('name', '=', name).executeTakeFirst())?.updated_at ?? 0;
}

/** Always rises, whatever the clock says. */
export async function raiseStamp(rows: Rows, name: StampName, now: number): Promise<void> {
  await rows.insertInto('city').values({ name, body: '{}', updated_at: now })
    .onConflict((conflict) => conflict.column('name').doUpdateSet((e) => ({ updated_at: e.case().when('city.updated_at', '>=', now).then(e('city.updated_at', '+', 1)).else(now).end() }))).execute();
}

/** Keeps what `prepare` made until the stamp has risen. `database`: the one of the process, not a transaction: it is by it that it is kept. */
export function keptByStamp<T>(name: StampName, prepare: (rows: Rows, stamp: number) => Promise<T>): (database: Rows) => Promise<T> {
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
