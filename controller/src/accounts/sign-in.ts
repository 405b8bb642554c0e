/** Signing in: a provider says who it is, then a sign-in of our own begins. Directories are further providers. */
import type { Account, SignIn } from '@preau/contract/account.ts';
import { AppError } from '@preau/contract/errors.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import type { Passwords } from '#src/platform/passwords.ts';
import type { Platform } from '#src/platform/platform.ts';
import { newToken, sha256 } from '#src/platform/secrets.ts';
import { actorOf } from './reach.ts';
import { deleteSignIn, insertSignIn, selectAccount, selectPasswordHash } from './store.ts';

/** Port: answers the account's id, or null for "not one of mine, or wrong". Throws AppError when it cannot tell. */
export type SignInProvider = (input: SignIn) => Promise<string | null>;

export function localProvider(deps: Pick<Platform, 'database'>, passwords: Passwords): SignInProvider {
  return async ({ login, password }) => {
    const found = await selectPasswordHash(deps.database, login.trim().toLowerCase());
    return (await passwords.verify(found?.passwordHash ?? null, password)) && found !== undefined ? found.id : null;
  };
}

/** Slows down, never locks: a whole school shares one address, and a prank must not shut a classmate out.
 *  From the third failure on an account, each attempt waits 250 ms, doubling up to 4 s; forgotten after 10 minutes. */
export function createSlowDown(now: () => number, wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))) {
  const failures = new Map<string, { count: number; at: number }>();
  const forgetAfterMs = 600_000;
  return {
    before: async (login: string) => {
      const past = failures.get(login);
      if (past === undefined || now() - past.at > forgetAfterMs || past.count < 3) return;
      await wait(Math.min(250 * 2 ** (past.count - 3), 4000));
    },
    failed: (login: string) => {
      const past = failures.get(login);
      const count = past !== undefined && now() - past.at <= forgetAfterMs ? past.count + 1 : 1;
      failures.delete(login);
      failures.set(login, { count, at: now() });
      // Bounded whatever names are tried: the oldest is forgotten first.
      if (failures.size > 20_000) failures.delete(failures.keys().next().value ?? '');
    },
    succeeded: (login: string) => failures.delete(login),
  };
}
export type SlowDown = ReturnType<typeof createSlowDown>;

export interface SignedIn {
  account: Account;
  /** For the cookie; kept here only as a hash. */
  token: string;
  expiresAt: number;
}

/** Refuses with SIGN_IN_REFUSED, the same for a wrong name and a wrong password. */
export async function signIn(deps: Platform & { providers: readonly SignInProvider[]; slowDown: SlowDown }, input: SignIn): Promise<SignedIn> {
  const login = input.login.trim().toLowerCase();
  await deps.slowDown.before(login);
  let accountId: string | null = null;
  for (const provider of deps.providers) {
    accountId = await provider({ login, password: input.password });
    if (accountId !== null) break;
  }
  const account = accountId === null ? undefined : await selectAccount(deps.database, accountId);
  if (account === undefined) {
    deps.slowDown.failed(login);
    // The name is kept only if it looks like one: people type passwords into the wrong field.
    const named = /^[a-z0-9][a-z0-9._-]{1,62}$/.test(login) ? login : '?';
    await recordEffect(deps, deps.database, { kind: 'nobody', id: null, name: '?' }, { action: 'account.sign_in_refused', subjectName: named });
    throw new AppError('SIGN_IN_REFUSED');
  }
  deps.slowDown.succeeded(login);
  const token = newToken();
  const now = deps.clock.now();
  const expiresAt = now + deps.config.PREAU_SIGN_IN_HOURS * 3_600_000;
  await deps.database.transaction().execute(async (rows) => {
    await insertSignIn(rows, { tokenHash: sha256(token), accountId: account.id, now, expiresAt });
    await recordEffect(deps, rows, actorOf(account, ''), { action: 'account.signed_in', subjectId: account.id, subjectName: account.displayName, siteId: account.siteId });
  });
  return { account, token, expiresAt };
}

/** Repeating is safe. Tunnels opened under this sign-in close at once. */
export async function signOut(deps: Pick<Platform, 'database' | 'clock' | 'wakeups'>, actor: AccountActor): Promise<void> {
  await deps.database.transaction().execute(async (rows) => {
    await deleteSignIn(rows, actor.signIn);
    await recordEffect(deps, rows, actor, { action: 'account.signed_out', subjectId: actor.id, subjectName: actor.name, siteId: actor.siteId });
  });
  deps.wakeups.wake([`sign-in:${actor.signIn}`]);
}
