/** What happens next to the restarts of one school. Its servers restart one after the other: the next
 * only when the one before is back and well. Pure. */
import { type RestartReason, restartToldMs } from '@preau/contract/restart.ts';

export interface RestartFacts {
  id: string;
  serverId: string;
  state: 'waiting' | 'told' | 'restarting';
  /** When it is due, and since when it is restarting; epoch ms. */
  at: number;
  begunAt: number | null;
  /** The boot that is to end. */
  bootId: string;
  server: {
    /** The boot that the server last reported. */
    bootId: string | null;
    online: boolean;
    /** Its displays start. */
    well: boolean;
    /** Retired or set apart. */
    gone: boolean;
    /** An order of a rollout is in flight there. */
    busy: boolean;
    liveSessions: number;
  };
}

export type RestartChange = { id: string; serverId: string } & (
  | { to: 'told'; at: number }
  | { to: 'restarting' }
  | { to: 'done' }
  | { to: 'failed' | 'skipped'; reason: RestartReason }
);

/** A server that is not back after this long holds up nobody else: the school stops, and says so. */
export const backWithinMs = 15 * 60_000;
/** How long a restart waits for a rollout to be done with its server. */
export const busyForMs = 60 * 60_000;

const rank = { restarting: 2, told: 1, waiting: 0 } as const;

/** `line`: the open restarts of one school, in their order. */
export function advance(line: readonly RestartFacts[], now: number): RestartChange[] {
  const changes: RestartChange[] = [];
  // The one that has begun, or whose people have been told, comes first: being told may have put it
  // off until after the others are due.
  const ordered = line.toSorted((a, b) => rank[b.state] - rank[a.state]);
  for (const [index, restart] of ordered.entries()) {
    const next = restart.state === 'restarting' ? ending(restart, now) : beginning(restart, now);
    if (next === null) return changes;
    changes.push(next);
    if (next.to === 'told' || next.to === 'restarting') return changes;
    if (next.to === 'failed')
      return [
        ...changes,
        ...ordered
          .slice(index + 1)
          .map(({ id, serverId }) => ({ id, serverId, to: 'skipped', reason: 'stopped' }) as const),
      ];
  }
  return changes;
}

/** Null: nothing yet. */
function ending(restart: RestartFacts, now: number): RestartChange | null {
  const { id, serverId, server } = restart;
  if (server.gone) return { id, serverId, to: 'skipped', reason: 'gone' };
  const isBack = isOtherBoot(restart) && server.online;
  if (isBack && server.well) return { id, serverId, to: 'done' };
  if (now < (restart.begunAt ?? now) + backWithinMs) return null;
  return { id, serverId, to: 'failed', reason: isBack ? 'unwell' : 'not_back' };
}

function beginning(restart: RestartFacts, now: number): RestartChange | null {
  const { id, serverId, server, at } = restart;
  const skip = (reason: RestartReason) => ({ id, serverId, to: 'skipped', reason }) as const;
  if (server.gone) return skip('gone');
  // Somebody has restarted it meanwhile.
  if (isOtherBoot(restart)) return { id, serverId, to: 'done' };
  const isDue = now >= at;
  if (!server.online) return isDue ? skip('offline') : null;
  if (server.busy && now >= at + busyForMs) return skip('busy');
  if (restart.state === 'told')
    return isDue && !server.busy ? { id, serverId, to: 'restarting' } : null;
  if (now < at - restartToldMs || server.busy) return null;
  const soonest = server.liveSessions > 0 ? now + restartToldMs : now;
  return { id, serverId, to: 'told', at: Math.max(at, soonest) };
}

const isOtherBoot = ({ bootId, server }: RestartFacts): boolean =>
  server.bootId !== null && server.bootId !== bootId;
