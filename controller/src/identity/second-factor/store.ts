/** All SQL of second factors: TOTP secrets, recovery codes, passkeys. */
import type { Rows } from '#src/platform/database.ts';
import type { KnownPasskey } from '#src/platform/passkeys.ts';
import { newId } from '#src/platform/secrets.ts';

export async function selectTotp(
  rows: Rows,
  accountId: string,
): Promise<{ sealed: string; confirmed: boolean; lastPeriod: number } | undefined> {
  const row = await rows
    .selectFrom('totp_secrets')
    .selectAll()
    .where('account_id', '=', accountId)
    .executeTakeFirst();
  return (
    row && { sealed: row.sealed, confirmed: row.confirmed_at !== null, lastPeriod: row.last_period }
  );
}
export async function insertTotp(
  rows: Rows,
  accountId: string,
  sealed: string,
  now: number,
): Promise<void> {
  await rows
    .insertInto('totp_secrets')
    .values({ account_id: accountId, sealed, confirmed_at: null, created_at: now })
    .onConflict((on) =>
      on
        .column('account_id')
        .doUpdateSet({ sealed, confirmed_at: null, last_period: 0, created_at: now }),
    )
    .execute();
}
/** False when this period, or a later one, has been used already. */
export async function usePeriod(
  rows: Rows,
  accountId: string,
  period: number,
  confirmAt: number | null,
): Promise<boolean> {
  const { numUpdatedRows } = await rows
    .updateTable('totp_secrets')
    .set({ last_period: period, ...(confirmAt === null ? {} : { confirmed_at: confirmAt }) })
    .where('account_id', '=', accountId)
    .where('last_period', '<', period)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}
/** Deletes the TOTP secret and the recovery codes. */
export async function deleteTotp(rows: Rows, accountId: string): Promise<boolean> {
  await rows.deleteFrom('recovery_codes').where('account_id', '=', accountId).execute();
  return (
    (await rows.deleteFrom('totp_secrets').where('account_id', '=', accountId).executeTakeFirst())
      .numDeletedRows > 0n
  );
}
export async function insertRecoveryCodes(
  rows: Rows,
  accountId: string,
  hashes: readonly string[],
): Promise<void> {
  await rows.deleteFrom('recovery_codes').where('account_id', '=', accountId).execute();
  await rows
    .insertInto('recovery_codes')
    .values(hashes.map((hash) => ({ hash, account_id: accountId })))
    .execute();
}
export async function useRecoveryCode(
  rows: Rows,
  accountId: string,
  hash: string,
): Promise<boolean> {
  return (
    (
      await rows
        .deleteFrom('recovery_codes')
        .where('account_id', '=', accountId)
        .where('hash', '=', hash)
        .executeTakeFirst()
    ).numDeletedRows > 0n
  );
}
export async function countRecoveryCodes(rows: Rows, accountId: string): Promise<number> {
  return Number(
    (
      await rows
        .selectFrom('recovery_codes')
        .select((e) => e.fn.countAll<number>().as('n'))
        .where('account_id', '=', accountId)
        .executeTakeFirstOrThrow()
    ).n,
  );
}

export interface PasskeyRow extends KnownPasskey {
  id: string;
  accountId: string;
  name: string;
  createdAt: number;
  lastUsedAt: number | null;
}
const passkeys = (rows: Rows) => rows.selectFrom('passkeys').selectAll();
const toPasskey = (
  row: Awaited<ReturnType<ReturnType<typeof passkeys>['execute']>>[number],
): PasskeyRow => ({
  id: row.id,
  accountId: row.account_id,
  name: row.name,
  credentialId: row.credential_id,
  publicKey: row.public_key,
  counter: row.counter,
  transports: JSON.parse(row.transports) as string[],
  createdAt: row.created_at,
  lastUsedAt: row.last_used_at,
});
export const selectPasskeys = async (rows: Rows, accountId: string): Promise<PasskeyRow[]> =>
  (await passkeys(rows).where('account_id', '=', accountId).orderBy('created_at').execute()).map(
    toPasskey,
  );
export async function selectPasskeyByCredential(
  rows: Rows,
  credentialId: string,
): Promise<PasskeyRow | undefined> {
  const row = await passkeys(rows).where('credential_id', '=', credentialId).executeTakeFirst();
  return row && toPasskey(row);
}
export async function insertPasskey(
  rows: Rows,
  accountId: string,
  name: string,
  key: KnownPasskey,
  now: number,
): Promise<void> {
  await rows
    .insertInto('passkeys')
    .values({
      id: newId('pky'),
      credential_id: key.credentialId,
      account_id: accountId,
      name,
      public_key: key.publicKey,
      counter: key.counter,
      transports: JSON.stringify(key.transports),
      created_at: now,
      last_used_at: null,
    })
    .execute();
}
export async function touchPasskey(
  rows: Rows,
  id: string,
  counter: number,
  now: number,
): Promise<void> {
  await rows
    .updateTable('passkeys')
    .set({ counter, last_used_at: now })
    .where('id', '=', id)
    .execute();
}
export async function deletePasskeys(
  rows: Rows,
  accountId: string,
  id: string | null,
): Promise<number> {
  const query = rows.deleteFrom('passkeys').where('account_id', '=', accountId);
  return Number(
    (await (id === null ? query : query.where('id', '=', id)).executeTakeFirst()).numDeletedRows,
  );
}
/** Which kinds of second factor this account has. */
export async function selectFactors(
  rows: Rows,
  accountId: string,
): Promise<{ totp: boolean; passkey: boolean }> {
  const totp = await rows
    .selectFrom('totp_secrets')
    .select('account_id')
    .where('account_id', '=', accountId)
    .where('confirmed_at', 'is not', null)
    .executeTakeFirst();
  const passkey = await rows
    .selectFrom('passkeys')
    .select('id')
    .where('account_id', '=', accountId)
    .executeTakeFirst();
  return { totp: totp !== undefined, passkey: passkey !== undefined };
}
