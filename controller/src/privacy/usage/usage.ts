/** Usage statistics: how much an application is used at a school, month by month, without saying
 * by whom. */
import { smallestGroup, type UsageRow } from '@preau/contract/privacy.ts';
import { reachOf } from '#src/accounts/reach.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { selectKeptUsage, selectUsage, selectUsageNames } from './store.ts';

/** Months in UTC, because no class takes place around midnight. Pure, as all below but
 * `readUsage`. */
export const monthOf = (at: number): string => new Date(at).toISOString().slice(0, 7);
export function monthStart(month: string, later = 0): number {
  const [year = 1970, number = 1] = month.split('-').map(Number);
  return Date.UTC(year, number - 1 + later, 1);
}
const mostMonths = 24;
export function monthsBetween(from: string, until: string): string[] {
  const months: string[] = [];
  for (
    let at = monthStart(from);
    at <= monthStart(until) && months.length < mostMonths;
    at = monthStart(monthOf(at), 1)
  )
    months.push(monthOf(at));
  return months;
}

/** Newest month first. With fewer than five people, a row says only that the application was
 * used. */
export async function readUsage(
  deps: Pick<Platform, 'database' | 'clock'>,
  actor: AccountActor,
  asked: { from: string | null; until: string | null },
): Promise<UsageRow[]> {
  const until = asked.until ?? monthOf(deps.clock.now());
  const from = asked.from ?? monthOf(monthStart(until, -2));
  const siteIds = reachOf(actor);
  const { sites, applications } = await selectUsageNames(deps.database);
  const kept = Map.groupBy(
    await selectKeptUsage(deps.database, { from, until, siteIds }),
    ({ month }) => month,
  );
  const items: UsageRow[] = [];
  for (const month of monthsBetween(from, until).reverse()) {
    const known = kept.get(month) ?? [];
    const gone = new Set(known.map(({ siteId, applicationId }) => `${siteId} ${applicationId}`));
    const live = (
      await selectUsage(deps.database, {
        from: monthStart(month),
        until: monthStart(month, 1),
        siteIds,
      })
    ).filter(({ siteId, applicationId }) => !gone.has(`${siteId} ${applicationId}`));
    const rows = [...known, ...live].map(
      ({ siteId, applicationId, sessions, people }): UsageRow => {
        const shown = people >= smallestGroup;
        return {
          month,
          siteId,
          siteName: sites.get(siteId) ?? '?',
          applicationId,
          applicationName: applications.get(applicationId) ?? { fr: '?', en: '?' },
          people: shown ? people : null,
          sessions: shown ? sessions : null,
        };
      },
    );
    items.push(
      ...rows.sort(
        (a, b) =>
          a.siteName.localeCompare(b.siteName, 'fr') ||
          a.applicationName.fr.localeCompare(b.applicationName.fr, 'fr'),
      ),
    );
  }
  return items;
}
