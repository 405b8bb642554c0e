import type { PortalApplication } from '@preau/contract/api.ts';
import { evaluate } from '@preau/contract/publication.ts';
import { selectPerson } from '#src/accounts/store.ts';
import { selectApplications } from '#src/applications/store.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { selectRuleDrafts } from '#src/publications/store.ts';
import { selectInstalledAtSite } from '#src/servers/store.ts';
import { publicView, selectLastUsed, selectLiveSessionsOf } from './store.ts';

/** The applications open to the actor, each with its running session. Shown only where the school has it installed,
 *  or while a session of it still runs. */
export async function portal(deps: Pick<Platform, 'database'>, actor: AccountActor): Promise<PortalApplication[]> {
  const { database } = deps;
  const [applications, rules, person, lastUsed, sessions, installed] = await Promise.all([
    selectApplications(database, { learnt: false }), selectRuleDrafts(database), selectPerson(database, actor), selectLastUsed(database, actor.id),
    selectLiveSessionsOf(database, { accountId: actor.id }), actor.siteId === null ? new Set<string>() : selectInstalledAtSite(database, actor.siteId),
  ]);
  return applications.flatMap((application) => {
    const running = sessions.find((session) => session.applicationId === application.id);
    if (running === undefined && !(evaluate(rules, person, application).allowed)) return [];
    return [{
      id: application.id, slug: application.slug, name: application.name, description: application.description, category: application.category, iconHash: application.iconHash,
      installed: installed.has(application.id), lastUsedAt: lastUsed.get(application.id) ?? null, session: running === undefined ? null : publicView(running),
    }];
  });
}
