/** Carries out restarts, school by school. The rows say what is due, so running it twice, or in two
 * processes at once, restarts nothing twice. */
import type { AuditAction } from '@preau/contract/audit.ts';
import type { Topic } from '@preau/contract/topics.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import { inTurn } from '#src/platform/in-turn.ts';
import type { Platform } from '#src/platform/platform.ts';
import { publishDesiredStates } from '../desired/desired-state.ts';
import { nextGenerations } from '../store.ts';
import { advance, type RestartChange } from './advance.ts';
import { changeRestart, deleteOldRestarts, selectLine, selectRestartingSites } from './store.ts';

type Deps = Pick<Platform, 'config' | 'database' | 'clock' | 'secrets' | 'wakeups'>;

/** How long an ended restart is kept, in ms. */
const keptMs = 30 * 86_400_000;

const actionOf: Readonly<Record<RestartChange['to'], AuditAction | null>> = {
  told: null,
  restarting: 'server.restarting',
  done: 'server.restarted',
  failed: 'server.restart_failed',
  skipped: 'server.restart_failed',
};

export async function sweepRestarts(deps: Deps, actor: Actor): Promise<void> {
  const sites = await selectRestartingSites(deps.database);
  await inTurn([
    ...sites.map((siteId) => async () => {
      const topics = await deps.database
        .transaction()
        .execute((rows) => advanceSite(deps, rows, actor, siteId));
      if (topics.length > 0) deps.wakeups.wake([...topics, 'servers', 'sites', 'audit']);
    }),
    () => deleteOldRestarts(deps.database, deps.clock.now() - keptMs),
  ]);
}

/** Returns the topics to wake; none when nothing has changed. */
async function advanceSite(deps: Deps, rows: Rows, actor: Actor, siteId: string): Promise<Topic[]> {
  const now = deps.clock.now();
  const line = await selectLine(rows, siteId, now);
  const changed = new Set<string>();
  for (const change of advance(line, now)) {
    const before = line.find(({ id }) => id === change.id);
    if (before === undefined) continue;
    const { to: state, id, serverId, ...more } = change;
    if (!(await changeRestart(rows, id, before.state, { state, now, ...more }))) continue;
    changed.add(serverId);
    const action = actionOf[state];
    if (action !== null)
      await recordEffect(deps, rows, actor, {
        action,
        subjectId: serverId,
        subjectName: before.serverName,
        siteId,
        details: 'reason' in more ? { reason: more.reason } : {},
      });
  }
  return publishDesiredStates(deps, rows, await nextGenerations(rows, [...changed].sort()));
}
