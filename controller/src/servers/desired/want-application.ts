import { AppError } from '@preau/contract/errors.ts';
import { selectApplications } from '#src/applications/store.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { holdStamp } from '#src/platform/stamps/store.ts';
import { together } from '#src/platform/together.ts';
import { nextGeneration, selectServerRow } from '../store.ts';
import { publishDesiredState } from './desired-state.ts';
import { saveWanted } from './store.ts';

/** Requests that a server install or remove an application. Repeating is safe, and retries a failed
 * attempt. Refuses with NOT_FOUND. */
export async function wantApplication(
  deps: Pick<Platform, 'config' | 'database' | 'clock' | 'secrets' | 'wakeups'>,
  actor: Actor,
  input: { serverId: string; applicationId: string; wanted: boolean },
): Promise<void> {
  const topic = await together(deps.database, async (rows) => {
    const server = await selectServerRow(rows, input.serverId);
    if (server === undefined) throw new AppError('NOT_FOUND', input);
    const generation = await nextGeneration(rows, server.id);
    await holdStamp(rows, 'catalogue');
    // A withdrawn application can still be removed.
    const [application] = await selectApplications(rows, {
      id: input.applicationId,
      among: input.wanted ? 'offered' : 'all',
    });
    if (application === undefined) throw new AppError('NOT_FOUND', input);
    await saveWanted(rows, { ...input, versionId: application.versionId, now: deps.clock.now() });
    await recordEffect(deps, rows, actor, {
      action: input.wanted ? 'application.wanted' : 'application.unwanted',
      subjectId: application.id,
      subjectName: application.name.fr,
      siteId: server.siteId,
      details: { server: server.name, version: application.version },
    });
    return publishDesiredState(deps, rows, server.id, generation);
  });
  deps.wakeups.wake([topic, 'servers', 'audit']);
}
