/** What is done when a server reports a state that this database never wrote: the database was
 * restored from a backup, and the server has gone on. */
import type { Report } from '@preau/contract/report.ts';
import type { Topic } from '@preau/contract/topics.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { AgentActor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { publishDesiredState } from '#src/servers/desired/desired-state.ts';
import { markPolicyAsked } from '#src/servers/desired/store.ts';
import { nextGeneration, type ServerRow } from '#src/servers/store.ts';
import { closeSession } from './end.ts';
import { selectLiveSessionsOf } from './store.ts';

type Deps = Pick<Platform, 'config' | 'database' | 'clock' | 'secrets' | 'wakeups'>;

/** Changes nothing for a server whose reports fit. In the transaction of the report, after the
 * server's generation was raised. Sessions that had
 * opened when the backup was made and run no more have ended; sessions that the database does not
 * know are ended by the agent, because the new state does not name them. Publishes that state, and
 * returns its generation. */
export async function catchUp(
  deps: Deps,
  rows: Rows,
  actor: AgentActor,
  server: Pick<ServerRow, 'id' | 'name' | 'siteId' | 'generation'>,
  report: Report,
): Promise<{ topics: Topic[]; generation: number | null }> {
  if (report.generation <= server.generation) return { topics: [], generation: null };
  const topics = new Set<Topic>(['audit']);
  const running = new Set(report.sessions.map(({ sessionId }) => sessionId));
  // One that is starting was asked for since the database was restored, or times out by itself.
  for (const session of await selectLiveSessionsOf(rows, { serverId: server.id }))
    if (session.state !== 'starting' && !running.has(session.id))
      for (const topic of await closeSession(deps, rows, actor, session, {
        state: 'ended',
        reason: 'lost',
      }))
        topics.add(topic);
  const generation = await nextGeneration(rows, server.id);
  // What the server says it applied says nothing about the rules of this database.
  await markPolicyAsked(rows, new Map([[server.id, generation]]), deps.clock.now());
  topics.add(await publishDesiredState(deps, rows, server.id, generation));
  await recordEffect(deps, rows, actor, {
    action: 'server.caught_up',
    subjectId: server.id,
    subjectName: server.name,
    siteId: server.siteId,
    details: { known: server.generation, applied: report.generation, generation },
  });
  return { topics: [...topics], generation };
}
