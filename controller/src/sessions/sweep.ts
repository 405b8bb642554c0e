/** Ends and removes what is due. The rows decide what is due; the job only starts the check.
 * Running it twice is a no-op. */
import type { Topic } from '@preau/contract/topics.ts';
import { deleteExpiredSignIns } from '#src/accounts/sign-ins/store.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import { inTurn } from '#src/platform/in-turn.ts';
import type { Platform } from '#src/platform/platform.ts';
import { deleteUnusedPolicies } from '#src/rules/store.ts';
import { endAbandonedAdditions } from '#src/servers/additions/end.ts';
import { deleteOldEnrolmentCodes } from '#src/servers/enrolment/store.ts';
import { noticeSilence } from '#src/servers/reported/silence.ts';
import { sweepRestarts } from '#src/servers/restarts/sweep.ts';
import { closeSession } from './end.ts';
import { weighSessions } from './end-of-access.ts';
import { sweepTransfers } from './exchange/serve.ts';
import { closeAbandoned } from './recordings/recordings.ts';
import { type StoredSession, selectDueSessions } from './store.ts';
import { deleteOldTickets } from './tickets/store.ts';
import { leaveSession } from './tunnel.ts';

type Deps = Pick<Platform, 'config' | 'database' | 'clock' | 'secrets' | 'wakeups' | 'log'>;

export const sweepEveryMs = 10_000;
/** The gateway records its open tunnels every 10 s; one silent for this long belonged to a
 * process that died. */
const tunnelSilentMs = 35_000;

export async function sweep(deps: Deps): Promise<void> {
  const actor: Actor = { kind: 'job', id: 'sweep', name: 'sweep' };
  const now = deps.clock.now();
  await inTurn([
    // First, so that nothing below delays it.
    () => noticeSilence(deps, actor),
    () => endAbandonedAdditions(deps, actor),
    () => endDueSessions(deps, actor),
    () => weighSessions(deps, actor),
    // After the sessions of a server that restarts now have ended.
    () => sweepRestarts(deps, actor),
    () => sweepTransfers(deps, actor),
    () => closeAbandoned(deps),
    () => deleteExpiredSignIns(deps.database, now),
    () => deleteOldTickets(deps.database, now - 3_600_000),
    () => deleteOldEnrolmentCodes(deps.database, now - 86_400_000),
    () => deleteUnusedPolicies(deps.database, now - 3_600_000),
  ]);
}

async function endDueSessions(deps: Deps, actor: Actor): Promise<void> {
  const now = deps.clock.now();
  const due = await selectDueSessions(deps.database, now, now - tunnelSilentMs);
  await inTurn(
    due.map(({ id }) => async () => {
      const topics = await deps.database.transaction().execute(async (rows) => {
        // Somebody may have come back while the sweep was at the others.
        const [session] = await selectDueSessions(rows, now, now - tunnelSilentMs, id);
        return session === undefined ? [] : endDue(deps, rows, actor, session);
      });
      deps.wakeups.wake(topics);
    }),
  );
}

/** Returns the topics to wake. */
function endDue(deps: Deps, rows: Rows, actor: Actor, session: StoredSession): Promise<Topic[]> {
  if (session.state === 'starting')
    return closeSession(deps, rows, actor, session, {
      state: 'failed',
      code: 'LAUNCH_TIMEOUT',
      message: 'the server did not answer in time',
    });
  if (session.state === 'active')
    return leaveSession(deps, rows, actor, session, { details: { why: 'no tunnel' } });
  return closeSession(deps, rows, actor, session, {
    state: 'ended',
    reason: session.state === 'ready' ? 'never_connected' : 'left',
  });
}
