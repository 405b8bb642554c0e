/** All SQL of stamps. */
import type { Rows } from '../database.ts';

/** `policy`: rules, and schools as rules see them. `catalogue`: applications, their newest versions
 * and icons. */
export type StampName = 'policy' | 'catalogue';

/** 0: never changed. */
export async function readStamp(rows: Rows, name: StampName): Promise<number> {
  return (
    (await rows.selectFrom('city').select('updated_at').where('name', '=', name).executeTakeFirst())
      ?.updated_at ?? 0
  );
}

/** Holds it as it is until the transaction ends: for who relies on the thing and does not change
 * it. After servers, before anything else. */
export async function holdStamp(rows: Rows, name: StampName): Promise<void> {
  await rows
    .updateTable('city')
    .set((e) => ({ updated_at: e.ref('updated_at') }))
    .where('name', '=', name)
    .execute();
}

/** Always rises, whatever the clock says. */
export async function raiseStamp(rows: Rows, name: StampName, now: number): Promise<void> {
  await rows
    .insertInto('city')
    .values({ name, body: '{}', updated_at: now })
    .onConflict((conflict) =>
      conflict.column('name').doUpdateSet((e) => ({
        updated_at: e
          .case()
          .when('city.updated_at', '>=', now)
          .then(e('city.updated_at', '+', 1))
          .else(now)
          .end(),
      })),
    )
    .execute();
}
