/** All SQL of badges and picture passwords. */
import { sql } from 'kysely';
import type { Rows } from '#src/platform/database.ts';

/** Raises the serial and makes the badge valid again. Two concurrent calls get two serials; only
 * the card with the higher one works. */
export async function raiseBadge(
  rows: Rows,
  accountId: string,
  now: number,
  issuedOn: string,
): Promise<number> {
  const { serial } = await rows
    .insertInto('badges')
    .values({
      account_id: accountId,
      serial: 1,
      issued_at: now,
      issued_on: issuedOn,
      voided_at: null,
    })
    .onConflict((c) =>
      c.column('account_id').doUpdateSet({
        serial: sql<number>`badges.serial + 1`,
        issued_at: now,
        issued_on: issuedOn,
        voided_at: null,
      }),
    )
    .returning('serial')
    .executeTakeFirstOrThrow();
  return serial;
}

/** False when there was no badge to void. */
export async function markBadgeVoided(
  rows: Rows,
  accountId: string,
  now: number,
): Promise<boolean> {
  return (
    (
      await rows
        .updateTable('badges')
        .set({ voided_at: now })
        .where('account_id', '=', accountId)
        .where('voided_at', 'is', null)
        .executeTakeFirst()
    ).numUpdatedRows > 0n
  );
}

export async function selectPictureHash(rows: Rows, accountId: string): Promise<string | null> {
  return (
    (
      await rows
        .selectFrom('picture_passwords')
        .select('hash')
        .where('account_id', '=', accountId)
        .executeTakeFirst()
    )?.hash ?? null
  );
}

export async function savePictureHash(
  rows: Rows,
  accountId: string,
  hash: string | null,
  now: number,
): Promise<void> {
  await rows.deleteFrom('picture_passwords').where('account_id', '=', accountId).execute();
  if (hash !== null)
    await rows
      .insertInto('picture_passwords')
      .values({ account_id: accountId, hash, set_at: now })
      .execute();
}
