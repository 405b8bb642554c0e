/** Passkeys (Web Authentication): builds the requests for the browser and verifies its responses.
 * The only code that knows the library. */
import { isIP } from 'node:net';
import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server';

/** The relying party of a passkey: a domain name, never an IP address. */
export interface RelyingParty {
  id: string;
  origin: string;
}
export interface KnownPasskey {
  credentialId: string;
  publicKey: string;
  counter: number;
  transports: string[];
}

/** Null: browsers create no passkeys for such an address. */
export function relyingParty(publicUrl: string): RelyingParty | null {
  const { protocol, hostname, origin, port } = new URL(publicUrl);
  if (hostname === '127.0.0.1' || hostname === 'localhost')
    return { id: 'localhost', origin: `http://localhost${port === '' ? '' : `:${port}`}` };
  return protocol === 'https:' && isIP(hostname.replace(/^\[|\]$/g, '')) === 0
    ? { id: hostname, origin }
    : null;
}

export const askForNewPasskey = (
  party: RelyingParty,
  who: { id: string; login: string; displayName: string },
  known: readonly KnownPasskey[],
) =>
  generateRegistrationOptions({
    rpName: 'Préau',
    rpID: party.id,
    userID: new Uint8Array(Buffer.from(who.id)),
    userName: who.login,
    userDisplayName: who.displayName,
    attestationType: 'none',
    excludeCredentials: known.map((one) => ({ id: one.credentialId, transports: one.transports })),
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
  });

/** Null: the response is invalid. */
export async function readNewPasskey(
  party: RelyingParty,
  challenge: string,
  response: unknown,
): Promise<KnownPasskey | null> {
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: response as RegistrationResponseJSON,
      expectedChallenge: challenge,
      expectedOrigin: party.origin,
      expectedRPID: party.id,
      requireUserVerification: true,
    });
    if (!verified) return null;
    const { credential } = registrationInfo;
    return {
      credentialId: credential.id,
      publicKey: Buffer.from(credential.publicKey).toString('base64url'),
      counter: credential.counter,
      transports: (credential.transports ?? []).slice(0, 10),
    };
  } catch {
    return null;
  }
}

/** `known` empty: any passkey of this party. */
export const askForPasskey = (party: RelyingParty, known: readonly KnownPasskey[]) =>
  generateAuthenticationOptions({
    rpID: party.id,
    userVerification: 'required',
    allowCredentials: known.map((one) => ({ id: one.credentialId, transports: one.transports })),
  });

export const credentialIdOf = (response: unknown): string | null => {
  const id =
    typeof response === 'object' && response !== null && 'id' in response ? response.id : null;
  return typeof id === 'string' && /^[A-Za-z0-9_-]{1,1400}$/.test(id) ? id : null;
};

/** The new counter; null: the response is invalid. */
export async function checkPasskey(
  party: RelyingParty,
  challenge: string,
  response: unknown,
  known: KnownPasskey,
): Promise<number | null> {
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: response as AuthenticationResponseJSON,
      expectedChallenge: challenge,
      expectedOrigin: party.origin,
      expectedRPID: party.id,
      requireUserVerification: true,
      credential: {
        id: known.credentialId,
        publicKey: new Uint8Array(Buffer.from(known.publicKey, 'base64url')),
        counter: known.counter,
      },
    });
    return verified ? authenticationInfo.newCounter : null;
  } catch {
    return null;
  }
}
