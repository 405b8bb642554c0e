/** All SQL of stamps. */
import type { Rows } from '../database.ts';

/** `policy`: rules, and the facts about schools that rules use. `catalogue`: applications, their
 * newest versions and icons. */
export type StampName = 'policy' | 'catalogue';

/** 0: never changed. */
export async function readStamp(rows: Rows, name: StampName): Promise<number> {
  return (
    (await rows.selectFrom('city').select('updated_at').where('name', '=', name).executeTakeFirst())
      ?.updated_at ?? 0
  );
}

/** Locks the stamp until the transaction ends, for callers that depend on the data without changing
 * it. Lock order: after servers, before anything else. */
export async function holdStamp(rows: Rows, name: StampName): Promise<void> {
  await rows
    .updateTable('city')
    .set((e) => ({ updated_at: e.ref('updated_at') }))
    .where('name', '=', name)
    .execute();
}

/** Always raises the stamp, even when the clock has gone back. */
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
