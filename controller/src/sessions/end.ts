/** Ending a session: by its person, by a technician, by time, or because the agent said so. */
import { isTechnician } from '@preau/contract/account.ts';
import { AppError, type ErrorCode } from '@preau/contract/errors.ts';
import { type EndReason, liveStates, type Session, sessionCan } from '@preau/contract/session.ts';
import type { Topic } from '@preau/contract/topics.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { AccountActor, Actor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { publishDesiredState } from '#src/servers/desired/desired-state.ts';
import { nextGeneration } from '#src/servers/store.ts';
import {
  moveSession,
  publicView,
  type StoredSession,
  selectLiveSessionsOf,
  selectSession,
} from './store.ts';

type Deps = Pick<Platform, 'config' | 'database' | 'clock' | 'secrets' | 'wakeups'>;

export type Outcome =
  | { state: 'ended'; reason: EndReason }
  | { state: 'failed'; code: ErrorCode; message: string };

/** In the caller's transaction: closes the session once and writes the server's new desired state.
 *  Returns the topics to wake. */
export async function closeSession(
  deps: Deps,
  rows: Rows,
  actor: Actor,
  session: StoredSession,
  outcome: Outcome,
): Promise<Topic[]> {
  const now = deps.clock.now();
  // The server's row is locked before the session's, everywhere in the same order. Every generation
  // taken must also be published.
  const generation = await nextGeneration(rows, session.serverId);
  const moved = await moveSession(rows, session.id, liveStates, {
    state: outcome.state,
    ended_at: now,
    attachment: null,
    offered: '[]',
    grace_until: null,
    deadline_at: null,
    ...(outcome.state === 'ended'
      ? { end_reason: outcome.reason }
      : { failure_code: outcome.code }),
  });
  const topic = await publishDesiredState(deps, rows, session.serverId, generation);
  if (!moved) return [topic];
  await recordEffect(deps, rows, actor, {
    action: `session.${outcome.state}`,
    subjectId: session.id,
    subjectName: session.applicationName.fr,
    siteId: session.siteId,
    details:
      outcome.state === 'ended'
        ? { reason: outcome.reason }
        : { code: outcome.code, message: outcome.message },
  });
  return [
    topic,
    `session:${session.id}`,
    `person:${session.accountId}`,
    'sessions',
    'servers',
    'audit',
  ];
}

/** The person ends their own session; a technician ends any. Refuses with NOT_FOUND and
 * STATE_FORBIDS. */
export async function endSession(
  deps: Deps,
  actor: AccountActor,
  sessionId: string,
): Promise<Session> {
  const { session, topics } = await deps.database.transaction().execute(async (rows) => {
    const stored = await selectSession(rows, sessionId);
    if (stored === undefined || (stored.accountId !== actor.id && !isTechnician(actor)))
      throw new AppError('NOT_FOUND', { session: sessionId });
    if (!sessionCan.end(stored)) throw new AppError('STATE_FORBIDS', { state: stored.state });
    const topics = await closeSession(deps, rows, actor, stored, {
      state: 'ended',
      reason: stored.accountId === actor.id ? 'person_closed' : 'technician_ended',
    });
    const ended = await selectSession(rows, sessionId);
    return { session: publicView(ended ?? stored), topics };
  });
  deps.wakeups.wake(topics);
  return session;
}

export async function endSessionsOfServer(
  deps: Deps,
  actor: Actor,
  serverId: string,
): Promise<void> {
  const topics = await deps.database.transaction().execute(async (rows) => {
    const woken: Topic[] = [];
    for (const session of await selectLiveSessionsOf(rows, { serverId }))
      woken.push(
        ...(await closeSession(deps, rows, actor, session, {
          state: 'ended',
          reason: 'server_retired',
        })),
      );
    return woken;
  });
  deps.wakeups.wake(topics);
}
