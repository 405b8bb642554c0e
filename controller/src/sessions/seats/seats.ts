/** Licence seats: for the whole city (the application's licence) and for one school (the rule's
 * terms). A person who finds none waits in a queue, first come, first served, as long as their page
 * keeps asking. */
import type { Application } from '@preau/contract/application.ts';
import { AppError } from '@preau/contract/errors.ts';
import { lockSeats } from '#src/applications/store.ts';
import type { Rows } from '#src/platform/database.ts';
import { countAhead, countLiveOf, deleteFromQueue, joinQueue } from './store.ts';

/** A page asks again every five seconds; after this long without a request, it loses its place. */
const queuePatienceMs = 20_000;

interface Ask {
  application: Pick<Application, 'id' | 'slug' | 'seats'>;
  /** Sessions of this application that the person's school may run at once; null: no limit. */
  siteSeats: number | null;
  accountId: string;
  siteId: string;
  now: number;
}

/** In the caller's transaction: counts under a lock, across controllers. The refusal says how
 * many people are ahead; `waited`: the person was in the queue already. */
export async function takeSeat(
  rows: Rows,
  { application, siteSeats, accountId, siteId, now }: Ask,
): Promise<{ taken: true } | { refused: AppError; waited: boolean }> {
  if (application.seats === null && siteSeats === null) return { taken: true };
  const citySeats = await lockSeats(rows, application.id);
  const since = now - queuePatienceMs;
  const limits = [
    ...(citySeats === null ? [] : [{ seats: citySeats, scope: 'city', site: null }]),
    ...(siteSeats === null ? [] : [{ seats: siteSeats, scope: 'school', site: siteId }]),
  ];
  for (const { seats, scope, site } of limits) {
    const free = seats - (await countLiveOf(rows, application.id, site));
    const ahead = await countAhead(rows, {
      applicationId: application.id,
      accountId,
      siteId: site,
      seenSince: since,
    });
    if (free > ahead) continue;
    const { waited } = await joinQueue(rows, {
      applicationId: application.id,
      accountId,
      siteId,
      now,
      seenSince: since,
    });
    return {
      refused: new AppError('LICENCE_EXHAUSTED', {
        application: application.slug,
        seats,
        scope,
        ahead,
      }),
      waited,
    };
  }
  await deleteFromQueue(rows, application.id, accountId);
  return { taken: true };
}
