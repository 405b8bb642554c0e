/** The settings of a school that rules read: its networks, its closures, the hours of its
 * badges. */

import { AppError } from '@preau/contract/errors.ts';
import {
  noSettings,
  type SiteSettings,
  type SiteSettingsShown,
  wrongNetwork,
} from '@preau/contract/site.ts';
import type { Topic } from '@preau/contract/topics.ts';
import { windowsProblem } from '@preau/contract/windows.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { saveSiteSettings, selectSite, selectSiteSettings } from '#src/sites/store.ts';
import { publishPolicy } from './push.ts';

export async function readSiteSettings(
  deps: Pick<Platform, 'database'>,
  siteId: string,
): Promise<SiteSettingsShown> {
  const settings = await selectSiteSettings(deps.database, siteId);
  if (settings === undefined) throw new AppError('NOT_FOUND', { site: siteId });
  return { siteId, ...noSettings, ...settings };
}

/** Refuses with RULE_REFUSED an invalid address range or invalid hours. */
export async function changeSiteSettings(
  deps: Pick<Platform, 'config' | 'database' | 'clock' | 'secrets' | 'wakeups'>,
  actor: Actor,
  siteId: string,
  settings: SiteSettings,
): Promise<SiteSettingsShown> {
  const wrong = wrongNetwork(settings);
  if (wrong !== null)
    throw new AppError('RULE_REFUSED', {
      field: 'networks',
      why: {
        fr: `${wrong} n’est pas une plage d’adresses.`,
        en: `${wrong} is no range of addresses.`,
      },
    });
  const problem = settings.badgeHours.length === 0 ? null : windowsProblem(settings.badgeHours);
  if (problem !== null) throw new AppError('RULE_REFUSED', { field: 'badgeHours', why: problem });
  const topics = await deps.database.transaction().execute(async (rows): Promise<Topic[]> => {
    const site = await selectSite(rows, siteId);
    if (site === undefined) throw new AppError('NOT_FOUND', { site: siteId });
    await saveSiteSettings(rows, siteId, settings);
    await recordEffect(deps, rows, actor, {
      action: 'site.settings_changed',
      subjectId: siteId,
      subjectName: site.name,
      siteId,
      details: { networks: settings.networks.length, closures: settings.closures.length },
    });
    return [...(await publishPolicy(deps, rows, [siteId])), 'sites'];
  });
  deps.wakeups.wake(topics);
  return { siteId, ...settings };
}
