/** Two machines use one identity, so neither can be trusted. Once this commits, the key is
 * refused, connections are cut, and the server's sessions are over. To recover, retire the server
 * and enrol each machine anew. */
import type { Topic } from '@preau/contract/topics.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { publishForNeighbours } from '#src/servers/desired/desired-state.ts';
import { markQuarantined, selectServerRow } from '#src/servers/store.ts';
import { closeSession } from './end.ts';
import { selectLiveSessionsOf } from './store.ts';

type Deps = Pick<Platform, 'config' | 'database' | 'clock' | 'secrets' | 'wakeups'>;

/** In the caller's transaction; once. Returns the topics to wake. */
export async function quarantineServer(
  deps: Deps,
  rows: Rows,
  actor: Actor,
  serverId: string,
  details: Record<string, unknown>,
): Promise<Topic[]> {
  const server = await selectServerRow(rows, serverId);
  if (server === undefined || !(await markQuarantined(rows, serverId, deps.clock.now()))) return [];
  await recordEffect(deps, rows, actor, {
    action: 'server.quarantined',
    subjectId: server.id,
    subjectName: server.name,
    siteId: server.siteId,
    details,
  });
  const topics = new Set<Topic>(['servers', 'sites', 'audit', `retired:${serverId}`]);
  for (const session of await selectLiveSessionsOf(rows, { serverId }))
    for (const topic of await closeSession(deps, rows, actor, session, {
      state: 'ended',
      reason: 'server_quarantined',
    }))
      topics.add(topic);
  for (const topic of await publishForNeighbours(deps, rows, server.siteId)) topics.add(topic);
  return [...topics];
}
