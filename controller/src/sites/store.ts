/** All SQL of schools. */
import type { PolicySite } from '@preau/contract/policy.ts';
import { defaultSettings, type RolloutSettings } from '@preau/contract/rollout.ts';
import {
  noSettings,
  type SiteDraft,
  type SiteGroup,
  type SiteGroupDraft,
  type SiteSettings,
} from '@preau/contract/site.ts';
import type { Rows } from '#src/platform/database.ts';
import { newId } from '#src/platform/secrets.ts';

export interface SiteRow extends SiteDraft {
  id: string;
}

export async function insertSite(rows: Rows, draft: SiteDraft, now: number): Promise<SiteRow> {
  const id = newId('sit');
  await rows
    .insertInto('sites')
    .values({
      id,
      uai: draft.uai,
      name: draft.name,
      city: draft.city,
      time_zone: draft.timeZone,
      holiday_zone: draft.holidayZone,
      created_at: now,
      policy_hash: null,
    })
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

export async function selectSite(
  rows: Rows,
  id: string,
): Promise<{ id: string; name: string } | undefined> {
  return rows.selectFrom('sites').select(['id', 'name']).where('id', '=', id).executeTakeFirst();
}

export async function uaiIsTaken(rows: Rows, uai: string): Promise<boolean> {
  return (
    (await rows.selectFrom('sites').select('id').where('uai', '=', uai).executeTakeFirst()) !==
    undefined
  );
}

export async function countPeopleBySite(rows: Rows): Promise<Map<string, number>> {
  const counts = await rows
    .selectFrom('accounts')
    .select(['site_id', (e) => e.fn.countAll<number>().as('people')])
    .where('site_id', 'is not', null)
    .groupBy('site_id')
    .execute();
  return new Map(counts.map((row) => [row.site_id ?? '', Number(row.people)]));
}

export async function selectKnownSiteIds(rows: Rows): Promise<Set<string>> {
  return new Set((await rows.selectFrom('sites').select('id').execute()).map((row) => row.id));
}

export async function selectGroups(rows: Rows): Promise<SiteGroup[]> {
  const [groups, members] = [
    await rows.selectFrom('site_groups').select(['id', 'name']).orderBy('name').execute(),
    await rows.selectFrom('site_group_members').selectAll().orderBy('site_id').execute(),
  ];
  const siteIds = Map.groupBy(members, (member) => member.group_id);
  return groups.map((group) => ({
    ...group,
    siteIds: (siteIds.get(group.id) ?? []).map((member) => member.site_id),
  }));
}

export async function insertGroup(
  rows: Rows,
  group: { id: string; name: string; now: number },
): Promise<void> {
  await rows
    .insertInto('site_groups')
    .values({ id: group.id, name: group.name, created_at: group.now })
    .execute();
}

export async function replaceMembers(
  rows: Rows,
  groupId: string,
  draft: SiteGroupDraft,
): Promise<void> {
  await rows
    .updateTable('site_groups')
    .set({ name: draft.name })
    .where('id', '=', groupId)
    .execute();
  await rows.deleteFrom('site_group_members').where('group_id', '=', groupId).execute();
  for (let at = 0; at < draft.siteIds.length; at += 400)
    await rows
      .insertInto('site_group_members')
      .values(draft.siteIds.slice(at, at + 400).map((site_id) => ({ group_id: groupId, site_id })))
      .execute();
}

export async function deleteGroup(rows: Rows, groupId: string): Promise<void> {
  await rows.deleteFrom('site_group_members').where('group_id', '=', groupId).execute();
  await rows.deleteFrom('site_groups').where('id', '=', groupId).execute();
}

export async function selectSiteSettings(
  rows: Rows,
  id: string,
): Promise<Partial<SiteSettings> | undefined> {
  const row = await rows
    .selectFrom('sites')
    .select('settings')
    .where('id', '=', id)
    .executeTakeFirst();
  return row && (JSON.parse(row.settings) as Partial<SiteSettings>);
}

export async function saveSiteSettings(
  rows: Rows,
  id: string,
  settings: SiteSettings,
): Promise<void> {
  await rows
    .updateTable('sites')
    .set({ settings: JSON.stringify(settings) })
    .where('id', '=', id)
    .execute();
}

/** These schools as rules see them; without a list, every school. A launch asks for one only. */
export async function selectPolicySites(
  rows: Rows,
  siteIds: readonly string[] | null = null,
): Promise<Map<string, PolicySite>> {
  // Databases limit the number of parameters of a statement; beyond 500, reading all schools is as
  // quick.
  const few = siteIds !== null && siteIds.length <= 500 ? [...siteIds] : null;
  const [sites, members, settings] = [
    await rows
      .selectFrom('sites')
      .select(['id', 'time_zone', 'holiday_zone', 'settings'])
      .$if(few !== null, (query) => query.where('id', 'in', few ?? []))
      .execute(),
    await rows
      .selectFrom('site_group_members')
      .selectAll()
      .$if(few !== null, (query) => query.where('site_id', 'in', few ?? []))
      .orderBy('group_id')
      .execute(),
    await rows.selectFrom('city').select('body').where('name', '=', 'rollouts').executeTakeFirst(),
  ];
  const { closures } =
    settings === undefined ? defaultSettings : (JSON.parse(settings.body) as RolloutSettings);
  const groups = Map.groupBy(members, (member) => member.site_id);
  return new Map(
    sites.map((site): [string, PolicySite] => {
      const own: SiteSettings = {
        ...noSettings,
        ...(JSON.parse(site.settings) as Partial<SiteSettings>),
      };
      return [
        site.id,
        {
          siteId: site.id,
          timeZone: site.time_zone,
          holidayZone: site.holiday_zone as PolicySite['holidayZone'],
          closures: [...new Set([...closures, ...own.closures])].sort(),
          siteGroupIds: (groups.get(site.id) ?? []).map((member) => member.group_id),
          networks: own.networks,
        },
      ];
    }),
  );
}

/** Schools that belong to any of these groups. */
export async function selectSitesOfSiteGroups(
  rows: Rows,
  ids: readonly string[],
): Promise<string[]> {
  const found = await rows
    .selectFrom('site_group_members')
    .select('site_id')
    .distinct()
    .where('group_id', 'in', [...ids])
    .execute();
  return found.map((row) => row.site_id);
}

/** Saves the hash of the rules document that these schools follow from now on. */
export async function savePolicyHash(
  rows: Rows,
  siteIds: readonly string[],
  hash: string,
): Promise<void> {
  for (let at = 0; at < siteIds.length; at += 500)
    await rows
      .updateTable('sites')
      .set({ policy_hash: hash })
      .where('id', 'in', siteIds.slice(at, at + 500))
      .execute();
}
