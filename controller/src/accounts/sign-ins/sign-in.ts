/** The last step of every way to sign in: creates the sign-in, whichever provider vouched for the
 * person. identity/ knows the providers. */
import type { Account } from '@preau/contract/account.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { AccountActor, Actor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { newToken, sha256 } from '#src/platform/secrets.ts';
import { actorOf } from '../reach.ts';
import { selectAccount } from '../store.ts';
import { deleteSignIn, insertSignIn, type Origin } from './store.ts';

export interface SignedIn {
  account: Account;
  /** For the cookie; the controller stores only its hash. */
  token: string;
  expiresAt: number;
}

/** `by`: how they were recognised, for the audit (`password`, `badge`, a provider's id). */
export async function openSignIn(
  deps: Pick<Platform, 'clock' | 'config'>,
  rows: Rows,
  account: Account,
  by: string,
  origin?: Origin,
): Promise<SignedIn> {
  const token = newToken();
  const now = deps.clock.now();
  const expiresAt = now + deps.config.PREAU_SIGN_IN_HOURS * 3_600_000;
  await insertSignIn(rows, {
    tokenHash: sha256(token),
    accountId: account.id,
    now,
    expiresAt,
    ...(origin === undefined ? {} : { origin }),
  });
  await recordEffect(deps, rows, actorOf(account, ''), {
    action: 'account.signed_in',
    subjectId: account.id,
    subjectName: account.displayName,
    siteId: account.siteId,
    details: { by },
  });
  return { account, token, expiresAt };
}

/** Repeating is safe. Tunnels opened under this sign-in close at once. */
export async function signOut(
  deps: Pick<Platform, 'database' | 'clock' | 'wakeups'>,
  actor: AccountActor,
): Promise<void> {
  await deps.database.transaction().execute(async (rows) => {
    await deleteSignIn(rows, actor.signIn);
    await recordEffect(deps, rows, actor, {
      action: 'account.signed_out',
      subjectId: actor.id,
      subjectName: actor.name,
      siteId: actor.siteId,
    });
  });
  deps.wakeups.wake([`sign-in:${actor.signIn}`]);
}

/** Records a sign-out that the person did not request: by the provider, or by a synchronisation. */
export async function tellSignedOut(
  deps: Pick<Platform, 'clock'>,
  rows: Rows,
  actor: Actor,
  accountId: string,
  why: string,
): Promise<void> {
  const account = await selectAccount(rows, accountId);
  if (account !== undefined)
    await recordEffect(deps, rows, actor, {
      action: 'account.signed_out',
      subjectId: account.id,
      subjectName: account.displayName,
      siteId: account.siteId,
      details: { why },
    });
}
