/** All SQL of schools. */
import type { SiteDraft } from '@preau/contract/site.ts';
import type { Rows } from '#src/platform/database.ts';
import { newId } from '#src/platform/secrets.ts';

export interface SiteRow extends SiteDraft {
  id: string;
}

export async function insertSite(rows: Rows, draft: SiteDraft, now: number): Promise<SiteRow> {
  const id = newId('sit');
  await rows
    .insertInto('sites')
    .values({ id, uai: draft.uai, name: draft.name, city: draft.city, time_zone: draft.timeZone, holiday_zone: draft.holidayZone, created_at: now })
    .execute();
  return { id, ...draft };
}

export async function selectSites(rows: Rows): Promise<SiteRow[]> {
  return (await rows.selectFrom('sites').selectAll().orderBy('name').execute()).map((row) => ({
    id: row.id,
    uai: row.uai,
    name: row.name,
    city: row.city,
    timeZone: row.time_zone,
    holidayZone: row.holiday_zone as SiteDraft['holidayZone'],
  }));
}

export async function selectSite(rows: Rows, id: string): Promise<{ id: string; name: string } | undefined> {
  return rows.selectFrom('sites').select(['id', 'name']).where('id', '=', id).executeTakeFirst();
}

export async function uaiIsTaken(rows: Rows, uai: string): Promise<boolean> {
  return (await rows.selectFrom('sites').select('id').where('uai', '=', uai).executeTakeFirst()) !== undefined;
}

export async function countPeopleBySite(rows: Rows): Promise<Map<string, number>> {
  const counts = await rows.selectFrom('accounts').select(['site_id', (e) => e.fn.countAll<number>().as('people')]).where('site_id', 'is not', null).groupBy('site_id').execute();
  return new Map(counts.map((row) => [row.site_id ?? '', Number(row.people)]));
}
