/** What a technician has beside a password: a telephone's codes, codes on paper, passkeys. Made and
 * taken off with the password, used once each. */
import { isTechnician } from '@preau/contract/account.ts';
import { AppError } from '@preau/contract/errors.ts';
import type {
  MySecurity,
  PasskeyAnswer,
  PasskeyQuestion,
  SecondFactor,
  TotpOffer,
} from '@preau/contract/identity.ts';
import { toBuffer } from 'qrcode';
import { openSignIn, type SignedIn } from '#src/accounts/sign-ins/sign-in.ts';
import type { Origin } from '#src/accounts/sign-ins/store.ts';
import { selectAccount, selectPasswordHashOf } from '#src/accounts/store.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import {
  askForNewPasskey,
  askForPasskey,
  checkPasskey,
  credentialIdOf,
  type KnownPasskey,
  type RelyingParty,
  readNewPasskey,
  relyingParty,
} from '#src/platform/passkeys.ts';
import type { Platform } from '#src/platform/platform.ts';
import { newEnrolmentCode, newToken, sha256 } from '#src/platform/secrets.ts';
import { newTotpSecret, totpAddress, totpPeriod } from '#src/platform/totp.ts';
import { type IdentityDeps, nobody } from '../sign-in.ts';
import { changeStep, insertStep, selectStep, takeStep } from '../steps/store.ts';
import {
  countRecoveryCodes,
  deletePasskeys,
  deleteTotp,
  insertPasskey,
  insertRecoveryCodes,
  insertTotp,
  selectPasskeyByCredential,
  selectPasskeys,
  selectTotp,
  touchPasskey,
  usePeriod,
  useRecoveryCode,
} from './store.ts';

const maxTries = 5;
const questionMs = 300_000;
const recoveryCount = 10;

/** 80 bits each: no table of hashes finds them again. Made to be read out, written down, typed. */
const newRecoveryCode = () => newEnrolmentCode().slice(0, 19);
const hashOf = (accountId: string, code: string) =>
  sha256(`${accountId} ${code.toUpperCase().replace(/[^A-Z2-7]/g, '')}`);

function partyOf(deps: IdentityDeps): RelyingParty {
  const party = relyingParty(deps.publicUrl());
  if (party === null) throw new AppError('PASSKEY_REFUSED', { problem: 'address' });
  return party;
}

async function open(
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

async function tellRefused(deps: IdentityDeps, accountId: string): Promise<void> {
  const account = await selectAccount(deps.database, accountId);
  await recordEffect(deps, deps.database, nobody, {
    action: 'account.second_factor_refused',
    subjectId: accountId,
    subjectName: account?.displayName ?? '?',
  });
}

/** Refuses with STEP_EXPIRED, or with SECOND_FACTOR_REFUSED, five times for one right password. */
export async function giveSecondFactor(deps: IdentityDeps, input: SecondFactor): Promise<SignedIn> {
  const now = deps.clock.now();
  const hash = sha256(input.step);
  const step = await selectStep(deps.database, hash, 'second_factor', now);
  if (step === undefined || step.accountId === null) throw new AppError('STEP_EXPIRED');
  const { accountId, body } = step;
  await deps.identity.slowDown.before(`2 ${accountId}`);
  const signedIn = await deps.database.transaction().execute(async (rows) => {
    if (!(await codeIsRight(deps, rows, accountId, input.code))) return null;
    // Taken out only now: a wrong digit does not cost the password again.
    if ((await takeStep(rows, hash, 'second_factor', now)) === undefined)
      throw new AppError('STEP_EXPIRED');
    return open(deps, rows, accountId, body['by'] ?? 'password', body['origin']);
  });
  if (signedIn !== null) {
    deps.identity.slowDown.succeeded(`2 ${accountId}`);
    return signedIn;
  }
  deps.identity.slowDown.failed(`2 ${accountId}`);
  const tries = Number(body['tries'] ?? 0) + 1;
  if (tries >= maxTries) await takeStep(deps.database, hash, 'second_factor', now);
  else await changeStep(deps.database, hash, { ...body, tries: String(tries) });
  await tellRefused(deps, accountId);
  throw new AppError(tries >= maxTries ? 'STEP_EXPIRED' : 'SECOND_FACTOR_REFUSED');
}

async function codeIsRight(
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

/** With the step of a right password: only this person's passkeys; without: any passkey of the
 * city, which says by itself whose it is. */
export async function askPasskey(
  deps: IdentityDeps,
  first: string | undefined,
): Promise<PasskeyQuestion> {
  const party = partyOf(deps);
  const now = deps.clock.now();
  const before =
    first === undefined
      ? undefined
      : await selectStep(deps.database, sha256(first), 'second_factor', now);
  if (first !== undefined && before === undefined) throw new AppError('STEP_EXPIRED');
  const known: KnownPasskey[] =
    before?.accountId === undefined || before.accountId === null
      ? []
      : await selectPasskeys(deps.database, before.accountId);
  const options = await askForPasskey(party, known);
  const step = newToken();
  await insertStep(deps.database, {
    hash: sha256(step),
    kind: 'passkey',
    accountId: before?.accountId ?? null,
    body: {
      challenge: options.challenge,
      first: first === undefined ? '' : sha256(first),
      by: before?.body['by'] ?? 'passkey',
      origin: before?.body['origin'] ?? '',
    },
    expiresAt: now + questionMs,
  });
  return { step, options: { ...options } };
}

/** A passkey is two factors by itself: the device, and the finger or number that unlocks it.
 * Refuses with PASSKEY_REFUSED. */
export async function answerPasskey(deps: IdentityDeps, answer: PasskeyAnswer): Promise<SignedIn> {
  const now = deps.clock.now();
  const step = await takeStep(deps.database, sha256(answer.step), 'passkey', now);
  if (step === undefined) throw new AppError('STEP_EXPIRED');
  const credentialId = credentialIdOf(answer.response);
  const key =
    credentialId === null
      ? undefined
      : await selectPasskeyByCredential(deps.database, credentialId);
  const counter =
    key === undefined || (step.accountId !== null && step.accountId !== key.accountId)
      ? null
      : await checkPasskey(partyOf(deps), step.body['challenge'] ?? '', answer.response, key);
  if (key === undefined || counter === null) {
    if (key !== undefined) await tellRefused(deps, key.accountId);
    throw new AppError('PASSKEY_REFUSED');
  }
  return deps.database.transaction().execute(async (rows) => {
    const first = step.body['first'] ?? '';
    if (first !== '' && (await takeStep(rows, first, 'second_factor', now)) === undefined)
      throw new AppError('STEP_EXPIRED');
    await touchPasskey(rows, key.id, counter, now);
    return open(deps, rows, key.accountId, step.body['by'] ?? 'passkey', step.body['origin']);
  });
}

// ---- One's own ------------------------------------------------------------------------------------------------------------

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

/** A sign-in left open on a desk must not be enough to add a key or take one off. Only accounts of
 * the city have a password here: the second factors of others are their provider's. */
async function withPassword(
  deps: IdentityDeps,
  actor: AccountActor,
  password: string,
): Promise<void> {
  if (actor.token !== null) throw new AppError('FORBIDDEN');
  await deps.identity.slowDown.before(`3 ${actor.id}`);
  if (
    await deps.identity.passwords.verify(
      await selectPasswordHashOf(deps.database, actor.id),
      password,
    )
  )
    return void deps.identity.slowDown.succeeded(`3 ${actor.id}`);
  deps.identity.slowDown.failed(`3 ${actor.id}`);
  throw new AppError('PASSWORD_WRONG');
}
const told = (
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

/** Until a code has confirmed it, an earlier one is gone: so it is refused while one is in use. */
export async function offerTotp(
  deps: IdentityDeps,
  actor: AccountActor,
  password: string,
): Promise<TotpOffer> {
  await withPassword(deps, actor, password);
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
  await deps.identity.slowDown.before(`2 ${actor.id}`);
  const now = deps.clock.now();
  const codes = Array.from({ length: recoveryCount }, newRecoveryCode);
  const done = await deps.database.transaction().execute(async (rows) => {
    const totp = await selectTotp(rows, actor.id);
    if (totp === undefined || totp.confirmed) throw new AppError('STEP_EXPIRED');
    const period = await totpPeriod(deps.secrets.unseal(totp.sealed), code, now, totp.lastPeriod);
    if (period === null || !(await usePeriod(rows, actor.id, period, now))) return false;
    await insertRecoveryCodes(
      rows,
      actor.id,
      codes.map((one) => hashOf(actor.id, one)),
    );
    await told(deps, rows, actor, 'account.totp_added');
    return true;
  });
  if (!done) {
    deps.identity.slowDown.failed(`2 ${actor.id}`);
    throw new AppError('SECOND_FACTOR_REFUSED');
  }
  return { codes };
}

export async function removeTotp(
  deps: IdentityDeps,
  actor: AccountActor,
  password: string,
): Promise<void> {
  await withPassword(deps, actor, password);
  await deps.database.transaction().execute(async (rows) => {
    if (await deleteTotp(rows, actor.id)) await told(deps, rows, actor, 'account.totp_removed');
  });
}

export async function offerPasskey(
  deps: IdentityDeps,
  actor: AccountActor,
  password: string,
): Promise<PasskeyQuestion> {
  const party = partyOf(deps);
  await withPassword(deps, actor, password);
  const account = await selectAccount(deps.database, actor.id);
  const options = await askForNewPasskey(
    party,
    { id: actor.id, login: account?.login ?? actor.name, displayName: actor.name },
    await selectPasskeys(deps.database, actor.id),
  );
  const step = newToken();
  await insertStep(deps.database, {
    hash: sha256(step),
    kind: 'new_passkey',
    accountId: actor.id,
    body: { challenge: options.challenge },
    expiresAt: deps.clock.now() + questionMs,
  });
  return { step, options: { ...options } };
}

export async function addPasskey(
  deps: IdentityDeps,
  actor: AccountActor,
  input: PasskeyAnswer & { name: string },
): Promise<MySecurity> {
  const now = deps.clock.now();
  const step = await takeStep(deps.database, sha256(input.step), 'new_passkey', now);
  if (step === undefined || step.accountId !== actor.id || actor.token !== null)
    throw new AppError('STEP_EXPIRED');
  const key = await readNewPasskey(partyOf(deps), step.body['challenge'] ?? '', input.response);
  if (
    key === null ||
    (await selectPasskeyByCredential(deps.database, key.credentialId)) !== undefined
  )
    throw new AppError('PASSKEY_REFUSED');
  await deps.database.transaction().execute(async (rows) => {
    await insertPasskey(rows, actor.id, input.name, key, now);
    await told(deps, rows, actor, 'account.passkey_added', { name: input.name });
  });
  return mySecurity(deps, actor);
}

export async function removePasskey(
  deps: IdentityDeps,
  actor: AccountActor,
  id: string,
  password: string,
): Promise<MySecurity> {
  await withPassword(deps, actor, password);
  await deps.database.transaction().execute(async (rows) => {
    if ((await deletePasskeys(rows, actor.id, id)) === 0)
      throw new AppError('NOT_FOUND', { passkey: id });
    await told(deps, rows, actor, 'account.passkey_removed');
  });
  return mySecurity(deps, actor);
}

/** On the server itself, for who is locked out: telephone, paper and passkeys are forgotten. False:
 * there is no such account. */
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
