/** A person's own second factors: their list, and the password that changes require. */
import { AppError } from '@preau/contract/errors.ts';
import type { MySecurity } from '@preau/contract/identity.ts';
import { selectPasswordHashOf } from '#src/accounts/store.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import { relyingParty } from '#src/platform/passkeys.ts';
import type { Platform } from '#src/platform/platform.ts';
import type { IdentityDeps } from '../sign-in.ts';
import { countRecoveryCodes, selectPasskeys, selectTotp } from './store.ts';

export async function mySecurity(deps: IdentityDeps, actor: AccountActor): Promise<MySecurity> {
  const [totp, keys] = [
    await selectTotp(deps.database, actor.id),
    await selectPasskeys(deps.database, actor.id),
  ];
  return {
    totp: totp?.confirmed === true,
    recoveryCodes: await countRecoveryCodes(deps.database, actor.id),
    passkeysPossible: relyingParty(deps.publicUrl()) !== null,
    local: (await selectPasswordHashOf(deps.database, actor.id)) !== null,
    passkeys: keys.map(({ id, name, createdAt, lastUsedAt }) => ({
      id,
      name,
      createdAt,
      lastUsedAt,
    })),
  };
}

/** A sign-in left open on a desk must not be enough to add or remove a second factor. Only local
 * accounts have a password here; for other accounts, the provider handles second factors. */
export async function requirePassword(
  deps: IdentityDeps,
  actor: AccountActor,
  password: string,
): Promise<void> {
  if (actor.token !== null) throw new AppError('FORBIDDEN');
  const hash = await selectPasswordHashOf(deps.database, actor.id);
  const right = await deps.identity.attempts.judge(
    { of: `password of ${actor.id}`, from: '', kind: 'password' },
    async () => ((await deps.identity.passwords.verify(hash, password)) ? true : null),
  );
  if (right === null) throw new AppError('PASSWORD_WRONG');
}
export const recordOwnChange = (
  deps: Pick<Platform, 'clock'>,
  rows: Rows,
  actor: AccountActor,
  action:
    | 'account.totp_added'
    | 'account.totp_removed'
    | 'account.passkey_added'
    | 'account.passkey_removed',
  details = {},
) =>
  recordEffect(deps, rows, actor, {
    action,
    subjectId: actor.id,
    subjectName: actor.name,
    siteId: actor.siteId,
    details,
  });
