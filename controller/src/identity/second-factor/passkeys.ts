/** Passkeys: signing in with one, adding one, removing one. */
import { AppError } from '@preau/contract/errors.ts';
import type { MySecurity, PasskeyAnswer, PasskeyQuestion } from '@preau/contract/identity.ts';
import type { SignedIn } from '#src/accounts/sign-ins/sign-in.ts';
import { selectAccount } from '#src/accounts/store.ts';
import type { AccountActor } from '#src/platform/actor.ts';
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
import { newToken, sha256 } from '#src/platform/secrets.ts';
import type { IdentityDeps } from '../sign-in.ts';
import { insertStep, selectStep, takeStep } from '../steps/store.ts';
import { openAfterSecondFactor, recordRefusal } from './finish.ts';
import { mySecurity, recordOwnChange, requirePassword } from './own.ts';
import {
  deletePasskeys,
  insertPasskey,
  selectPasskeyByCredential,
  selectPasskeys,
  touchPasskey,
} from './store.ts';

const questionMs = 300_000;

function partyOf(deps: IdentityDeps): RelyingParty {
  const party = relyingParty(deps.publicUrl());
  if (party === null) throw new AppError('PASSKEY_REFUSED', { problem: 'address' });
  return party;
}

/** With the step of a right password: only this person's passkeys; without: any passkey of the
 * city, which itself identifies its owner. Refuses with SLOW_DOWN when too many questions of this
 * address have no answer. */
export async function askPasskey(
  deps: IdentityDeps,
  first: string | undefined,
  address: string,
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
  await deps.identity.addresses.begin(address);
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

/** A passkey is two factors in one: the device, and the fingerprint or PIN that unlocks it.
 * Refuses with PASSKEY_REFUSED. */
export async function answerPasskey(
  deps: IdentityDeps,
  answer: PasskeyAnswer,
  address: string,
): Promise<SignedIn> {
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
    if (key !== undefined) await recordRefusal(deps, key.accountId);
    throw new AppError('PASSKEY_REFUSED');
  }
  deps.identity.addresses.finish(address);
  return deps.database.transaction().execute(async (rows) => {
    const first = step.body['first'] ?? '';
    if (first !== '' && (await takeStep(rows, first, 'second_factor', now)) === undefined)
      throw new AppError('STEP_EXPIRED');
    await touchPasskey(rows, key.id, counter, now);
    return openAfterSecondFactor(
      deps,
      rows,
      key.accountId,
      step.body['by'] ?? 'passkey',
      step.body['origin'],
    );
  });
}

export async function offerPasskey(
  deps: IdentityDeps,
  actor: AccountActor,
  password: string,
): Promise<PasskeyQuestion> {
  const party = partyOf(deps);
  await requirePassword(deps, actor, password);
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
    await recordOwnChange(deps, rows, actor, 'account.passkey_added', { name: input.name });
  });
  deps.wakeups.wake(['audit']);
  return mySecurity(deps, actor);
}

export async function removePasskey(
  deps: IdentityDeps,
  actor: AccountActor,
  id: string,
  password: string,
): Promise<MySecurity> {
  await requirePassword(deps, actor, password);
  await deps.database.transaction().execute(async (rows) => {
    if ((await deletePasskeys(rows, actor.id, id)) === 0)
      throw new AppError('NOT_FOUND', { passkey: id });
    await recordOwnChange(deps, rows, actor, 'account.passkey_removed');
  });
  deps.wakeups.wake(['audit']);
  return mySecurity(deps, actor);
}
