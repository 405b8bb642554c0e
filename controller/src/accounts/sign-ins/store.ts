/** All SQL of sign-ins. */
import type { Account } from '@preau/contract/account.ts';
import type { Rows } from '#src/platform/database.ts';
import { accountsWithSite, toAccount } from '../store.ts';

/** Which provider vouched for a sign-in, and its identifiers for it. */
export interface Origin {
  provider: string;
  subject: string | null;
  session: string | null;
  /** Encrypted with the controller's key. */
  idToken: string | null;
}
const ownOrigin: Origin = { provider: 'local', subject: null, session: null, idToken: null };

export async function insertSignIn(
  rows: Rows,
  signIn: { tokenHash: string; accountId: string; now: number; expiresAt: number; origin?: Origin },
): Promise<void> {
  const { provider, subject, session, idToken } = signIn.origin ?? ownOrigin;
  await rows
    .insertInto('sign_ins')
    .values({
      token_hash: signIn.tokenHash,
      account_id: signIn.accountId,
      created_at: signIn.now,
      expires_at: signIn.expiresAt,
      provider,
      provider_subject: subject,
      provider_session: session,
      id_token: idToken,
    })
    .execute();
}

export async function selectOrigin(rows: Rows, tokenHash: string): Promise<Origin | undefined> {
  const row = await rows
    .selectFrom('sign_ins')
    .select(['provider', 'provider_subject', 'provider_session', 'id_token'])
    .where('token_hash', '=', tokenHash)
    .executeTakeFirst();
  return (
    row && {
      provider: row.provider,
      subject: row.provider_subject,
      session: row.provider_session,
      idToken: row.id_token,
    }
  );
}

/** Ends these sign-ins and returns them, so that the caller wakes their topics. */
export async function deleteSignInsOf(
  rows: Rows,
  which:
    | { accountIds: readonly string[] }
    | { provider: string; subject: string | null; session: string | null },
): Promise<{ tokenHash: string; accountId: string }[]> {
  const gone: { tokenHash: string; accountId: string }[] = [];
  const end = async (query: ReturnType<typeof from>) => {
    for (const row of await query.returning(['token_hash', 'account_id']).execute())
      gone.push({ tokenHash: row.token_hash, accountId: row.account_id });
  };
  const from = () => rows.deleteFrom('sign_ins');
  if ('accountIds' in which)
    for (let at = 0; at < which.accountIds.length; at += 500)
      await end(from().where('account_id', 'in', which.accountIds.slice(at, at + 500)));
  // When both are given, the session id is the more precise.
  else if (which.session !== null)
    await end(
      from().where('provider', '=', which.provider).where('provider_session', '=', which.session),
    );
  else if (which.subject !== null)
    await end(
      from().where('provider', '=', which.provider).where('provider_subject', '=', which.subject),
    );
  return gone;
}

export async function selectSignedIn(
  rows: Rows,
  tokenHash: string,
  now: number,
): Promise<Account | undefined> {
  const row = await accountsWithSite(rows)
    .innerJoin('sign_ins', 'sign_ins.account_id', 'accounts.id')
    .where('sign_ins.token_hash', '=', tokenHash)
    .where('sign_ins.expires_at', '>', now)
    .where('accounts.disabled_at', 'is', null)
    .executeTakeFirst();
  return row && toAccount(row);
}

export async function deleteSignIn(rows: Rows, tokenHash: string): Promise<void> {
  await rows.deleteFrom('sign_ins').where('token_hash', '=', tokenHash).execute();
}

export async function deleteExpiredSignIns(rows: Rows, now: number): Promise<void> {
  await rows.deleteFrom('sign_ins').where('expires_at', '<', now).execute();
}
