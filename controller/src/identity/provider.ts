/** Ports: what a provider of identities can do, whichever protocol it speaks. */
import type { ErrorCode } from '@preau/contract/errors.ts';
import type { Translated } from '@preau/contract/schema.ts';
import type { ProviderPerson } from './admission/vouch.ts';
import type { Mapping } from './settings-schema.ts';

interface Described {
  id: string;
  name: Translated;
  /** For technicians. */
  address: string;
  domains: readonly string[];
  networks: readonly string[];
  mapping: Mapping;
  /** Does it answer? Throws with a reason for technicians. */
  check: () => Promise<void>;
}

/** `unknown`: nobody of that name; `wrong`: the name, but not the password. `refused`: the password
 * was right, and yet. */
export type PasswordAnswer =
  | { kind: 'known'; person: ProviderPerson }
  | { kind: 'unknown' }
  | { kind: 'wrong' }
  | { kind: 'refused'; code: ErrorCode };

export interface PasswordProvider extends Described {
  kind: 'ldap';
  /** Throws AppError DIRECTORY_UNAVAILABLE when it cannot tell, within its time. */
  ask: (login: string, password: string) => Promise<PasswordAnswer>;
  /** Null: read only when somebody signs in. */
  syncEveryMs: number | null;
  everybody: () => Promise<ProviderPerson[]>;
}

/** What is kept beside a sign-in, so that its provider can end it and be told of its end. */
export interface ProviderSession {
  subject: string | null;
  session: string | null;
  idToken: string | null;
}

/** One way to the provider's page and back: random values, each used once. */
export interface Redirect {
  state: string;
  nonce: string;
  verifier: string;
  /** Our address that the browser comes back to. */
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
  /** Whose sign-ins end, by what the provider's program sends; `once`: must not have been seen
   * before. Null: not a message of it. */
  gone: (
    form: Readonly<Record<string, string>>,
  ) => Promise<{ subject: string | null; session: string | null; once: string | null } | null>;
  /** By way of the browser: only what names the session, and comes from this provider. */
  goneInBrowser: (query: Readonly<Record<string, string>>) => Promise<string | null>;
  /** Its own page to sign out at; null: it has none. */
  leave: (session: ProviderSession, afterwards: string) => Promise<string | null>;
}

export type Provider = PasswordProvider | RedirectProvider;
