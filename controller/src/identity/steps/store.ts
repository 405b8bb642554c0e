/** All SQL of the steps of a sign-in: state kept for some minutes between two calls of one
 * browser. */
import type { Rows } from '#src/platform/database.ts';

export type StepKind = 'second_factor' | 'passkey' | 'new_passkey' | 'redirect' | 'logout_token';
export async function insertStep(
  rows: Rows,
  step: { hash: string; kind: StepKind; accountId: string | null; body: object; expiresAt: number },
): Promise<void> {
  await rows
    .insertInto('sign_in_steps')
    .values({
      hash: step.hash,
      kind: step.kind,
      account_id: step.accountId,
      body: JSON.stringify(step.body),
      expires_at: step.expiresAt,
    })
    .execute();
}
/** Deletes the step and returns it: it works once, whatever the outcome. */
export async function takeStep(
  rows: Rows,
  hash: string,
  kind: StepKind,
  now: number,
): Promise<{ accountId: string | null; body: Record<string, string> } | undefined> {
  const row = await rows
    .deleteFrom('sign_in_steps')
    .where('hash', '=', hash)
    .where('kind', '=', kind)
    .returning(['account_id', 'body', 'expires_at'])
    .executeTakeFirst();
  return row === undefined || row.expires_at <= now
    ? undefined
    : { accountId: row.account_id, body: JSON.parse(row.body) as Record<string, string> };
}
export async function selectStep(
  rows: Rows,
  hash: string,
  kind: StepKind,
  now: number,
): Promise<{ accountId: string | null; body: Record<string, string> } | undefined> {
  const row = await rows
    .selectFrom('sign_in_steps')
    .select(['account_id', 'body'])
    .where('hash', '=', hash)
    .where('kind', '=', kind)
    .where('expires_at', '>', now)
    .executeTakeFirst();
  return row && { accountId: row.account_id, body: JSON.parse(row.body) as Record<string, string> };
}
export async function changeStep(rows: Rows, hash: string, body: object): Promise<void> {
  await rows
    .updateTable('sign_in_steps')
    .set({ body: JSON.stringify(body) })
    .where('hash', '=', hash)
    .execute();
}
export async function deleteOldSteps(rows: Rows, now: number): Promise<void> {
  await rows.deleteFrom('sign_in_steps').where('expires_at', '<', now).execute();
}
