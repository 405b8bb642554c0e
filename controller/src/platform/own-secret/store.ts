/** The row that says which secret the database belongs to. */
import type { Rows } from '../database.ts';

export async function selectFingerprint(rows: Rows): Promise<string | null> {
  const row = await rows
    .selectFrom('city')
    .select('body')
    .where('name', '=', 'secret')
    .executeTakeFirst();
  return row === undefined ? null : (JSON.parse(row.body) as { fingerprint: string }).fingerprint;
}

/** `replace`: even when another one stands there. */
export async function saveFingerprint(
  rows: Rows,
  fingerprint: string,
  now: number,
  replace: boolean,
): Promise<void> {
  const body = JSON.stringify({ fingerprint });
  const insert = rows.insertInto('city').values({ name: 'secret', body, updated_at: now });
  await insert
    .onConflict((conflict) =>
      replace
        ? conflict.column('name').doUpdateSet({ body, updated_at: now })
        : conflict.column('name').doNothing(),
    )
    .execute();
}
