import { changesAt, decide, type Question } from '@preau/contract/policy.ts';
import type { PortalApplication } from '@preau/contract/portal.ts';
import { selectPerson } from '#src/accounts/store.ts';
import { catalogueBook } from '#src/applications/catalogue-book.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { policyBook } from '#src/rules/policy-book.ts';
import { selectInstalledAtSite } from '#src/servers/store.ts';
import { publicView, selectLastUsed, selectLiveSessionsOf } from './store.ts';

/** A tile shows when access ends if that is less than this away. */
const soonMs = 12 * 3_600_000;

/** The applications that the actor may open here and now, each with its running session; a
 * running session is shown even when its application is no longer allowed. */
export async function portal(
  deps: Pick<Platform, 'database' | 'clock'>,
  actor: AccountActor,
  address: string | null,
): Promise<PortalApplication[]> {
  const { database } = deps;
  const now = deps.clock.now();
  const [{ applications }, { policy, sites }, person, lastUsed, sessions, installed] =
    await Promise.all([
      catalogueBook(database),
      policyBook(database),
      selectPerson(database, actor),
      selectLastUsed(database, actor.id),
      selectLiveSessionsOf(database, { accountId: actor.id }),
      actor.siteId === null ? new Set<string>() : selectInstalledAtSite(database, actor.siteId),
    ]);
  const site = actor.siteId === null ? null : (sites.get(actor.siteId) ?? null);
  return applications.flatMap((application) => {
    const running = sessions.find((session) => session.applicationId === application.id);
    const question: Question = { person, application, site, address, now };
    const { allowed } = decide(policy, question);
    if (running === undefined && !allowed) return [];
    return [
      {
        id: application.id,
        slug: application.slug,
        name: application.name,
        description: application.description,
        category: application.category,
        iconHash: application.iconHash,
        installed: installed.has(application.id),
        lastUsedAt: lastUsed.get(application.id) ?? null,
        session: running === undefined ? null : publicView(running),
        openUntil: allowed ? changesAt(policy, question, now + soonMs) : now,
      },
    ];
  });
}
