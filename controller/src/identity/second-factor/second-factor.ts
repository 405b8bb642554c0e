/** The second step of signing in, for technicians who have one; and its reset for those who have
 * lost every factor. */
import { AppError } from '@preau/contract/errors.ts';
import type { SecondFactor } from '@preau/contract/identity.ts';
import type { SignedIn } from '#src/accounts/sign-ins/sign-in.ts';
import { selectAccount } from '#src/accounts/store.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { sha256 } from '#src/platform/secrets.ts';
import type { IdentityDeps } from '../sign-in.ts';
import { changeStep, selectStep, takeStep } from '../steps/store.ts';
import { openAfterSecondFactor, recordRefusal } from './finish.ts';
import { deletePasskeys, deleteTotp } from './store.ts';
import { useCode } from './totp.ts';

const maxTries = 5;

/** Refuses with STEP_EXPIRED, or with SECOND_FACTOR_REFUSED; five attempts per right password. */
export async function giveSecondFactor(deps: IdentityDeps, input: SecondFactor): Promise<SignedIn> {
  const now = deps.clock.now();
  const hash = sha256(input.step);
  const step = await selectStep(deps.database, hash, 'second_factor', now);
  if (step === undefined || step.accountId === null) throw new AppError('STEP_EXPIRED');
  const { accountId, body } = step;
  await deps.identity.slowDown.before(`2 ${accountId}`);
  const signedIn = await deps.database.transaction().execute(async (rows) => {
    if (!(await useCode(deps, rows, accountId, input.code))) return null;
    // The step is used up only now, so that a mistyped code does not require the password again.
    if ((await takeStep(rows, hash, 'second_factor', now)) === undefined)
      throw new AppError('STEP_EXPIRED');
    return openAfterSecondFactor(deps, rows, accountId, body['by'] ?? 'password', body['origin']);
  });
  if (signedIn !== null) {
    deps.identity.slowDown.succeeded(`2 ${accountId}`);
    return signedIn;
  }
  deps.identity.slowDown.failed(`2 ${accountId}`);
  const tries = Number(body['tries'] ?? 0) + 1;
  if (tries >= maxTries) await takeStep(deps.database, hash, 'second_factor', now);
  else await changeStep(deps.database, hash, { ...body, tries: String(tries) });
  await recordRefusal(deps, accountId);
  throw new AppError(tries >= maxTries ? 'STEP_EXPIRED' : 'SECOND_FACTOR_REFUSED');
}

/** Removes every second factor of an account. It is called on the server itself, for a person who is
 * locked out. False: there is no such account. */
export async function resetSecondFactor(
  deps: Pick<Platform, 'clock'>,
  rows: Rows,
  accountId: string,
): Promise<boolean> {
  const account = await selectAccount(rows, accountId);
  if (account === undefined) return false;
  await deleteTotp(rows, accountId);
  await deletePasskeys(rows, accountId, null);
  await recordEffect(
    deps,
    rows,
    { kind: 'job', id: 'command-line', name: 'command line' },
    {
      action: 'account.second_factor_reset',
      subjectId: accountId,
      subjectName: account.displayName,
    },
  );
  return true;
}
