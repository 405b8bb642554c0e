/** An agent says what is: servers and sessions are brought to it. Running it twice is a no-op. */
import type { Reply } from '@preau/contract/api.ts';
import { AppError } from '@preau/contract/errors.ts';
import { PROTOCOL } from '@preau/contract/protocol.ts';
import type { Report, ReportedSession } from '@preau/contract/report.ts';
import { isLive } from '@preau/contract/session.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { AgentActor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { recordServerReport } from '#src/servers/record-report.ts';
import { selectServerRow } from '#src/servers/store.ts';
import { closeSession } from './end.ts';
import { markOpened, moveSession, saveAttachment, type StoredSession, selectLiveSessionsOf } from './store.ts';

type Deps = Pick<Platform, 'config' | 'database' | 'clock' | 'secrets' | 'wakeups'>;

export async function acceptReport(deps: Deps, actor: AgentActor, report: Report): Promise<Reply<'sendReport'>> {
  if (report.protocol !== PROTOCOL) throw new AppError('PROTOCOL_UNSUPPORTED', { protocol: report.protocol, supported: PROTOCOL });
  const { topics, reply } = await deps.database.transaction().execute(async (rows) => {
    const server = await selectServerRow(rows, actor.id);
    if (server === undefined) throw new AppError('AGENT_REFUSED');
    // Late or repeated: answer with the present truth, change nothing.
    if (server.epoch === report.epoch && report.seq <= server.seq) return { topics: new Set<string>(), reply: { generation: server.generation, icons: [] } };
    const { topics, iconsWanted } = await recordServerReport(deps, rows, actor, server, report);
    const live = new Map((await selectLiveSessionsOf(rows, { serverId: server.id })).map((session) => [session.id, session]));
    for (const seen of report.sessions) {
      const session = live.get(seen.sessionId);
      if (session === undefined || !isLive(session.state)) continue;
      for (const topic of await settle(deps, rows, actor, session, seen)) topics.add(topic);
    }
    return { topics, reply: { generation: server.generation, icons: iconsWanted } };
  });
  deps.wakeups.wake([...topics]);
  return reply;
}

async function settle(deps: Deps, rows: Rows, actor: AgentActor, session: StoredSession, seen: ReportedSession): Promise<string[]> {
  if (seen.state === 'ended') return closeSession(deps, rows, actor, session, { state: 'ended', reason: seen.reason });
  if (seen.state === 'failed') return closeSession(deps, rows, actor, session, { state: 'failed', code: seen.code, message: seen.message });
  const now = deps.clock.now();
  const topics = new Set<string>();
  const changed = () => topics.add(`session:${session.id}`).add(`person:${session.accountId}`).add('sessions');
  if (seen.attachment !== null && seen.attachment.serial > session.attachmentSerial && seen.attachment.serial <= session.attachSerial) {
    if (await saveAttachment(rows, session.id, seen.attachment.serial, deps.secrets.seal(JSON.stringify(seen.attachment)))) changed();
  }
  if (session.state === 'starting') {
    // From here the clock of the grace period runs until a browser attaches.
    if (await moveSession(rows, session.id, ['starting'], { state: 'ready', ready_at: now, deadline_at: null, grace_until: now + deps.config.PREAU_GRACE_SECONDS * 1000 })) changed();
  }
  if (seen.openedAt !== null && session.openedAt === null && (await markOpened(rows, session.id, now))) {
    changed();
    topics.add('audit');
    await recordEffect(deps, rows, actor, { action: 'session.opened', subjectId: session.id, subjectName: session.applicationName.fr, siteId: session.siteId, details: { afterMs: now - session.startedAt } });
  }
  return [...topics];
}
