/** SQL of icons. */
import type { Rows } from '#src/platform/database.ts';
import { raiseStamp } from '#src/platform/stamps/store.ts';

export async function saveIcon(
  rows: Rows,
  applicationId: string,
  hash: string,
  png: Buffer,
): Promise<void> {
  await raiseStamp(rows, 'catalogue', 1);
  await rows
    .insertInto('icons')
    .values({ hash, png })
    .onConflict((conflict) => conflict.column('hash').doNothing())
    .execute();
  await rows
    .updateTable('applications')
    .set({ icon_hash: hash })
    .where('id', '=', applicationId)
    .execute();
}

export async function selectIcon(rows: Rows, hash: string): Promise<Buffer | undefined> {
  return (await rows.selectFrom('icons').select('png').where('hash', '=', hash).executeTakeFirst())
    ?.png;
}
