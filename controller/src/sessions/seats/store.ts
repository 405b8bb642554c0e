/** All SQL of seats: how many sessions an application has, and its queue. */
import { liveStates } from '@preau/contract/session.ts';
import type { Rows } from '#src/platform/database.ts';

/** `siteId` null: everywhere in the city. */
export async function countLiveOf(
  rows: Rows,
  applicationId: string,
  siteId: string | null,
): Promise<number> {
  const query = rows
    .selectFrom('sessions')
    .select((e) => e.fn.countAll<number>().as('n'))
    .where('application_id', '=', applicationId)
    .where('state', 'in', [...liveStates]);
  const row = await (siteId === null
    ? query
    : query.where('site_id', '=', siteId)
  ).executeTakeFirst();
  return Number(row?.n ?? 0);
}

interface Waiting {
  applicationId: string;
  accountId: string;
  siteId: string | null;
  seenSince: number;
}

/** How many people are ahead of this person in the queue; all of them when this person is not in
 * it yet. */
export async function countAhead(
  rows: Rows,
  { applicationId, accountId, siteId, seenSince }: Waiting,
): Promise<number> {
  const mine = await rows
    .selectFrom('seat_queue')
    .select('since')
    .where('application_id', '=', applicationId)
    .where('account_id', '=', accountId)
    .where('seen_at', '>=', seenSince)
    .executeTakeFirst();
  let query = rows
    .selectFrom('seat_queue')
    .select((e) => e.fn.countAll<number>().as('n'))
    .where('application_id', '=', applicationId)
    .where('account_id', '!=', accountId)
    .where('seen_at', '>=', seenSince);
  if (siteId !== null) query = query.where('site_id', '=', siteId);
  if (mine !== undefined)
    query = query.where((w) =>
      w.or([
        w('since', '<', mine.since),
        w.and([w('since', '=', mine.since), w('account_id', '<', accountId)]),
      ]),
    );
  return Number((await query.executeTakeFirst())?.n ?? 0);
}

/** Keeps an existing place in the queue, and says whether there was one; a place not renewed in
 * time is lost. */
export async function joinQueue(
  rows: Rows,
  { applicationId, accountId, siteId, now, seenSince }: Waiting & { siteId: string; now: number },
): Promise<{ waited: boolean }> {
  await rows
    .deleteFrom('seat_queue')
    .where('application_id', '=', applicationId)
    .where('seen_at', '<', seenSince)
    .execute();
  const waited =
    (await rows
      .selectFrom('seat_queue')
      .select('since')
      .where('application_id', '=', applicationId)
      .where('account_id', '=', accountId)
      .executeTakeFirst()) !== undefined;
  await rows
    .insertInto('seat_queue')
    .values({
      application_id: applicationId,
      account_id: accountId,
      site_id: siteId,
      since: now,
      seen_at: now,
    })
    .onConflict((conflict) =>
      conflict.columns(['application_id', 'account_id']).doUpdateSet({ seen_at: now }),
    )
    .execute();
  return { waited };
}

export async function deleteFromQueue(
  rows: Rows,
  applicationId: string,
  accountId: string,
): Promise<void> {
  await rows
    .deleteFrom('seat_queue')
    .where('application_id', '=', applicationId)
    .where('account_id', '=', accountId)
    .execute();
}
