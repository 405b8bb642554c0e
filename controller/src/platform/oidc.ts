/** The only code that knows OpenID Connect: authorisation code with PKCE, state and nonce;
 * back-channel logout tokens. */
import { createRemoteJWKSet, customFetch as fetchKeys, jwtVerify } from 'jose';
import {
  AuthorizationResponseError,
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  buildEndSessionUrl,
  ClientError,
  type Configuration,
  calculatePKCECodeChallenge,
  customFetch,
  discovery,
  fetchUserInfo,
  ResponseBodyError,
} from 'openid-client';
import { boundedFetch } from './bounded-fetch.ts';

export interface OidcClient {
  issuer: string;
  clientId: string;
  clientSecret: string | null;
  scope: string;
  acrValues: string | null;
  timeoutMs: number;
}
export interface OidcRedirect {
  state: string;
  nonce: string;
  verifier: string;
  back: string;
}
/** The provider, or its reply, cannot be trusted. */
export class OidcRefused extends Error {}

const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout';

export function openOidc(client: OidcClient) {
  const issuer = new URL(client.issuer);
  let known: Promise<Configuration> | null = null;
  /** Fetched once, and again after a failure, because a provider may start after the controller. */
  const configuration = () => {
    known ??= discovery(issuer, client.clientId, client.clientSecret ?? undefined, undefined, {
      timeout: client.timeoutMs / 1000,
      [customFetch]: boundedFetch,
      ...(issuer.protocol === 'http:' ? { execute: [allowInsecureRequests] } : {}),
    }).catch((error: unknown) => {
      known = null;
      throw error;
    });
    return known;
  };
  let keys: ReturnType<typeof createRemoteJWKSet> | null = null;

  return {
    configuration,
    begin: async (redirect: OidcRedirect): Promise<string> =>
      buildAuthorizationUrl(await configuration(), {
        redirect_uri: redirect.back,
        scope: client.scope,
        state: redirect.state,
        nonce: redirect.nonce,
        code_challenge: await calculatePKCECodeChallenge(redirect.verifier),
        code_challenge_method: 'S256',
        ...(client.acrValues === null ? {} : { acr_values: client.acrValues }),
      }).href,
    /** Returns the claims of the signed token merged with its user information. Throws
     * OidcRefused. */
    finish: async (
      redirect: OidcRedirect,
      returned: Readonly<Record<string, string>>,
    ): Promise<{
      claims: Record<string, unknown>;
      sub: string;
      sid: string | null;
      idToken: string;
    }> => {
      const config = await configuration();
      const address = new URL(redirect.back);
      for (const [name, value] of Object.entries(returned)) address.searchParams.set(name, value);
      try {
        const tokens = await authorizationCodeGrant(config, address, {
          pkceCodeVerifier: redirect.verifier,
          expectedState: redirect.state,
          expectedNonce: redirect.nonce,
          idTokenExpected: true,
        });
        const signed = tokens.claims();
        if (signed === undefined || tokens.id_token === undefined)
          throw new OidcRefused('no identity token');
        const more =
          config.serverMetadata().userinfo_endpoint === undefined
            ? {}
            : await fetchUserInfo(config, tokens.access_token, signed.sub);
        return {
          claims: { ...more, ...signed },
          sub: signed.sub,
          sid: typeof signed['sid'] === 'string' ? signed['sid'] : null,
          idToken: tokens.id_token,
        };
      } catch (error) {
        if (
          error instanceof AuthorizationResponseError ||
          error instanceof ResponseBodyError ||
          (error instanceof ClientError && !/TIMEOUT|fetch/i.test(`${error.code}`))
        )
          throw new OidcRefused(error.message, { cause: error });
        throw error;
      }
    },
    /** Validates a logout token (OpenID Connect Back-Channel Logout 1.0, 2.6): signed by this
     * provider, for this client, recent, about a logout, with an id of its own. Throws
     * OidcRefused. */
    readLogoutToken: async (
      token: string,
    ): Promise<{ sub: string | null; sid: string | null; jti: string }> => {
      const metadata = (await configuration()).serverMetadata();
      if (metadata.jwks_uri === undefined) throw new OidcRefused('no keys');
      keys ??= createRemoteJWKSet(new URL(metadata.jwks_uri), {
        timeoutDuration: client.timeoutMs,
        [fetchKeys]: boundedFetch,
      });
      try {
        const { payload, protectedHeader } = await jwtVerify(token, keys, {
          issuer: metadata.issuer,
          audience: client.clientId,
          algorithms,
          maxTokenAge: '5 minutes',
          clockTolerance: 60,
        });
        const { sub, sid, jti, nonce } = payload;
        const event = (payload['events'] as Record<string, unknown> | undefined)?.[logoutEvent];
        if (
          protectedHeader.typ !== undefined &&
          !/^(application\/)?(logout\+)?jwt$/i.test(protectedHeader.typ)
        )
          throw new OidcRefused('another kind of token');
        if (
          typeof event !== 'object' ||
          event === null ||
          nonce !== undefined ||
          typeof jti !== 'string' ||
          jti === ''
        )
          throw new OidcRefused('not a logout token');
        if (typeof sub !== 'string' && typeof sid !== 'string')
          throw new OidcRefused('nobody is named');
        return {
          sub: typeof sub === 'string' ? sub : null,
          sid: typeof sid === 'string' ? sid : null,
          jti,
        };
      } catch (error) {
        throw error instanceof OidcRefused
          ? error
          : new OidcRefused(error instanceof Error ? error.message : String(error), {
              cause: error,
            });
      }
    },
    leave: async (idToken: string | null, afterwards: string): Promise<string | null> => {
      const config = await configuration();
      return config.serverMetadata().end_session_endpoint === undefined
        ? null
        : buildEndSessionUrl(config, {
            post_logout_redirect_uri: afterwards,
            ...(idToken === null ? {} : { id_token_hint: idToken }),
          }).href;
    },
  };
}
