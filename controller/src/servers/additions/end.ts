/** Ends an addition exactly once, in whichever process does so first. */
import { AppError, type ErrorCode } from '@preau/contract/errors.ts';
import type { Addition } from '@preau/contract/fleet.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { endAddition, selectAbandoned, selectAddition } from './store.ts';

type Deps = Pick<Platform, 'database' | 'clock' | 'wakeups'>;

export interface Outcome {
  state: 'done' | 'failed' | 'cancelled';
  code: ErrorCode | null;
}

/** Refuses with NOT_FOUND. */
export async function mustRead(deps: Pick<Platform, 'database'>, id: string): Promise<Addition> {
  const addition = await selectAddition(deps.database, id);
  if (addition === undefined) throw new AppError('NOT_FOUND', { addition: id });
  return addition;
}

/** False when it had already ended. */
export async function end(
  deps: Deps,
  actor: Actor,
  addition: Pick<Addition, 'id' | 'serverName' | 'siteName' | 'siteId'>,
  outcome: Outcome & { log?: string },
): Promise<boolean> {
  const ended = await deps.database.transaction().execute(async (rows) => {
    if (
      !(await endAddition(rows, addition.id, {
        state: outcome.state,
        failureCode: outcome.code,
        now: deps.clock.now(),
        ...(outcome.log === undefined ? {} : { log: outcome.log }),
      }))
    )
      return false;
    await recordEffect(deps, rows, actor, {
      action: `server.addition_${outcome.state}`,
      subjectId: addition.id,
      subjectName: `${addition.serverName}, ${addition.siteName}`,
      siteId: addition.siteId,
      ...(outcome.code === null ? {} : { details: { code: outcome.code } }),
    });
    return true;
  });
  deps.wakeups.wake([`addition:${addition.id}`, 'audit', 'servers']);
  return ended;
}

/** For the sweep: ends the additions of controllers that died. */
export async function endAbandonedAdditions(deps: Deps, actor: Actor): Promise<void> {
  for (const id of await selectAbandoned(deps.database, deps.clock.now()))
    await end(deps, actor, await mustRead(deps, id), {
      state: 'failed',
      code: 'ADDITION_ABANDONED',
    });
}
