/** The second step of signing in, for technicians who have one; and its reset for those who have
 * lost every factor. */
import { AppError } from '@preau/contract/errors.ts';
import type { SecondFactor } from '@preau/contract/identity.ts';
import type { SignedIn } from '#src/accounts/sign-ins/sign-in.ts';
import { selectAccount } from '#src/accounts/store.ts';
import { recordEffect } from '#src/audit/record.ts';
import { budget } from '#src/platform/budget.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { sha256 } from '#src/platform/secrets.ts';
import type { IdentityDeps } from '../sign-in.ts';
import { selectStep, takeStep, tryStep } from '../steps/store.ts';
import { openAfterSecondFactor, recordRefusal } from './finish.ts';
import { deletePasskeys, deleteTotp } from './store.ts';
import { useCode } from './totp.ts';

const { codesPerStep } = budget.signIn;

/** Refuses with STEP_EXPIRED, or with SECOND_FACTOR_REFUSED; five attempts per right password.
 * Refuses with SLOW_DOWN when the account has had too many wrong codes, over all its steps. */
export async function giveSecondFactor(
  deps: IdentityDeps,
  input: SecondFactor,
  address: string,
): Promise<SignedIn> {
  const hash = sha256(input.step);
  const step = await selectStep(deps.database, hash, 'second_factor', deps.clock.now());
  if (step === undefined || step.accountId === null) throw new AppError('STEP_EXPIRED');
  const { accountId } = step;
  const signedIn = await deps.identity.attempts.judge(
    { of: accountId, from: address, kind: 'code' },
    () => judgeCode(deps, hash, accountId, input.code),
  );
  if (signedIn === null) throw new AppError('SECOND_FACTOR_REFUSED');
  return signedIn;
}

/** Null: a wrong code. */
async function judgeCode(
  deps: IdentityDeps,
  hash: string,
  accountId: string,
  code: string,
): Promise<SignedIn | null> {
  const now = deps.clock.now();
  // Its own transaction, committed before the code is looked at.
  const step = await tryStep(deps.database, {
    hash,
    kind: 'second_factor',
    now,
    maxTries: codesPerStep,
  });
  if (step === undefined) throw new AppError('STEP_EXPIRED');
  const { body } = step;
  const signedIn = await deps.database.transaction().execute(async (rows) => {
    if (!(await useCode(deps, rows, accountId, code))) return null;
    // The step is used up only now, so that a mistyped code does not require the password again.
    if ((await takeStep(rows, hash, 'second_factor', now)) === undefined)
      throw new AppError('STEP_EXPIRED');
    return openAfterSecondFactor(deps, rows, accountId, body['by'] ?? 'password', body['origin']);
  });
  if (signedIn !== null) return signedIn;
  await recordRefusal(deps, accountId);
  if (step.tries >= codesPerStep) throw new AppError('STEP_EXPIRED');
  return null;
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
