/** TOTP codes of a telephone and recovery codes on paper: offered, confirmed, removed, checked. */
import { AppError } from '@preau/contract/errors.ts';
import type { TotpOffer } from '@preau/contract/identity.ts';
import { toBuffer } from 'qrcode';
import { selectAccount } from '#src/accounts/store.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import { newEnrolmentCode, sha256 } from '#src/platform/secrets.ts';
import { newTotpSecret, totpAddress, totpPeriod } from '#src/platform/totp.ts';
import type { IdentityDeps } from '../sign-in.ts';
import { recordOwnChange, requirePassword } from './own.ts';
import {
  deleteTotp,
  insertRecoveryCodes,
  insertTotp,
  selectTotp,
  usePeriod,
  useRecoveryCode,
} from './store.ts';

const recoveryCount = 10;

/** 80 bits each, too many to precompute their hashes. Easy to read out, write down and type. */
const newRecoveryCode = () => newEnrolmentCode().slice(0, 19);
const hashOf = (accountId: string, code: string) =>
  sha256(`${accountId} ${code.toUpperCase().replace(/[^A-Z2-7]/g, '')}`);

/** An offer replaces the stored secret, so it is refused while one is in use. */
export async function offerTotp(
  deps: IdentityDeps,
  actor: AccountActor,
  password: string,
): Promise<TotpOffer> {
  await requirePassword(deps, actor, password);
  if ((await selectTotp(deps.database, actor.id))?.confirmed === true)
    throw new AppError('FORBIDDEN', { totp: 'in use' });
  const secret = newTotpSecret();
  const account = await selectAccount(deps.database, actor.id);
  const address = totpAddress(secret, account?.login ?? actor.name);
  await insertTotp(deps.database, actor.id, deps.secrets.seal(secret), deps.clock.now());
  return {
    secret,
    address,
    qr: (await toBuffer(address, { margin: 2, scale: 5 })).toString('base64'),
  };
}

export async function confirmTotp(
  deps: IdentityDeps,
  actor: AccountActor,
  code: string,
): Promise<{ codes: string[] }> {
  const codes = Array.from({ length: recoveryCount }, newRecoveryCode);
  const done = await deps.identity.attempts.judge({ of: actor.id, from: '', kind: 'code' }, () =>
    useFirstCode(deps, actor, code, codes),
  );
  if (done === null) throw new AppError('SECOND_FACTOR_REFUSED');
  deps.wakeups.wake(['audit']);
  return { codes };
}

/** Null: a wrong code. Keeps the recovery codes once the code was right. */
function useFirstCode(
  deps: IdentityDeps,
  actor: AccountActor,
  code: string,
  recoveryCodes: readonly string[],
): Promise<true | null> {
  const now = deps.clock.now();
  return deps.database.transaction().execute(async (rows) => {
    const totp = await selectTotp(rows, actor.id);
    if (totp === undefined || totp.confirmed) throw new AppError('STEP_EXPIRED');
    const period = await totpPeriod(deps.secrets.unseal(totp.sealed), code, now, totp.lastPeriod);
    if (period === null || !(await usePeriod(rows, actor.id, period, now))) return null;
    await insertRecoveryCodes(
      rows,
      actor.id,
      recoveryCodes.map((one) => hashOf(actor.id, one)),
    );
    await recordOwnChange(deps, rows, actor, 'account.totp_added');
    return true;
  });
}

export async function removeTotp(
  deps: IdentityDeps,
  actor: AccountActor,
  password: string,
): Promise<void> {
  await requirePassword(deps, actor, password);
  await deps.database.transaction().execute(async (rows) => {
    if (await deleteTotp(rows, actor.id))
      await recordOwnChange(deps, rows, actor, 'account.totp_removed');
  });
  deps.wakeups.wake(['audit']);
}

/** Checks a TOTP or recovery code and uses it up: each works once. */
export async function useCode(
  deps: IdentityDeps,
  rows: Rows,
  accountId: string,
  code: string,
): Promise<boolean> {
  const totp = await selectTotp(rows, accountId);
  if (totp?.confirmed !== true) return false;
  const digits = code.replace(/\s/g, '');
  if (!/^[0-9]{6}$/.test(digits)) return useRecoveryCode(rows, accountId, hashOf(accountId, code));
  const period = await totpPeriod(
    deps.secrets.unseal(totp.sealed),
    digits,
    deps.clock.now(),
    totp.lastPeriod,
  );
  return period !== null && usePeriod(rows, accountId, period, null);
}
