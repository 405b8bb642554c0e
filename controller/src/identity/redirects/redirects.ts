/** The redirect to a provider's own page and back, and the provider's later messages that
 * somebody has signed out there. */

import { AppError, type ErrorCode } from '@preau/contract/errors.ts';
import type { Topic } from '@preau/contract/topics.ts';
import { type SignedIn, signOut, tellSignedOut } from '#src/accounts/sign-ins/sign-in.ts';
import { deleteSignInsOf, type Origin, selectOrigin } from '#src/accounts/sign-ins/store.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import { newToken, sha256 } from '#src/platform/secrets.ts';
import type { Redirect, RedirectProvider } from '../provider.ts';
import { finish, type IdentityDeps, letIn } from '../sign-in.ts';
import { insertStep, takeStep } from '../steps/store.ts';

const redirectMs = 600_000;
const logoutTokenMs = 900_000;

function redirecting(deps: IdentityDeps, id: string): RedirectProvider {
  const provider = deps.identity.providers.find((one) => one.id === id);
  if (provider === undefined || provider.kind === 'ldap')
    throw new AppError('NOT_FOUND', { provider: id });
  return provider;
}

/** A provider that is slow holds up as many of its own people as it has places. Refuses with BUSY. */
const tripTo = async <T>(deps: IdentityDeps, id: string, trip: () => Promise<T>): Promise<T> =>
  deps.identity.trips.get(id)?.run(trip) ?? trip();

/** Allows paths of our own only: browsers treat `//elsewhere` and `/\elsewhere` as other sites. */
export function ownPage(to: string | undefined): string {
  return to !== undefined && /^\/(?![/\\])[A-Za-z0-9/_.?=&%-]*$/.test(to) && !to.startsWith('/api/')
    ? to
    : '/';
}
/** The sign-in page shows the reason. */
export const refusedPage = (code: ErrorCode): string => `/?refused=${code}`;

const backOf = (deps: IdentityDeps, provider: RedirectProvider) =>
  `${deps.publicUrl()}/api/sign-in/back/${provider.id}`;

/** `step`: value of a short-lived cookie that binds the redirect to this browser. `from`: the
 * address of the device. Refuses with SLOW_DOWN when too many trips begun there never end. */
export async function beginRedirect(
  deps: IdentityDeps,
  id: string,
  to: string | undefined,
  from: string,
): Promise<{ step: string; expiresAt: number; address: string }> {
  const provider = redirecting(deps, id);
  await deps.identity.addresses.begin(from);
  const redirect: Redirect = {
    state: newToken(),
    nonce: newToken(),
    verifier: newToken(),
    back: backOf(deps, provider),
  };
  const address = await tripTo(deps, id, () => provider.begin(redirect));
  const step = newToken();
  const expiresAt = deps.clock.now() + redirectMs;
  await insertStep(deps.database, {
    hash: sha256(step),
    kind: 'redirect',
    accountId: null,
    body: {
      provider: id,
      to: ownPage(to),
      state: redirect.state,
      nonce: redirect.nonce,
      verifier: redirect.verifier,
    },
    expiresAt,
  });
  return { step, expiresAt, address };
}

/** Accepts only the browser that began the redirect, once, with the state it was given. Refuses
 * with STEP_EXPIRED, PROVIDER_REFUSED, NOT_ADMITTED… */
export async function finishRedirect(
  deps: IdentityDeps,
  id: string,
  { step, returned }: { step: string | null; returned: Readonly<Record<string, string>> },
  from: string,
): Promise<{ signedIn: SignedIn; to: string }> {
  const provider = redirecting(deps, id);
  const begun =
    step === null
      ? undefined
      : await takeStep(deps.database, sha256(step), 'redirect', deps.clock.now());
  if (
    begun === undefined ||
    begun.body['provider'] !== id ||
    begun.body['state'] !== returned['state']
  )
    throw new AppError('STEP_EXPIRED');
  const redirect: Redirect = {
    state: begun.body['state'] ?? '',
    nonce: begun.body['nonce'] ?? '',
    verifier: begun.body['verifier'] ?? '',
    back: backOf(deps, provider),
  };
  const { person, session } = await tripTo(deps, id, () => provider.finish(redirect, returned));
  const origin: Origin = {
    provider: id,
    subject: session.subject,
    session: session.session,
    idToken: session.idToken === null ? null : deps.secrets.seal(session.idToken),
  };
  deps.identity.addresses.finish(from);
  const accountId = await letIn(deps, provider, person);
  return {
    signedIn: await finish(deps, accountId, id, origin),
    to: ownPage(begun.body['to']),
  };
}

async function end(
  deps: IdentityDeps,
  provider: string,
  which: { subject: string | null; session: string | null },
): Promise<void> {
  const gone = await deps.database.transaction().execute(async (rows) => {
    const ended = await deleteSignInsOf(rows, { provider, ...which });
    for (const { accountId } of ended)
      await tellSignedOut(
        deps,
        rows,
        { kind: 'job', id: provider, name: provider },
        accountId,
        'provider',
      );
    return ended;
  });
  deps.wakeups.wake(gone.map(({ tokenHash }): Topic => `sign-in:${tokenHash}`));
}

/** A back-channel logout message from the provider. Refuses with VALIDATION_FAILED an invalid
 * message, or one seen before. */
export async function backChannelLogout(
  deps: IdentityDeps,
  id: string,
  form: Readonly<Record<string, string>>,
): Promise<void> {
  const provider = redirecting(deps, id);
  const refused = () => new AppError('VALIDATION_FAILED', { problem: 'logout message' });
  const gone = await provider.gone(form).catch((error: unknown) => {
    throw error instanceof AppError && error.code === 'PROVIDER_REFUSED' ? refused() : error;
  });
  if (gone === null) throw refused();
  if (gone.once !== null) {
    const hash = sha256(`${id} ${gone.once}`);
    await insertStep(deps.database, {
      hash,
      kind: 'logout_token',
      accountId: null,
      body: {},
      expiresAt: deps.clock.now() + logoutTokenMs,
    }).catch(() => {
      throw refused();
    });
  }
  await end(deps, id, gone);
}

export async function frontChannelLogout(
  deps: IdentityDeps,
  id: string,
  query: Readonly<Record<string, string>>,
): Promise<void> {
  const session = await redirecting(deps, id).goneInBrowser(query);
  if (session !== null) await end(deps, id, { subject: null, session });
}

/** Signs out here and returns the URL of the provider's own sign-out page, so that the next child
 * at this PC is not signed in as the previous one. */
export async function leave(deps: IdentityDeps, actor: AccountActor): Promise<string | null> {
  const origin = await selectOrigin(deps.database, actor.signIn);
  await signOut(deps, actor);
  const provider = deps.identity.providers.find((one) => one.id === origin?.provider);
  if (origin === undefined || provider === undefined || provider.kind === 'ldap') return null;
  const idToken = origin.idToken === null ? null : deps.secrets.unseal(origin.idToken);
  return provider
    .leave({ subject: origin.subject, session: origin.session, idToken }, `${deps.publicUrl()}/`)
    .catch(() => null);
}
