import type { PolicySite } from '@preau/contract/policy.ts';
import { defaultSettings, type RolloutSettings } from '@preau/contract/rollout.ts';
import { noSettings, type SiteSettings } from '@preau/contract/site.ts';
import type { Rows } from '#src/platform/database.ts';

/** Every school as rules see it. */
export async function selectPolicySites(rows: Rows): Promise<Map<string, PolicySite>> {
  const [sites, members, settings] = [
    await rows.selectFrom('sites').select(['id', 'time_zone', 'holiday_zone', 'settings']).execute(),
    await rows.selectFrom('site_group_members').selectAll().orderBy('group_id').execute(),
    await rows.selectFrom('city').select('body').where('name', '=', 'rollouts').executeTakeFirst(),
  ];
  const { closures } = settings === undefined ? defaultSettings : (JSON.parse(settings.body) as RolloutSettings);
  const groups = Map.groupBy(members, (member) => member.site_id);
  return new Map(sites.map((site): [string, PolicySite] => {
    const own: SiteSettings = { ...noSettings, ...(JSON.parse(site.settings) as Partial<SiteSettings>) };
    return [site.id, {
      siteId: site.id, timeZone: site.time_zone, holidayZone: site.holiday_zone as PolicySite['holidayZone'], closures: [...new Set([...closures, ...own.closures])].sort(),
      siteGroupIds: (groups.get(site.id) ?? []).map((member) => member.group_id), networks: own.networks,
    }];
  }));
}
