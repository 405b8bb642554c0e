/** Signing in with a login and a password: the city's own accounts first, then directories. A
 * directory that does not answer never lets anybody in. */
import { type Account, isTechnician, type SignIn } from '@preau/contract/account.ts';
import { AppError, type ErrorCode, errorAsTold } from '@preau/contract/errors.ts';
import {
  type AddressGate,
  type AddressMood,
  createAddressGate,
} from '#src/accounts/attempts/address-gate.ts';
import { type Attempts, createAttempts } from '#src/accounts/attempts/attempts.ts';
import { openSignIn, type SignedIn } from '#src/accounts/sign-ins/sign-in.ts';
import type { Origin } from '#src/accounts/sign-ins/store.ts';
import { selectAccount, selectLogin } from '#src/accounts/store.ts';
import { recordRepeated } from '#src/audit/repeated.ts';
import type { Actor } from '#src/platform/actor.ts';
import { budget } from '#src/platform/budget.ts';
import {
  createLanes,
  createLine,
  type Lane,
  type Lanes,
  type Line,
  ordinary,
} from '#src/platform/lanes.ts';
import { createPasswords, type Passwords } from '#src/platform/passwords.ts';
import type { Platform } from '#src/platform/platform.ts';
import { newToken, sha256 } from '#src/platform/secrets.ts';
import { admit } from './admission/admit.ts';
import { loginOf, type ProviderPerson, vouch } from './admission/vouch.ts';
import { type Choice, choose } from './choose.ts';
import type { Provider } from './provider.ts';
import { selectFactors } from './second-factor/store.ts';
import { insertStep, keepNewestSteps } from './steps/store.ts';

export interface Identity {
  providers: readonly Provider[];
  passwords: Passwords;
  attempts: Attempts;
  addresses: AddressGate;
  /** The places in front of each provider that checks passwords, by its id. */
  lanes: ReadonlyMap<string, Lanes>;
  /** The places in front of each provider with a page of its own, by its id. */
  trips: ReadonlyMap<string, Line>;
}
export type IdentityDeps = Platform & { identity: Identity; publicUrl: () => string };

export const createIdentity = (
  deps: Pick<Platform, 'clock'>,
  providers: readonly Provider[] = [],
  more: Partial<Identity> = {},
): Identity => ({
  providers,
  passwords: more.passwords ?? createPasswords(),
  attempts: more.attempts ?? createAttempts({ now: deps.clock.now }),
  addresses: more.addresses ?? createAddressGate(),
  lanes:
    more.lanes ?? new Map(providers.map(({ id }) => [id, createLanes(budget.signIn.directory)])),
  trips: more.trips ?? new Map(providers.map(({ id }) => [id, createLine(budget.signIn.provider)])),
});

export const nobody: Actor = { kind: 'nobody', id: null, name: '?' };
const stepMs = 300_000;

/** The login is recorded only if it looks like one: people type passwords into the wrong field. */
const named = (login: string) => (/^[a-z0-9][a-z0-9._-]{1,62}$/.test(login) ? login : '?');
const recordRefused = (deps: IdentityDeps, login: string, code: ErrorCode) =>
  recordRepeated(deps, nobody, {
    action: 'account.sign_in_refused',
    subjectName: named(login),
    details: code === 'SIGN_IN_REFUSED' ? {} : { code },
  });

/** Where a call comes from: the address of the device, and whether it has failed often. */
export interface Caller {
  address: string;
  mood: AddressMood;
}

/** Refuses with SIGN_IN_REFUSED, the same for a wrong login and a wrong password; with the
 * directory's own reason once the password was right; with DIRECTORY_UNAVAILABLE when a directory
 * that might know them did not answer; with SECOND_FACTOR_REQUIRED and its step; with SLOW_DOWN
 * when too many guess the same password. */
export async function signIn(deps: IdentityDeps, input: SignIn, caller: Caller): Promise<SignedIn> {
  const typed = input.login.trim();
  const login = typed.toLowerCase();
  const chosen = choose(deps.identity.providers, {
    login: typed,
    provider: input.provider,
    address: caller.address,
  });
  if (chosen.elsewhere !== null)
    throw new AppError('PROVIDER_ELSEWHERE', { provider: chosen.elsewhere });
  const signedIn = await deps.identity.attempts.judge(
    { of: login, from: caller.address, kind: 'password' },
    (guesses) => judgePassword(deps, { login, password: input.password, chosen, caller, guesses }),
  );
  if (signedIn === null) throw new AppError('SIGN_IN_REFUSED');
  return signedIn;
}

interface Judged {
  /** In lower case. */
  login: string;
  password: string;
  chosen: Choice;
  caller: Caller;
  /** Of this login of late, this one included. */
  guesses: number;
}

/** Somebody who guesses the passwords of a whole school must not keep the others waiting: guesses at
 * a login that was guessed before, and those from where many fail, come after all others. Pure. */
const urgencyOf = ({ mood, guesses }: { mood: AddressMood; guesses: number }): number =>
  (guesses > 2 ? 0 : ordinary) + (mood === 'calm' ? 1 : 0);

/** Null: nobody has this login with this password. */
async function judgePassword(
  deps: IdentityDeps,
  { login, password, chosen, caller, guesses }: Judged,
): Promise<SignedIn | null> {
  const { passwords } = deps.identity;
  const isCalm = caller.mood === 'calm';
  const urgency = urgencyOf({ mood: caller.mood, guesses });
  const known = await selectKnown(deps, login);
  // Local accounts are checked first, so that they work while the directories are unreachable.
  const hash = chosen.local ? (known?.passwordHash ?? null) : null;
  if (hash !== null && known !== undefined && (await passwords.verify(hash, password, urgency)))
    return finish(deps, known.id, 'password');
  const lane = known === undefined ? 'unknown' : 'known';
  // An address that fails all the time does not make the directories look for invented names.
  const asked = known === undefined && caller.mood === 'refused' ? [] : chosen.ask;
  const vouched = await askDirectories(deps, { login, password, asked, lane, urgency });
  if (vouched !== null) return vouched;
  // Every refusal costs one hash, so that timing does not reveal which logins exist. At an address
  // whose refusals are slowed, they all take the same time without it.
  if (hash === null && isCalm) await dummyHash(passwords, password);
  // Invented names of an address that fails all the time are one line of the audit, not thousands.
  await recordRefused(deps, known === undefined && !isCalm ? '?' : login, 'SIGN_IN_REFUSED');
  return null;
}

/** The lane for unknown names is full only while many guess: then no hash is made for them. */
async function dummyHash(passwords: Passwords, password: string): Promise<void> {
  try {
    await passwords.verify(null, password);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'BUSY') throw error;
    await new Promise((resolve) => setTimeout(resolve, budget.signIn.address.slowMs));
  }
}

/** People may type the name that a directory knows, such as their mail address. */
async function selectKnown(deps: IdentityDeps, login: string) {
  const exact = await selectLogin(deps.database, login);
  if (exact !== undefined || deps.identity.providers.length === 0) return exact;
  const short = loginOf(login.replace(/^[^\\]*\\/, ''));
  const alike = short === null ? undefined : await selectLogin(deps.database, short);
  return alike && { ...alike, passwordHash: null };
}

/** Null: no directory knows this login with this password. */
async function askDirectories(
  deps: IdentityDeps,
  how: { login: string; password: string; asked: Choice['ask']; lane: Lane; urgency: number },
): Promise<SignedIn | null> {
  let away: AppError | null = null;
  for (const { provider, login: name } of how.asked) {
    try {
      const ask = () => provider.ask(name, how.password);
      const lanes = deps.identity.lanes.get(provider.id);
      const answer = await (lanes === undefined ? ask() : lanes.run(how.lane, ask, how.urgency));
      if (answer.kind === 'refused') {
        await recordRefused(deps, how.login, answer.code);
        throw errorAsTold(answer.code, { provider: provider.id });
      }
      if (answer.kind !== 'known') continue;
      return finish(deps, await letIn(deps, provider, answer.person), provider.id);
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'DIRECTORY_UNAVAILABLE') throw error;
      away = error;
    }
  }
  if (away !== null) throw away;
  return null;
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
  if (change !== 'same') deps.wakeups.wake([`person:${accountId}`, 'people', 'audit']);
  return accountId;
}

/** Opens a sign-in for an identified person, after their second factor if they have one. */
export async function finish(
  deps: IdentityDeps,
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
    body: { by, origin: JSON.stringify(origin) },
    expiresAt: deps.clock.now() + stepMs,
  });
  // Somebody who knows the password could otherwise open a step for every few codes.
  await keepNewestSteps(deps.database, account.id, 'second_factor', budget.signIn.stepsPerAccount);
  throw new AppError('SECOND_FACTOR_REQUIRED', {
    step,
    methods: [...(totp ? ['totp', 'recovery'] : []), ...(passkey ? ['passkey'] : [])],
  });
}
