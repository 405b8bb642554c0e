/** How a second factor ends: in a sign-in, or in a recorded refusal. */
import { isTechnician } from '@preau/contract/account.ts';
import { AppError } from '@preau/contract/errors.ts';
import { openSignIn, type SignedIn } from '#src/accounts/sign-ins/sign-in.ts';
import type { Origin } from '#src/accounts/sign-ins/store.ts';
import { selectAccount } from '#src/accounts/store.ts';
import { recordRepeated } from '#src/audit/repeated.ts';
import type { Rows } from '#src/platform/database.ts';
import { type IdentityDeps, nobody } from '../sign-in.ts';

/** Opens a sign-in for the account as it is now. `origin` is JSON; empty: none. Refuses with
 * STEP_EXPIRED when the account is no longer a technician’s. */
export async function openAfterSecondFactor(
  deps: IdentityDeps,
  rows: Rows,
  accountId: string,
  by: string,
  origin: string | undefined,
): Promise<SignedIn> {
  const account = await selectAccount(rows, accountId);
  if (account === undefined || !isTechnician(account)) throw new AppError('STEP_EXPIRED');
  return openSignIn(
    deps,
    rows,
    account,
    by,
    origin === undefined || origin === '' ? undefined : (JSON.parse(origin) as Origin),
  );
}

export async function recordRefusal(deps: IdentityDeps, accountId: string): Promise<void> {
  const account = await selectAccount(deps.database, accountId);
  await recordRepeated(deps, nobody, {
    action: 'account.second_factor_refused',
    subjectId: accountId,
    subjectName: account?.displayName ?? '?',
  });
}
