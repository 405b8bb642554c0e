/** OpenID Connect and CAS as providers: the browser goes to their page and comes back. */
import { AppError } from '@preau/contract/errors.ts';
import {
  CasRefused,
  casAnswers,
  casLogin,
  casLogout,
  readLogout,
  validateTicket,
} from '#src/platform/cas.ts';
import type { Log } from '#src/platform/log.ts';
import { OidcRefused, openOidc } from '#src/platform/oidc.ts';
import { sha256 } from '#src/platform/secrets.ts';
import type { RedirectProvider } from '../provider.ts';
import type { CasSettings, OidcSettings } from '../settings-schema.ts';

/** Claims by name in lower case; nested values by their dotted path. Pure. */
export function flatten(
  claims: Readonly<Record<string, unknown>>,
  prefix = '',
): Record<string, string[]> {
  const flat: Record<string, string[]> = {};
  for (const [name, value] of Object.entries(claims)) {
    const key = `${prefix}${name}`.toLowerCase();
    const list: unknown[] = Array.isArray(value) ? value : [value];
    const texts = list
      .filter((one) => ['string', 'number', 'boolean'].includes(typeof one))
      .map(String)
      .slice(0, 500);
    if (texts.length > 0) flat[key] = texts;
    else if (
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      prefix.length < 100
    )
      Object.assign(flat, flatten(value as Record<string, unknown>, `${key}.`));
  }
  return flat;
}

async function asking<T>(deps: { log: Log }, provider: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const refused = error instanceof OidcRefused || error instanceof CasRefused;
    deps.log.warn(
      { provider, reason: error instanceof Error ? error.message : String(error) },
      refused ? 'sign-in not confirmed' : 'identity provider does not answer',
    );
    throw new AppError(
      refused ? 'PROVIDER_REFUSED' : 'DIRECTORY_UNAVAILABLE',
      { provider },
      { cause: error },
    );
  }
}

export function oidcProvider(deps: { log: Log }, settings: OidcSettings): RedirectProvider {
  const oidc = openOidc({
    issuer: settings.issuer,
    clientId: settings.client_id,
    clientSecret: settings.client_secret ?? null,
    scope: settings.scope ?? 'openid profile email',
    acrValues: settings.acr_values ?? null,
    timeoutMs: settings.timeout_ms ?? 3000,
  });
  const mapping = {
    ...settings,
    login: settings.login ?? 'preferred_username',
    display_name: settings.display_name ?? ['name', 'given_name family_name'],
    mail: settings.mail ?? 'email',
  };
  return {
    id: settings.id,
    kind: 'oidc',
    name: settings.name,
    address: settings.issuer,
    domains: settings.domains ?? [],
    networks: settings.networks ?? [],
    mapping,
    check: async () => void (await oidc.configuration()),
    begin: (redirect) => asking(deps, settings.id, () => oidc.begin(redirect)),
    finish: (redirect, returned) =>
      asking(deps, settings.id, async () => {
        const { claims, sub, sid, idToken } = await oidc.finish(redirect, returned);
        const values = flatten(claims);
        const groups = (
          settings.groups_claim === undefined
            ? []
            : (values[settings.groups_claim.toLowerCase()] ?? [])
        ).map((id) => ({ id, name: id }));
        return {
          person: { externalId: sub, values, groups, photo: null, barred: false },
          session: { subject: sub, session: sid, idToken },
        };
      }),
    gone: async (form) => {
      const token = form['logout_token'];
      if (token === undefined) return null;
      const { sub, sid, jti } = await asking(deps, settings.id, () => oidc.readLogoutToken(token));
      return { subject: sub, session: sid, once: jti };
    },
    goneInBrowser: async ({ iss, sid }) =>
      iss === settings.issuer && sid !== undefined && sid !== '' ? sid : null,
    leave: (session, afterwards) =>
      asking(deps, settings.id, () => oidc.leave(session.idToken, afterwards)),
  };
}

export function casProvider(deps: { log: Log }, settings: CasSettings): RedirectProvider {
  const server = {
    url: settings.url,
    protocol: settings.protocol ?? '3',
    timeoutMs: settings.timeout_ms ?? 3000,
  };
  // CAS has no state parameter: ours is part of the service URL.
  const service = (redirect: { back: string; state: string }) =>
    `${redirect.back}?state=${redirect.state}`;
  const mapping = {
    ...settings,
    login: settings.login ?? 'user',
    display_name: settings.display_name ?? ['displayName', 'cn', 'givenName sn'],
    mail: settings.mail ?? 'mail',
  };
  return {
    id: settings.id,
    kind: 'cas',
    name: settings.name,
    address: settings.url,
    domains: settings.domains ?? [],
    networks: settings.networks ?? [],
    mapping,
    check: () => casAnswers(server),
    begin: async (redirect) => casLogin(server, service(redirect)),
    finish: (redirect, returned) =>
      asking(deps, settings.id, async () => {
        const ticket = returned['ticket'] ?? '';
        const { user, attributes } = await validateTicket(server, service(redirect), ticket);
        const groups = (
          settings.groups_attribute === undefined
            ? []
            : (attributes[settings.groups_attribute.toLowerCase()] ?? [])
        ).map((id) => ({ id, name: id }));
        return {
          person: {
            externalId: user,
            values: { ...attributes, user: [user] },
            groups,
            photo: null,
            barred: false,
          },
          session: { subject: user, session: sha256(ticket), idToken: null },
        };
      }),
    // The message is not signed: knowing the ticket, which only the CAS server and we do, is the
    // proof.
    gone: async (form) => {
      const ticket = readLogout(form['logoutRequest'] ?? '');
      return ticket === null ? null : { subject: null, session: sha256(ticket), once: null };
    },
    goneInBrowser: async () => null,
    leave: async (_session, afterwards) => casLogout(server, afterwards),
  };
}
