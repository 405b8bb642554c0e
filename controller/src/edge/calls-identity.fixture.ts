/** Calls of the routes of signing in and of second factors, each prepared so that it does what it is
 * for: a code that is right, a passkey that answers, a provider that knows them. */
import type { RouteName } from '@preau/contract/api.ts';
import { generateSync } from 'otplib';
import { createAttempts } from '#src/accounts/attempts/attempts.ts';
import { insertSignIn } from '#src/accounts/sign-ins/store.ts';
import { plainPasswords, someDirectory, somePage } from '#src/identity/providers.fixture.ts';
import { beginRedirect } from '#src/identity/redirects/redirects.ts';
import { mySecurity } from '#src/identity/second-factor/own.ts';
import { addPasskey, askPasskey, offerPasskey } from '#src/identity/second-factor/passkeys.ts';
import { insertTotp } from '#src/identity/second-factor/store.ts';
import { confirmTotp } from '#src/identity/second-factor/totp.ts';
import { createIdentity, type IdentityDeps } from '#src/identity/sign-in.ts';
import { insertStep } from '#src/identity/steps/store.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import { newToken, sha256 } from '#src/platform/secrets.ts';
import {
  type Asked,
  makePasskey,
  type SoftwarePasskey,
} from '#src/platform/software-passkey.fixture.ts';
import { newTotpSecret } from '#src/platform/totp.ts';
import { type City, publicUrl } from '#src/testing.fixture.ts';
import type { Role, RouteCall } from './calls.fixture.ts';

type Calls<N extends RouteName> = { [K in N]: (role: Role) => Promise<RouteCall> };

const askedOf = (options: Record<string, unknown>): Asked => ({
  challenge: String(options['challenge']),
  origin: publicUrl,
  party: new URL(publicUrl).hostname,
});

/** The identity of a test's edge. */
export const testIdentity = ({ platform }: City) =>
  createIdentity(platform, [someDirectory, somePage], {
    passwords: plainPasswords,
    attempts: createAttempts({ now: platform.clock.now, wait: async () => undefined }),
  });

export function identityCallsOf(
  city: () => City,
): Calls<
  | 'secondFactor'
  | 'answerPasskey'
  | 'beginRedirect'
  | 'finishRedirect'
  | 'backChannelLogout'
  | 'frontChannelLogout'
  | 'offerTotp'
  | 'confirmTotp'
  | 'removeTotp'
  | 'offerPasskey'
  | 'addPasskey'
  | 'removePasskey'
  | 'checkDirectory'
  | 'syncDirectory'
> {
  const deps = (): IdentityDeps => ({
    ...city().platform,
    publicUrl: () => publicUrl,
    identity: testIdentity(city()),
  });
  /** Who calls; a technician prepares what others are refused. */
  const callerOf = async (role: Role): Promise<AccountActor> => {
    const actor = role === 'administrator' ? city().administrator : city().technician;
    await city()
      .platform.database.updateTable('accounts')
      .set({ password_hash: 'right' })
      .where('id', '=', actor.id)
      .execute();
    return actor;
  };
  const codeBy = (secret: string) =>
    generateSync({ secret, epoch: Math.floor(city().time.at / 1000) });
  const offerTelephone = async ({ id }: AccountActor) => {
    const secret = newTotpSecret();
    const { database, secrets } = city().platform;
    await insertTotp(database, id, secrets.seal(secret), city().time.at);
    return secret;
  };
  const addTelephone = async (actor: AccountActor) => {
    const secret = await offerTelephone(actor);
    await confirmTotp(deps(), actor, codeBy(secret));
    // A code works once; this one may be given again.
    await city()
      .platform.database.updateTable('totp_secrets')
      .set({ last_period: 0 })
      .where('account_id', '=', actor.id)
      .execute();
    return secret;
  };
  const addKey = async (actor: AccountActor): Promise<SoftwarePasskey> => {
    const key = makePasskey();
    const { step, options } = await offerPasskey(deps(), actor, 'right');
    const response = key.create(askedOf(options));
    await addPasskey(deps(), actor, { step, response, name: 'Clé' });
    return key;
  };
  /** As after a right password. */
  const stepOf = async ({ id }: AccountActor) => {
    const step = newToken();
    await insertStep(city().platform.database, {
      hash: sha256(step),
      kind: 'second_factor',
      accountId: id,
      body: { by: 'password', origin: '' },
      expiresAt: city().time.at + 60_000,
    });
    return step;
  };
  /** The pupil has come by the provider's page. */
  const signInByPage = async () => {
    const session = newToken();
    await insertSignIn(city().platform.database, {
      tokenHash: sha256(session),
      accountId: city().pupil.id,
      now: city().time.at,
      expiresAt: city().time.at + 60_000,
      origin: { provider: somePage.id, subject: null, session, idToken: null },
    });
    return session;
  };
  const ofPage = { provider: somePage.id };
  return {
    secondFactor: async () => {
      const actor = await callerOf('technician');
      const secret = await addTelephone(actor);
      return { body: { step: await stepOf(actor), code: codeBy(secret) } };
    },
    answerPasskey: async () => {
      const key = await addKey(await callerOf('technician'));
      const { step, options } = await askPasskey(deps(), undefined, '127.0.0.1');
      return { body: { step, response: key.get(askedOf(options)) } };
    },
    beginRedirect: async () => ({ params: ofPage, query: '?to=/admin', status: 303 }),
    finishRedirect: async () => {
      const { step, address } = await beginRedirect(deps(), somePage.id, '/admin', '127.0.0.1');
      return {
        params: ofPage,
        query: new URL(address).search,
        headers: { cookie: `preau_step=${step}` },
        status: 303,
      };
    },
    backChannelLogout: async () => ({
      params: ofPage,
      body: { logout_token: await signInByPage() },
    }),
    frontChannelLogout: async () => ({
      params: ofPage,
      query: `?iss=x&sid=${await signInByPage()}`,
    }),
    offerTotp: async (role) => {
      await callerOf(role);
      return { body: { password: 'right' } };
    },
    confirmTotp: async (role) => ({
      body: { code: codeBy(await offerTelephone(await callerOf(role))) },
    }),
    removeTotp: async (role) => {
      await addTelephone(await callerOf(role));
      return { body: { password: 'right' } };
    },
    offerPasskey: async (role) => {
      await callerOf(role);
      return { body: { password: 'right' } };
    },
    addPasskey: async (role) => {
      const { step, options } = await offerPasskey(deps(), await callerOf(role), 'right');
      return { body: { step, response: makePasskey().create(askedOf(options)), name: 'Clé' } };
    },
    removePasskey: async (role) => {
      const actor = await callerOf(role);
      await addKey(actor);
      const [{ id = '' } = {}] = (await mySecurity(deps(), actor)).passkeys;
      return { params: { id }, body: { password: 'right' } };
    },
    checkDirectory: async () => ({ params: { provider: someDirectory.id } }),
    syncDirectory: async () => ({ params: { provider: someDirectory.id }, body: {} }),
  };
}
