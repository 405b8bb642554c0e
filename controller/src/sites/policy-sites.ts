/** Schools as rules see them, and the stamp that rises when rules or schools change: by it each process knows whether what it has prepared
 *  is still the newest. */
import type { PolicySite } from '@preau/contract/policy.ts';
import { defaultSettings, type RolloutSettings } from '@preau/contract/rollout.ts';
import { noSettings, type SiteSettings } from '@preau/contract/site.ts';
import type { Rows } from '#src/platform/database.ts';

const stampName = 'policy';

export async function readStamp(rows: Rows): Promise<number> {
  return (await rows.selectFrom('city').select('updated_at').where('name', '=', stampName).executeTakeFirst())?.updated_at ?? 0;
}

/** In the transaction that changes rules, schools, their groups or the city's closures. Always rises, whatever the clock says. */
export async function raiseStamp(rows: Rows, now: number): Promise<void> {
  await rows.insertInto('city').values({ name: stampName, body: '{}', updated_at: now })
    .onConflict((conflict) => conflict.column('name').doUpdateSet((e) => ({ updated_at: e.case().when('city.updated_at', '>=', now).then(e('city.updated_at', '+', 1)).else(now).end() }))).execute();
}

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
