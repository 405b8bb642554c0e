/** Ends running sessions by the rules: access that ends, time that is up, a session left idle.
 * The person sees `endsAt` beforehand; then the session ends. Checked whenever rules change, and at
 * every sweep. Running it twice is a no-op. */
import type { Role } from '@preau/contract/account.ts';
import { changesAt, decide } from '@preau/contract/policy.ts';
import type { Terms } from '@preau/contract/rule.ts';
import type { EndReason } from '@preau/contract/session.ts';
import { selectPerson } from '#src/accounts/store.ts';
import type { Actor } from '#src/platform/actor.ts';
import { inTurn } from '#src/platform/in-turn.ts';
import type { Platform } from '#src/platform/platform.ts';
import { policyBook } from '#src/rules/policy-book.ts';
import { selectTold } from '#src/servers/restarts/store.ts';
import { closeSession } from './end.ts';
import { type SessionToCheck, saveEnd, selectSessionsToCheck } from './store.ts';

type Deps = Pick<Platform, 'config' | 'database' | 'clock' | 'secrets' | 'wakeups'>;

/** `endsAt` is set this long before the end. The page warns five minutes and one minute before
 * it. */
const announceMs = 15 * 60_000;
const minuteMs = 60_000;

interface End {
  at: number;
  because: EndReason;
}

/** The earliest known end of a session; null when there is none. Pure. `accessEnds`: when the
 * rules end the access; `restartsAt`: when its server restarts; epoch ms. */
function endOf(
  session: { startedAt: number; touchedAt: number | null; isAttached: boolean },
  terms: Terms,
  { accessEnds, restartsAt }: { accessEnds: number | null; restartsAt: number | null },
): End | null {
  const ends: End[] = [];
  if (restartsAt !== null) ends.push({ at: restartsAt, because: 'server_restarts' });
  if (accessEnds !== null) ends.push({ at: accessEnds, because: 'access_ended' });
  if (terms.maxMinutes !== null)
    ends.push({ at: session.startedAt + terms.maxMinutes * minuteMs, because: 'time_over' });
  // While no browser is attached, the grace period applies instead.
  if (terms.idleMinutes !== null && session.isAttached && session.touchedAt !== null)
    ends.push({ at: session.touchedAt + terms.idleMinutes * minuteMs, because: 'idle' });
  return ends.reduce<End | null>(
    (first, end) => (first === null || end.at < first.at ? end : first),
    null,
  );
}

export async function weighSessions(deps: Deps, actor: Actor): Promise<void> {
  const { policy, sites } = await policyBook(deps.database);
  const now = deps.clock.now();
  const told = await selectTold(deps.database);
  const weigh = async (session: SessionToCheck) => {
    const person = await selectPerson(deps.database, {
      id: session.accountId,
      role: session.role as Role,
      siteId: session.personSiteId,
    });
    const question = {
      person,
      application: {
        id: session.applicationId,
        category: session.category,
        labels: session.labels,
      },
      site: session.personSiteId === null ? null : (sites.get(session.personSiteId) ?? null),
      address: session.address,
      now,
    };
    const decision = decide(policy, question);
    const end = decision.allowed
      ? endOf(
          {
            startedAt: session.startedAt,
            touchedAt: session.touchedAt,
            isAttached: session.state === 'active',
          },
          decision.terms,
          {
            accessEnds: changesAt(policy, question, now + announceMs),
            restartsAt: told.get(session.serverId) ?? null,
          },
        )
      : { at: now, because: 'access_ended' as const };
    const inSight = end !== null && end.at <= now + announceMs ? end : null;
    if (inSight !== null && inSight.at <= now) {
      deps.wakeups.wake(
        await deps.database
          .transaction()
          .execute((rows) =>
            closeSession(deps, rows, actor, session, { state: 'ended', reason: inSight.because }),
          ),
      );
    } else if ((inSight?.at ?? null) !== session.endsAt) {
      await saveEnd(deps.database, session.id, inSight);
      deps.wakeups.wake([`session:${session.id}`, `person:${session.accountId}`]);
    }
  };
  const sessions = await selectSessionsToCheck(deps.database);
  await inTurn(sessions.map((session) => () => weigh(session)));
}
