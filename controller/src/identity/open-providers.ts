/** Creates the providers from their settings. */
import type { Platform } from '#src/platform/platform.ts';
import { ldapProvider } from './directories/ldap-provider.ts';
import type { Provider } from './provider.ts';
import { casProvider, oidcProvider } from './redirects/redirect-providers.ts';
import { readText } from './settings.ts';
import type { ProviderSettings } from './settings-schema.ts';

export const openProviders = (
  deps: Pick<Platform, 'clock' | 'log'>,
  settings: readonly ProviderSettings[],
): Provider[] =>
  settings.map((one) =>
    one.kind === 'ldap'
      ? ldapProvider(deps, one, one.ca_file === undefined ? null : readText(one.ca_file))
      : one.kind === 'oidc'
        ? oidcProvider(deps, one)
        : casProvider(deps, one),
  );
