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
/** Counts one try of this step before anybody looks at the code, and returns the step with the
 * number of this try. Undefined when there is no such step, or no try left. One statement, so that
 * tries sent at once cannot share a count. */
export async function tryStep(
  rows: Rows,
  step: { hash: string; kind: StepKind; now: number; maxTries: number },
): Promise<{ accountId: string | null; body: Record<string, string>; tries: number } | undefined> {
  const row = await rows
    .updateTable('sign_in_steps')
    .set((e) => ({ tries: e('tries', '+', 1) }))
    .where('hash', '=', step.hash)
    .where('kind', '=', step.kind)
    .where('expires_at', '>', step.now)
    .where('tries', '<', step.maxTries)
    .returning(['account_id', 'body', 'tries'])
    .executeTakeFirst();
  return (
    row && {
      accountId: row.account_id,
      body: JSON.parse(row.body) as Record<string, string>,
      tries: row.tries,
    }
  );
}
/** Keeps the newest steps of this kind of an account, and deletes the others. */
export async function keepNewestSteps(
  rows: Rows,
  accountId: string,
  kind: StepKind,
  most: number,
): Promise<void> {
  const newest = await rows
    .selectFrom('sign_in_steps')
    .select('hash')
    .where('account_id', '=', accountId)
    .where('kind', '=', kind)
    .orderBy('expires_at', 'desc')
    .orderBy('hash')
    .limit(most)
    .execute();
  await rows
    .deleteFrom('sign_in_steps')
    .where('account_id', '=', accountId)
    .where('kind', '=', kind)
    .where(
      'hash',
      'not in',
      newest.map(({ hash }) => hash),
    )
    .execute();
}
export async function deleteOldSteps(rows: Rows, now: number): Promise<void> {
  await rows.deleteFrom('sign_in_steps').where('expires_at', '<', now).execute();
}
