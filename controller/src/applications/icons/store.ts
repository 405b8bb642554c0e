/** SQL of icons: PNG, or SVG, in a column that dates from the time when there was only PNG. */
import type { Rows } from '#src/platform/database.ts';
import { raiseStamp } from '#src/platform/stamps/store.ts';

export async function saveIcon(
  rows: Rows,
  applicationId: string,
  hash: string,
  image: Buffer,
): Promise<void> {
  await raiseStamp(rows, 'catalogue', 1);
  await rows
    .insertInto('icons')
    .values({ hash, png: image })
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

/** The icons with these hashes. */
export async function selectIcons(
  rows: Rows,
  hashes: readonly string[],
): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  for (let at = 0; at < hashes.length; at += 200)
    for (const row of await rows
      .selectFrom('icons')
      .select(['hash', 'png'])
      .where('hash', 'in', hashes.slice(at, at + 200))
      .execute())
      found.set(row.hash, row.png);
  return found;
}
