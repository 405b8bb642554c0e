/** Actors: who calls a verb. */
import type { Role } from '@preau/contract/account.ts';

/** The scope of a person's API token: at most the person's own rights, often less. `siteIds` null:
 * the whole city. */
export interface TokenScope {
  id: string;
  readOnly: boolean;
  siteIds: readonly string[] | null;
}

export type Actor =
  /** `signIn`: hash of the cookie's secret, empty for a token. `siteIds`: the schools that the
   * account may access; null: the whole city. */
  | {
      kind: 'account';
      id: string;
      name: string;
      role: Role;
      siteId: string | null;
      siteIds: readonly string[] | null;
      signIn: string;
      token: TokenScope | null;
    }
  | { kind: 'agent'; id: string; name: string; siteId: string }
  | { kind: 'job'; id: string; name: string }
  | { kind: 'nobody'; id: null; name: string };

export type AccountActor = Extract<Actor, { kind: 'account' }>;
export type AgentActor = Extract<Actor, { kind: 'agent' }>;
