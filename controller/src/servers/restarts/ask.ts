/** Asking for restarts of servers, and taking it back. */
import { nextOccurrence } from '@preau/contract/calendar.ts';
import { AppError } from '@preau/contract/errors.ts';
import { frenchCalendar } from '@preau/contract/french-calendar.ts';
import type { CancelRestarts, RestartServers } from '@preau/contract/restart.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { selectSites } from '#src/sites/store.ts';
import { mustFindServers } from '../change-server.ts';
import { cancelRestart, insertRestart, selectRestarting } from './store.ts';

type Deps = Pick<Platform, 'database' | 'clock' | 'wakeups'>;

const everyNight = { days: [1, 2, 3, 4, 5, 6, 7], at: '02:00', period: 'always' as const };

/** The next 02:00 of a school, epoch ms. Pure. */
export function tonight(
  site: { timeZone: string; holidayZone: 'A' | 'B' | 'C' },
  now: number,
): number {
  const place = { ...site, closures: [] };
  return nextOccurrence(frenchCalendar, place, everyNight, now).at ?? now;
}

/** A server that has begun to restart is left as it is; one that waits gets the new time. Refuses with
 * NOT_FOUND, OUT_OF_SCOPE, RESTART_UNKNOWN (with the names of servers whose agent cannot). */
export async function restartServers(
  deps: Deps,
  actor: AccountActor,
  { serverIds, when }: RestartServers,
): Promise<void> {
  const now = deps.clock.now();
  await deps.database.transaction().execute(async (rows) => {
    const servers = await mustFindServers(rows, actor, serverIds);
    const unable = servers.filter(({ bootId }) => bootId === null);
    if (unable.length > 0)
      throw new AppError('RESTART_UNKNOWN', { servers: unable.map(({ name }) => name) });
    const sites = new Map((await selectSites(rows)).map((site) => [site.id, site]));
    const begun = await selectRestarting(rows, serverIds);
    for (const { id, siteId, name, bootId } of servers) {
      const site = sites.get(siteId);
      if (bootId === null || site === undefined || begun.has(id)) continue;
      await cancelRestart(rows, id, now);
      const at = when === 'now' ? now : tonight(site, now);
      await insertRestart(rows, {
        serverId: id,
        siteId,
        bootId,
        at,
        createdByName: actor.name,
        now,
      });
      await recordEffect(deps, rows, actor, {
        action: 'server.restart_asked',
        subjectId: id,
        subjectName: name,
        siteId,
        details: { at },
      });
    }
  });
  deps.wakeups.wake(['servers', 'sites', 'audit']);
}

/** Restarts that have begun go on. Refuses with NOT_FOUND and OUT_OF_SCOPE. */
export async function cancelRestarts(
  deps: Deps,
  actor: AccountActor,
  { serverIds }: CancelRestarts,
): Promise<void> {
  await deps.database.transaction().execute(async (rows) => {
    for (const { id, siteId, name } of await mustFindServers(rows, actor, serverIds)) {
      if (!(await cancelRestart(rows, id, deps.clock.now()))) continue;
      await recordEffect(deps, rows, actor, {
        action: 'server.restart_cancelled',
        subjectId: id,
        subjectName: name,
        siteId,
      });
    }
  });
  deps.wakeups.wake(['servers', 'sites', 'audit']);
}
