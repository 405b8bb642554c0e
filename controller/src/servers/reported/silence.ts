/** Detects servers that fell silent, and records each silence once. The next report ends it. */
import { offlineAfterMs } from '@preau/contract/server.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { markNewlySilent } from './store.ts';

/** Returns how many were newly detected. Running it twice, or in two processes at once, records
 * nothing twice. */
export async function noticeSilence(
  deps: Pick<Platform, 'database' | 'clock' | 'wakeups'>,
  actor: Actor,
): Promise<number> {
  const silent = await deps.database.transaction().execute(async (rows) => {
    const found = await markNewlySilent(rows, deps.clock.now() - offlineAfterMs);
    for (const server of found)
      await recordEffect(deps, rows, actor, {
        action: 'server.silent',
        subjectId: server.id,
        subjectName: server.name,
        siteId: server.siteId,
        details: { lastSeenAt: server.lastSeenAt },
      });
    return found.length;
  });
  if (silent > 0) deps.wakeups.wake(['servers', 'sites', 'audit']);
  return silent;
}
