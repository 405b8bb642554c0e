/** Notices a server whose own clock is wrong: from its reports, and from calls that are refused for
 * their time alone. */
import { offlineAfterMs } from '@preau/contract/server.ts';
import type { Topic } from '@preau/contract/topics.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { AgentActor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { saveClockSkew, selectClockSkew } from './store.ts';

/** Less is nobody's concern. */
const wrongFromMs = 60_000;

/** What is kept: null while the clock is right, else the difference. */
const kept = (skewMs: number): number | null => (Math.abs(skewMs) < wrongFromMs ? null : skewMs);

/** An event is recorded when a clock goes wrong or is right again, not each time it is seen. */
export async function noteClock(
  deps: Pick<Platform, 'clock'>,
  rows: Rows,
  actor: AgentActor,
  known: { clockSkewMs: number | null },
  skewMs: number,
): Promise<Topic[]> {
  const now = kept(skewMs);
  const before = known.clockSkewMs;
  const isSame =
    now === null || before === null ? now === before : Math.abs(now - before) < wrongFromMs;
  if (isSame) return [];
  await saveClockSkew(rows, actor.id, now);
  if ((now === null) === (before === null)) return ['servers'];
  await recordEffect(deps, rows, actor, {
    action: now === null ? 'server.clock_right' : 'server.clock_wrong',
    subjectId: actor.id,
    subjectName: actor.name,
    siteId: actor.siteId,
    details: now === null ? {} : { skewMs: now },
  });
  return ['servers', 'sites', 'audit'];
}

/** A call whose signature is right and whose time is wrong. Ignored while the server is heard: an
 * old call that is sent again by somebody else says nothing about its clock. */
export async function noteClockOfRefused(
  deps: Pick<Platform, 'database' | 'clock' | 'wakeups'>,
  actor: AgentActor,
  skewMs: number,
): Promise<void> {
  const topics = await deps.database.transaction().execute(async (rows) => {
    const known = await selectClockSkew(rows, actor.id);
    const isHeard =
      known === undefined ||
      (known.lastSeenAt !== null && deps.clock.now() - known.lastSeenAt < offlineAfterMs);
    return isHeard ? [] : noteClock(deps, rows, actor, known, skewMs);
  });
  if (topics.length > 0) deps.wakeups.wake(topics);
}
