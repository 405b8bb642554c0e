/** A real OpenID Connect provider (oidc-provider) inside this process, with its own pages, which
 * accept any password. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';
import oidcProvider from 'oidc-provider/package.json' with { type: 'json' };
import { met } from './met.ts';

export interface OidcServer {
  issuer: string;
  /** The logout token that the provider sends when its session ends. */
  logoutToken: (sub: string, sid: string) => Promise<string>;
  close: () => Promise<void>;
}

export async function startOidc(
  client: { id: string; secret: string; publicUrl: string; provider: string },
  people: Readonly<Record<string, Record<string, unknown>>>,
): Promise<OidcServer> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const back = `${client.publicUrl}/api/sign-in/back/${client.provider}`;
  let captured: string | null = null;
  let capturing = false;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: client.id,
        client_secret: client.secret,
        redirect_uris: [back],
        post_logout_redirect_uris: [`${client.publicUrl}/`],
        backchannel_logout_uri: back,
        backchannel_logout_session_required: true,
        response_types: ['code'],
        grant_types: ['authorization_code'],
      },
    ],
    findAccount: (_context, id) => ({
      accountId: id,
      claims: async () => ({ sub: id, ...people[id] }),
    }),
    claims: {
      openid: ['sub', 'sid'],
      profile: ['name', 'preferred_username', 'groups', 'role', 'admin', 'isMemberOf', 'school'],
      email: ['email'],
    },
    features: {
      devInteractions: { enabled: true },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: { enabled: true },
    },
    cookies: { keys: ['only for tests'] },
    pkce: { required: () => true },
    fetch: async (address, options) => {
      if (!capturing) return fetch(address, options);
      captured = new URLSearchParams(String(options?.body)).get('logout_token');
      return new Response(null, { status: 200 });
    },
  });
  server.on('request', provider.callback());
  met('oidc', oidcProvider.version, 'its package.json');
  return {
    issuer,
    logoutToken: async (sub, sid) => {
      capturing = true;
      const known = await provider.Client.find(client.id);
      // The package's types lack this method of a client.
      await (
        known as unknown as { backchannelLogout: (sub: string, sid: string) => Promise<void> }
      ).backchannelLogout(sub, sid);
      capturing = false;
      return captured ?? '';
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
