import type { ErrorCode } from '@preau/contract/errors.ts';
import { offlineAfterMs } from '@preau/contract/server.ts';

export interface Candidate {
  serverId: string;
  lastSeenAt: number | null;
  roles: readonly string[];
  draining: boolean;
  installed: boolean;
  liveSessions: number;
  maxSessions: number;
}

export type Placement =
  | { serverId: string }
  | { refused: Extract<ErrorCode, 'SERVER_OFFLINE' | 'APPLICATION_NOT_INSTALLED' | 'SERVER_FULL'> };

/** Chooses where a session starts: the execution server of the school, online, with the
 * application, that has the largest share of its places free. `now` in epoch ms. Pure. The refusal
 * names the first thing that is missing. */
export function place(candidates: readonly Candidate[], now: number): Placement {
  const online = candidates.filter(
    (c) =>
      c.roles.includes('execution') && c.lastSeenAt !== null && now - c.lastSeenAt < offlineAfterMs,
  );
  if (online.length === 0) return { refused: 'SERVER_OFFLINE' };
  const installed = online.filter((c) => c.installed);
  if (installed.length === 0) return { refused: 'APPLICATION_NOT_INSTALLED' };
  // A draining server takes no new sessions.
  const free = installed.filter((c) => !c.draining && c.liveSessions < c.maxSessions);
  const share = (c: Candidate) => c.liveSessions / c.maxSessions;
  const best = free.sort((a, b) => share(a) - share(b) || a.serverId.localeCompare(b.serverId))[0];
  return best === undefined ? { refused: 'SERVER_FULL' } : { serverId: best.serverId };
}
