import type { ErrorCode } from '@preau/contract/errors.ts';
import { offlineAfterMs } from '@preau/contract/server.ts';

export interface Candidate {
  serverId: string;
  lastSeenAt: number | null;
  roles: readonly string[];
  draining: boolean;
  /** It restarts within minutes, or is restarting. */
  restarting: boolean;
  installed: boolean;
  liveSessions: number;
  maxSessions: number;
}

export type Placement =
  | { serverId: string }
  | {
      refused: Extract<
        ErrorCode,
        'SERVER_OFFLINE' | 'APPLICATION_NOT_INSTALLED' | 'SERVER_FULL' | 'SERVER_RESTARTS'
      >;
    };

/** Chooses where a session starts: the execution server of the school, online, with the
 * application, that has the largest share of its places free. `now` in epoch ms. Pure. The refusal
 * names the first thing that is missing. */
export function place(candidates: readonly Candidate[], now: number): Placement {
  const online = candidates.filter(
    (c) =>
      c.roles.includes('execution') && c.lastSeenAt !== null && now - c.lastSeenAt < offlineAfterMs,
  );
  if (online.length === 0)
    return { refused: candidates.some((c) => c.restarting) ? 'SERVER_RESTARTS' : 'SERVER_OFFLINE' };
  const installed = online.filter((c) => c.installed);
  if (installed.length === 0) return { refused: 'APPLICATION_NOT_INSTALLED' };
  // A draining server takes no new sessions.
  const withPlaces = installed.filter((c) => !c.draining && c.liveSessions < c.maxSessions);
  const free = withPlaces.filter((c) => !c.restarting);
  const share = (c: Candidate) => c.liveSessions / c.maxSessions;
  const best = free.sort((a, b) => share(a) - share(b) || a.serverId.localeCompare(b.serverId))[0];
  if (best !== undefined) return { serverId: best.serverId };
  return { refused: withPlaces.length > 0 ? 'SERVER_RESTARTS' : 'SERVER_FULL' };
}
