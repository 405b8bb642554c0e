/** The settings of servers that a technician changes: name, roles, labels, places, draining. */
import { AppError } from '@preau/contract/errors.ts';
import type { DrainServers, LabelServers, Server, ServerChanges } from '@preau/contract/server.ts';
import { mustReach } from '#src/accounts/reach.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { displayAt } from './displays.ts';
import { selectServer } from './fleet/store.ts';
import {
  saveDisplay,
  saveDraining,
  saveServerChanges,
  selectServerRow,
  selectServerRows,
} from './store.ts';

type Deps = Pick<Platform, 'database' | 'clock' | 'wakeups'>;

const maxLabels = 20;

/** Refuses with NOT_FOUND, OUT_OF_SCOPE, and DISPLAY_REFUSED for an address where no display can be.
 * Repeating it is safe. */
export async function changeServer(
  deps: Deps,
  actor: AccountActor,
  id: string,
  changes: ServerChanges,
): Promise<Server> {
  const changed = await deps.database.transaction().execute(async (rows) => {
    const server = await selectServerRow(rows, id);
    if (server === undefined) throw new AppError('NOT_FOUND', { server: id });
    mustReach(actor, server.siteId);
    await saveServerChanges(rows, id, changes);
    if (changes.display !== undefined) {
      const at = displayAt(changes.display, server.display?.host ?? null);
      if (at === null) throw new AppError('DISPLAY_REFUSED', changes.display);
      await saveDisplay(rows, id, { ...at, refused: null });
    }
    await recordEffect(deps, rows, actor, {
      action: 'server.changed',
      subjectId: id,
      subjectName: changes.name ?? server.name,
      siteId: server.siteId,
      details: { ...changes },
    });
    return selectServer(rows, id, deps.clock.now());
  });
  if (changed === undefined) throw new AppError('NOT_FOUND', { server: id });
  deps.wakeups.wake(['servers', 'sites', 'audit']);
  return changed;
}

/** Reads all of these servers, or refuses with NOT_FOUND or OUT_OF_SCOPE before anything is
 * changed. */
export async function mustFindServers(
  rows: Rows,
  actor: AccountActor,
  serverIds: readonly string[],
) {
  const servers = await selectServerRows(rows, { ids: serverIds });
  const found = new Set(servers.map(({ id }) => id));
  const unknown = serverIds.find((id) => !found.has(id));
  if (unknown !== undefined) throw new AppError('NOT_FOUND', { server: unknown });
  mustReach(actor, ...servers.map(({ siteId }) => siteId));
  return servers;
}

/** A draining server takes no new sessions and no rollouts; running sessions go on until people
 * close them. */
export async function drainServers(
  deps: Deps,
  actor: AccountActor,
  input: DrainServers,
): Promise<void> {
  await deps.database.transaction().execute(async (rows) => {
    for (const server of await mustFindServers(rows, actor, input.serverIds)) {
      if ((server.drainingSince !== null) === input.draining) continue;
      await saveDraining(rows, server.id, input.draining ? deps.clock.now() : null);
      await recordEffect(deps, rows, actor, {
        action: input.draining ? 'server.drained' : 'server.undrained',
        subjectId: server.id,
        subjectName: server.name,
        siteId: server.siteId,
      });
    }
  });
  deps.wakeups.wake(['servers', 'sites', 'audit']);
}

/** Refuses with NOT_FOUND, OUT_OF_SCOPE, and with VALIDATION_FAILED when a server would have more
 * than `maxLabels`. */
export async function labelServers(
  deps: Deps,
  actor: AccountActor,
  input: LabelServers,
): Promise<void> {
  await deps.database.transaction().execute(async (rows) => {
    for (const server of await mustFindServers(rows, actor, input.serverIds)) {
      const labels = [...new Set([...server.labels, ...input.add])]
        .filter((label) => !input.remove.includes(label))
        .sort();
      if (labels.length > maxLabels)
        throw new AppError('VALIDATION_FAILED', {
          issues: [
            {
              field: 'body/add',
              problem: `${server.name} would have more than ${maxLabels} labels`,
            },
          ],
        });
      if (labels.join(' ') === server.labels.join(' ')) continue;
      await saveServerChanges(rows, server.id, { labels });
      await recordEffect(deps, rows, actor, {
        action: 'server.changed',
        subjectId: server.id,
        subjectName: server.name,
        siteId: server.siteId,
        details: { labels },
      });
    }
  });
  deps.wakeups.wake(['servers', 'audit']);
}
