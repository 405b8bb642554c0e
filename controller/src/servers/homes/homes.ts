/** The homes of erased people: asks every server of the city to erase them, and says which have yet
 * to do so. */
import type { HomesWaiting } from '@preau/contract/privacy.ts';
import type { Topic } from '@preau/contract/topics.ts';
import { reachOf } from '#src/accounts/reach.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import { budget } from '#src/platform/budget.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { publishDesiredState, publishDesiredStates } from '../desired/desired-state.ts';
import { nextGenerations } from '../store.ts';
import { saveHomesErased, selectHomesWaiting, selectServersInService } from './store.ts';

type Deps = Pick<Platform, 'config' | 'clock' | 'secrets'>;

/** Publishes the states of all servers, some at a time: a server that is offline finds its state
 * when it comes back. Safe to repeat. */
export async function publishErasedHomes(
  deps: Deps & Pick<Platform, 'database' | 'wakeups'>,
): Promise<void> {
  const serverIds = await selectServersInService(deps.database);
  const most = budget.work.serversAtATime;
  for (let at = 0; at < serverIds.length; at += most)
    deps.wakeups.wake(
      await deps.database
        .transaction()
        .execute(async (rows) =>
          publishDesiredStates(
            deps,
            rows,
            await nextGenerations(rows, serverIds.slice(at, at + most)),
          ),
        ),
    );
}

/** Takes what a server reports to have erased (`upTo`). `isNew`: its agent could not be asked
 * before. Returns the topics to wake. */
export async function recordHomesErased(
  deps: Deps,
  rows: Rows,
  serverId: string,
  { upTo, isNew }: { upTo: number | undefined; isNew: boolean },
): Promise<Topic[]> {
  if (upTo === undefined && !isNew) return [];
  const { changed, more } = await saveHomesErased(rows, serverId, upTo ?? 0);
  const topics: Topic[] = changed ? ['people'] : [];
  return more && (changed || isNew)
    ? [...topics, await publishDesiredState(deps, rows, serverId)]
    : topics;
}

export async function listHomesWaiting(
  deps: Pick<Platform, 'database'>,
  actor: AccountActor,
): Promise<HomesWaiting[]> {
  const reach = reachOf(actor);
  const waiting = await selectHomesWaiting(deps.database);
  return reach === null ? waiting : waiting.filter(({ siteId }) => reach.includes(siteId));
}
