/** Which providers check a login and password, and in which order. Pure. */
import { addressOf, subnetOf } from '@preau/contract/network.ts';
import type { PasswordProvider, Provider } from './provider.ts';

export interface Choice {
  /** Whether the city's own accounts are tried first. */
  local: boolean;
  ask: { provider: PasswordProvider; login: string }[];
  /** Id of the provider whose own page the person must use. */
  elsewhere: string | null;
}

/** The caller is in one of this provider's networks. */
export function isHere(provider: Pick<Provider, 'networks'>, address: string): boolean {
  const at = addressOf(address);
  return at !== null && provider.networks.some((network) => subnetOf(network)?.holds(at) === true);
}

/** Providers of the caller's network first; then those without networks; those of other networks
 * last. Otherwise in the order of the file. */
export function inOrder<P extends Provider>(providers: readonly P[], address: string): P[] {
  const rank = (provider: P) =>
    isHere(provider, address) ? 0 : provider.networks.length === 0 ? 1 : 2;
  return [...providers].sort((a, b) => rank(a) - rank(b));
}

/** A login with a provider's domain is checked only by the providers of that domain, with the
 * domain removed. */
export function choose(
  providers: readonly Provider[],
  asked: { login: string; provider: string | undefined; address: string },
): Choice {
  const { login, address } = asked;
  const [, name = login, domain] = /^(.+)@([^@]+)$/.exec(login) ?? [];
  if (asked.provider === 'local') return { local: true, ask: [], elsewhere: null };
  const named =
    asked.provider !== undefined
      ? providers.filter(({ id }) => id === asked.provider)
      : domain === undefined
        ? []
        : providers.filter(({ domains }) => domains.includes(domain.toLowerCase()));
  if (asked.provider !== undefined || named.length > 0) {
    const passwords = named.filter((provider) => provider.kind === 'ldap');
    return {
      local: false,
      ask: inOrder(passwords, address).map((provider) => ({
        provider,
        login:
          domain !== undefined && provider.domains.includes(domain.toLowerCase()) ? name : login,
      })),
      elsewhere: passwords.length > 0 ? null : (named[0]?.id ?? null),
    };
  }
  return {
    local: true,
    ask: inOrder(
      providers.filter((provider) => provider.kind === 'ldap'),
      address,
    ).map((provider) => ({ provider, login })),
    elsewhere: null,
  };
}
