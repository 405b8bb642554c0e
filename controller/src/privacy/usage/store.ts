/** All SQL of usage statistics, and of the sessions they are computed from. */
import { smallestGroup, type UsageRow } from '@preau/contract/privacy.ts';
import type { Rows } from '#src/platform/database.ts';

/** Number of sessions and of distinct people, by school and application, for sessions started in
 * this span. */
export async function selectUsage(
  rows: Rows,
  filter: { from: number; until: number; siteIds: readonly string[] | null },
): Promise<{ siteId: string; applicationId: string; sessions: number; people: number }[]> {
  if (filter.siteIds?.length === 0) return [];
  let query = rows
    .selectFrom('sessions')
    .select([
      'site_id',
      'application_id',
      (e) => e.fn.countAll<number>().as('sessions'),
      (e) => e.fn.count<number>('account_id').distinct().as('people'),
    ])
    .where('started_at', '>=', filter.from)
    .where('started_at', '<', filter.until)
    .groupBy(['site_id', 'application_id']);
  if (filter.siteIds !== null) query = query.where('site_id', 'in', [...filter.siteIds]);
  return (await query.execute()).map((row) => ({
    siteId: row.site_id,
    applicationId: row.application_id,
    sessions: Number(row.sessions),
    people: Number(row.people),
  }));
}

export async function selectKeptUsage(
  rows: Rows,
  filter: { from: string; until: string; siteIds: readonly string[] | null },
): Promise<
  { month: string; siteId: string; applicationId: string; sessions: number; people: number }[]
> {
  if (filter.siteIds?.length === 0) return [];
  let query = rows
    .selectFrom('usage_months')
    .selectAll()
    .where('month', '>=', filter.from)
    .where('month', '<=', filter.until);
  if (filter.siteIds !== null) query = query.where('site_id', 'in', [...filter.siteIds]);
  return (await query.execute()).map((row) => ({
    month: row.month,
    siteId: row.site_id,
    applicationId: row.application_id,
    sessions: row.sessions,
    people: row.people,
  }));
}

export async function selectUsageNames(
  rows: Rows,
): Promise<{ sites: Map<string, string>; applications: Map<string, UsageRow['applicationName']> }> {
  return {
    sites: new Map(
      (await rows.selectFrom('sites').select(['id', 'name']).execute()).map((row) => [
        row.id,
        row.name,
      ]),
    ),
    applications: new Map(
      (await rows.selectFrom('applications').select(['id', 'name_fr', 'name_en']).execute()).map(
        (row) => [row.id, { fr: row.name_fr, en: row.name_en }],
      ),
    ),
  };
}

export async function selectOldestSession(rows: Rows): Promise<number | null> {
  return (
    (
      await rows
        .selectFrom('sessions')
        .select((e) => e.fn.min<number>('started_at').as('at'))
        .where('state', 'in', ['ended', 'failed'])
        .executeTakeFirst()
    )?.at ?? null
  );
}

/** Saves the statistics of a month, without the numbers of small groups. Repeating it adds
 * nothing. */
export async function keepUsage(
  rows: Rows,
  month: string,
  from: number,
  until: number,
): Promise<void> {
  const usage = await selectUsage(rows, { from, until, siteIds: null });
  for (const { siteId, applicationId, sessions, people: count } of usage) {
    const small = count < smallestGroup;
    await rows
      .insertInto('usage_months')
      .values({
        month,
        site_id: siteId,
        application_id: applicationId,
        sessions: small ? 0 : sessions,
        people: small ? 0 : count,
      })
      .onConflict((conflict) =>
        conflict.columns(['month', 'site_id', 'application_id']).doNothing(),
      )
      .execute();
  }
}
