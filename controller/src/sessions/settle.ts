/** Applies what an agent reports of its sessions. Running it twice is a no-op. */
import type { ReportedSession } from '@preau/contract/report.ts';
import { isLive } from '@preau/contract/session.ts';
import type { Topic } from '@preau/contract/topics.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { AgentActor } from '#src/platform/actor.ts';
import { budget } from '#src/platform/budget.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import type { Displays } from '#src/servers/reported/displays.ts';
import { closeSession } from './end.ts';
import {
  markOpened,
  moveSession,
  type StoredSession,
  saveOffered,
  selectLiveSessionsOf,
} from './store.ts';
import { saveCredentials } from './tickets/store.ts';

type Deps = Pick<Platform, 'config' | 'database' | 'clock' | 'secrets' | 'wakeups'>;

/** In the caller's transaction. Returns the topics to wake. A session whose display is refused fails
 * with DISPLAY_REFUSED. */
export async function settleSessions(
  deps: Deps,
  rows: Rows,
  actor: AgentActor,
  reported: readonly ReportedSession[],
  displays: Pick<Displays, 'admit'>,
): Promise<Topic[]> {
  if (reported.length === 0) return [];
  const topics: Topic[] = [];
  const live = new Map(
    (await selectLiveSessionsOf(rows, { serverId: actor.id })).map((session) => [
      session.id,
      session,
    ]),
  );
  for (const seen of reported) {
    const session = live.get(seen.sessionId);
    if (session !== undefined && isLive(session.state))
      topics.push(...(await settle({ deps, rows, actor, displays }, session, seen)));
  }
  return topics;
}

interface Settling {
  deps: Deps;
  rows: Rows;
  actor: AgentActor;
  displays: Pick<Displays, 'admit'>;
}

async function settle(
  { deps, rows, actor, displays }: Settling,
  session: StoredSession,
  seen: ReportedSession,
): Promise<Topic[]> {
  if (seen.state === 'ended')
    return closeSession(deps, rows, actor, session, { state: 'ended', reason: seen.reason });
  if (seen.state === 'failed')
    return closeSession(deps, rows, actor, session, {
      state: 'failed',
      code: seen.code,
      message: seen.message,
    });
  const now = deps.clock.now();
  const topics = new Set<Topic>();
  const changed = () =>
    topics.add(`session:${session.id}`).add(`person:${session.accountId}`).add('sessions');
  if (
    seen.attachment !== null &&
    seen.attachment.serial > session.attachmentSerial &&
    seen.attachment.serial <= session.attachSerial
  ) {
    const credentials = displays.admit(seen.attachment);
    if (credentials === null)
      return closeSession(deps, rows, actor, session, {
        state: 'failed',
        code: 'DISPLAY_REFUSED',
        message: `display at ${seen.attachment.host} port ${seen.attachment.port}`,
      });
    const sealed = deps.secrets.seal(JSON.stringify(credentials));
    if (await saveCredentials(rows, session.id, credentials.serial, sealed)) changed();
  }
  if (session.state === 'starting') {
    // From here on the person's page attaches within seconds; a place that nobody takes up is given
    // back sooner than one that somebody has left.
    if (
      await moveSession(rows, session.id, ['starting'], {
        state: 'ready',
        ready_at: now,
        deadline_at: null,
        grace_until:
          now + Math.min(deps.config.PREAU_GRACE_SECONDS, budget.sessions.neverAttachedS) * 1000,
      })
    )
      changed();
  }
  if (await saveOffered(rows, session.id, JSON.stringify(seen.offered)))
    topics.add(`person:${session.accountId}`);
  if (
    seen.openedAt !== null &&
    session.openedAt === null &&
    (await markOpened(rows, session.id, now))
  ) {
    changed();
    topics.add('audit');
    await recordEffect(deps, rows, actor, {
      action: 'session.opened',
      subjectId: session.id,
      subjectName: session.applicationName.fr,
      siteId: session.siteId,
      details: { afterMs: now - session.startedAt },
    });
  }
  return [...topics];
}
