/** Signing in with a login and a password: the city's own accounts first, then directories. A
 * directory that does not answer never lets anybody in. */
import { type Account, isTechnician, type SignIn } from '@preau/contract/account.ts';
import { AppError, type ErrorCode } from '@preau/contract/errors.ts';
import {
  createSlowDown,
  openSignIn,
  type SignedIn,
  type SlowDown,
} from '#src/accounts/sign-ins/sign-in.ts';
import type { Origin } from '#src/accounts/sign-ins/store.ts';
import { selectAccount, selectPasswordHash } from '#src/accounts/store.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor } from '#src/platform/actor.ts';
import { createPasswords, type Passwords } from '#src/platform/passwords.ts';
import type { Platform } from '#src/platform/platform.ts';
import { newToken, sha256 } from '#src/platform/secrets.ts';
import { admit } from './admission/admit.ts';
import { type ProviderPerson, vouch } from './admission/vouch.ts';
import { choose } from './choose.ts';
import type { Provider } from './provider.ts';
import { selectFactors } from './second-factor/store.ts';
import { insertStep } from './steps/store.ts';

export interface Identity {
  providers: readonly Provider[];
  passwords: Passwords;
  slowDown: SlowDown;
}
export type IdentityDeps = Platform & { identity: Identity; publicUrl: () => string };

export const createIdentity = (
  deps: Pick<Platform, 'clock'>,
  providers: readonly Provider[] = [],
  more: Partial<Identity> = {},
): Identity => ({
  providers,
  passwords: more.passwords ?? createPasswords(),
  slowDown: more.slowDown ?? createSlowDown(deps.clock.now),
});

export const nobody: Actor = { kind: 'nobody', id: null, name: '?' };
const stepMs = 300_000;

/** The login is recorded only if it looks like one: people type passwords into the wrong field. */
const named = (login: string) => (/^[a-z0-9][a-z0-9._-]{1,62}$/.test(login) ? login : '?');
async function refuse(
  deps: IdentityDeps,
  login: string,
  code: ErrorCode,
  details: Record<string, unknown> = {},
): Promise<never> {
  await recordEffect(deps, deps.database, nobody, {
    action: 'account.sign_in_refused',
    subjectName: named(login),
    details: code === 'SIGN_IN_REFUSED' ? {} : { code },
  });
  throw new AppError(code, details);
}

/** Refuses with SIGN_IN_REFUSED, the same for a wrong login and a wrong password; with the
 * directory's own reason once the password was right; with DIRECTORY_UNAVAILABLE when a directory
 * that might know them did not answer; with SECOND_FACTOR_REQUIRED and its step. */
export async function signIn(
  deps: IdentityDeps,
  input: SignIn,
  address: string,
): Promise<SignedIn> {
  const typed = input.login.trim();
  const login = typed.toLowerCase();
  const { slowDown, passwords, providers } = deps.identity;
  await slowDown.before(login);
  const { local, ask, elsewhere } = choose(providers, {
    login: typed,
    provider: input.provider,
    address,
  });
  if (elsewhere !== null) throw new AppError('PROVIDER_ELSEWHERE', { provider: elsewhere });

  // Local accounts are checked first, so that they work while the directories are unreachable.
  const own = local ? await selectPasswordHash(deps.database, login) : undefined;
  const hash = own?.passwordHash ?? null;
  if (hash !== null && own !== undefined && (await passwords.verify(hash, input.password)))
    return finish(deps, login, own.id, 'password');
  let away: AppError | null = null;
  for (const { provider, login: name } of ask) {
    try {
      const answer = await provider.ask(name, input.password);
      if (answer.kind === 'refused')
        await refuse(deps, login, answer.code, { provider: provider.id });
      if (answer.kind !== 'known') continue;
      return finish(deps, login, await letIn(deps, provider, answer.person), provider.id);
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'DIRECTORY_UNAVAILABLE') throw error;
      away = error;
    }
  }
  if (away !== null) throw away;
  // Every refusal costs one hash, so that timing does not reveal which logins exist.
  if (hash === null) await passwords.verify(null, input.password);
  slowDown.failed(login);
  return refuse(deps, login, 'SIGN_IN_REFUSED');
}

/** Admits a person a provider vouches for, and returns their account id. Refuses with
 * NOT_ADMITTED people without an id, a usable login, or a role (see `NotVouched`). */
export async function letIn(
  deps: Pick<Platform, 'database' | 'clock' | 'wakeups' | 'log'>,
  provider: Pick<Provider, 'id' | 'mapping'>,
  person: ProviderPerson,
): Promise<string> {
  const vouched = vouch(provider.mapping, person);
  if (typeof vouched === 'string') {
    deps.log.warn({ provider: provider.id, why: vouched }, 'not admitted');
    throw new AppError('NOT_ADMITTED', { provider: provider.id });
  }
  const once = () =>
    deps.database
      .transaction()
      .execute((rows) =>
        admit(deps, rows, { kind: 'job', id: provider.id, name: provider.id }, vouched),
      );
  // Two first sign-ins at the same time: the retry finds the account that the other one created, or
  // another free login.
  const { accountId, change } = await once().catch(once);
  if (change !== 'same') deps.wakeups.wake([`person:${accountId}`, 'people']);
  return accountId;
}

/** Opens a sign-in for an identified person, after their second factor if they have one. */
export async function finish(
  deps: IdentityDeps,
  login: string,
  accountId: string,
  by: string,
  origin?: Origin,
): Promise<SignedIn> {
  const account = await selectAccount(deps.database, accountId);
  if (account === undefined) throw new AppError('SIGN_IN_REFUSED');
  const from: Origin = origin ?? {
    provider: by === 'password' ? 'local' : by,
    subject: null,
    session: null,
    idToken: null,
  };
  await needSecondFactor(deps, account, by, from);
  deps.identity.slowDown.succeeded(login);
  return deps.database.transaction().execute((rows) => openSignIn(deps, rows, account, by, from));
}

async function needSecondFactor(
  deps: IdentityDeps,
  account: Account,
  by: string,
  origin: Origin,
): Promise<void> {
  if (!isTechnician(account)) return;
  const { totp, passkey } = await selectFactors(deps.database, account.id);
  if (!totp && !passkey) return;
  const step = newToken();
  await insertStep(deps.database, {
    hash: sha256(step),
    kind: 'second_factor',
    accountId: account.id,
    body: { by, tries: '0', origin: JSON.stringify(origin) },
    expiresAt: deps.clock.now() + stepMs,
  });
  throw new AppError('SECOND_FACTOR_REQUIRED', {
    step,
    methods: [...(totp ? ['totp', 'recovery'] : []), ...(passkey ? ['passkey'] : [])],
  });
}
