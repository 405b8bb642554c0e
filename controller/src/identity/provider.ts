/** Ports: the operations of an identity provider, whatever its protocol. */
import type { ErrorCode } from '@preau/contract/errors.ts';
import type { Translated } from '@preau/contract/schema.ts';
import type { ProviderPerson } from './admission/vouch.ts';
import type { Mapping } from './settings-schema.ts';

interface Described {
  id: string;
  name: Translated;
  /** Shown to technicians. */
  address: string;
  domains: readonly string[];
  networks: readonly string[];
  mapping: Mapping;
  /** Checks that the provider answers. Throws with a reason for technicians. */
  check: () => Promise<void>;
}

/** `unknown`: no such login; `wrong`: the login exists, but the password is wrong. `refused`: the
 * password is right, but the account may not sign in. */
export type PasswordAnswer =
  | { kind: 'known'; person: ProviderPerson }
  | { kind: 'unknown' }
  | { kind: 'wrong' }
  | { kind: 'refused'; code: ErrorCode };

export interface PasswordProvider extends Described {
  kind: 'ldap';
  /** Throws AppError DIRECTORY_UNAVAILABLE when the directory gives no clear answer in time. */
  ask: (login: string, password: string) => Promise<PasswordAnswer>;
  /** Null: no synchronisation; people are read only when they sign in. */
  syncEveryMs: number | null;
  everybody: () => Promise<ProviderPerson[]>;
}

/** Stored with a sign-in, so that either side can tell the other that it has ended. */
interface ProviderSession {
  subject: string | null;
  session: string | null;
  idToken: string | null;
}

/** One round trip to the provider's page: random values, each used once. */
export interface Redirect {
  state: string;
  nonce: string;
  verifier: string;
  /** Our URL that the browser returns to. */
  back: string;
}

export interface RedirectProvider extends Described {
  kind: 'oidc' | 'cas';
  begin: (redirect: Redirect) => Promise<string>;
  /** Throws AppError PROVIDER_REFUSED, or DIRECTORY_UNAVAILABLE. */
  finish: (
    redirect: Redirect,
    returned: Readonly<Record<string, string>>,
  ) => Promise<{ person: ProviderPerson; session: ProviderSession }>;
  /** Which sign-ins a back-channel logout message ends; `once`: must not have been seen before.
   * Null: not a logout message. */
  gone: (
    form: Readonly<Record<string, string>>,
  ) => Promise<{ subject: string | null; session: string | null; once: string | null } | null>;
  /** Front-channel logout, through the browser: the session it names, if it comes from this
   * provider; otherwise null. */
  goneInBrowser: (query: Readonly<Record<string, string>>) => Promise<string | null>;
  /** URL of its own sign-out page; null: it has none. */
  leave: (session: ProviderSession, afterwards: string) => Promise<string | null>;
}

export type Provider = PasswordProvider | RedirectProvider;
