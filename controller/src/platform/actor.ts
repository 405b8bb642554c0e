/** Who is calling a verb. */
import type { Role } from '@preau/contract/account.ts';

export type Actor =
  | { kind: 'account'; id: string; name: string; role: Role; siteId: string | null; signIn: string }
  | { kind: 'agent'; id: string; name: string; siteId: string }
  | { kind: 'job'; id: string; name: string }
  | { kind: 'nobody'; id: null; name: string };

export type AccountActor = Extract<Actor, { kind: 'account' }>;
export type AgentActor = Extract<Actor, { kind: 'agent' }>;
