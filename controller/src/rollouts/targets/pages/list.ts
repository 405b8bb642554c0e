/** Targets as the console and the command line show them. */

import { AppError } from '@preau/contract/errors.ts';
import type { Target, TargetDetail } from '@preau/contract/rollout.ts';
import { type TargetState, targetStates } from '@preau/contract/rollout-states.ts';
import type { Actor } from '#src/platform/actor.ts';
import { cursorOf, readCursor } from '#src/platform/cursor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { mustFind } from '../../find.ts';
import { selectEvidence, selectLog, selectTargetPage } from './store.ts';

type Deps = Pick<Platform, 'database'>;

export interface TargetQuery {
  after?: string | undefined;
  limit: number;
  state?: string | undefined;
  wave?: string | undefined;
  search?: string | undefined;
}

export async function listTargets(
  deps: Deps,
  actor: Actor,
  id: string,
  query: TargetQuery,
): Promise<{ items: Target[]; next: string | null }> {
  await mustFind(deps.database, actor, id);
  const parts = readCursor(query.after, 'string', 'srv');
  const states =
    query.state === undefined
      ? null
      : targetStates.filter(
          (state): state is TargetState => query.state?.split(',').includes(state) === true,
        );
  const found = await selectTargetPage(deps.database, {
    rolloutId: id,
    after: parts === null ? null : { site: String(parts[0]), server: String(parts[1]) },
    limit: query.limit,
    states,
    wave: query.wave === undefined ? null : Number(query.wave),
    search: query.search ?? null,
  });
  const last = found.at(-1);
  return {
    items: found,
    next:
      found.length < query.limit || last === undefined
        ? null
        : cursorOf([last.siteName, last.serverId]),
  };
}

export async function readTarget(
  deps: Deps,
  actor: Actor,
  id: string,
  serverId: string,
): Promise<TargetDetail> {
  await mustFind(deps.database, actor, id);
  const [found] = await selectTargetPage(deps.database, {
    rolloutId: id,
    after: null,
    limit: 1,
    states: null,
    wave: null,
    search: null,
    serverId,
  });
  if (found === undefined) throw new AppError('NOT_FOUND', { server: serverId });
  return {
    ...found,
    log: await selectLog(deps.database, id, serverId),
    evidence: await selectEvidence(deps.database, id, serverId),
  };
}
