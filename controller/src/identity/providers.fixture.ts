/** A directory and a provider with a page of its own, which vouch for one technician each; and
 * passwords that are compared as they are. For tests. */
import type { Passwords } from '#src/platform/passwords.ts';
import { described, mapping } from './person.fixture.ts';
import type { PasswordProvider, RedirectProvider } from './provider.ts';

const technicianOf = (id: string) =>
  described({ externalId: `tech of ${id}`, groups: [{ id: 'CN=Tech,DC=x', name: 'Tech' }] });
const common = (id: string) => ({
  id,
  name: { fr: id, en: id },
  address: '',
  domains: [],
  networks: [],
  mapping: { ...mapping, id },
  check: async () => undefined,
});

/** Knows `elodie`, by any password. */
export const someDirectory: PasswordProvider = {
  ...common('ad'),
  kind: 'ldap',
  ask: async (login) =>
    login === 'elodie' ? { kind: 'known', person: technicianOf('ad') } : { kind: 'unknown' },
  syncEveryMs: null,
  everybody: async () => [technicianOf('ad')],
};

/** Whoever comes back from its page is its technician. A message that they have signed out names
 * the session: as `logout_token`, or as `sid` by way of the browser. */
export const somePage: RedirectProvider = {
  ...common('ent'),
  kind: 'oidc',
  begin: async ({ state }) => `https://ent.example/?state=${state}`,
  finish: async () => ({
    person: technicianOf('ent'),
    session: { subject: 'sub', session: 'sid', idToken: null },
  }),
  gone: async (form) =>
    form['logout_token'] === undefined
      ? null
      : { subject: null, session: form['logout_token'], once: null },
  goneInBrowser: async (query) => query['sid'] ?? null,
  leave: async () => null,
};

export const plainPasswords: Passwords = {
  hash: async (password) => password,
  verify: async (hash, password) => hash === password,
};
