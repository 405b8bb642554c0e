import { changeSiteGroup, createSiteGroup, deleteSiteGroup } from '#src/access/site-groups.ts';
import { mustReach, within } from '#src/accounts/reach.ts';
import { createEnrolmentCode } from '#src/servers/enrolment/enrol.ts';
import { selectServers } from '#src/servers/fleet/store.ts';

import { countLiveBySite } from '#src/sessions/store.ts';
import { createSite, listSites } from '#src/sites/sites.ts';
import { selectGroups } from '#src/sites/store.ts';
import type { Verbs } from './verb.ts';

export const siteVerbs = {
  listSites: async (deps, actor) => ({
    items: await within(
      actor,
      await listSites(
        deps,
        await selectServers(deps.database, deps.clock.now()),
        await countLiveBySite(deps.database),
      ),
      (site) => site.id,
    ),
  }),
  createSite: (deps, actor, { body }) => createSite(deps, actor, body),
  createEnrolmentCode: (deps, actor, { params, body }) =>
    createEnrolmentCode(deps, actor, { siteId: params.id, serverName: body.serverName }),
  listSiteGroups: async (deps, actor) => ({
    items: (await selectGroups(deps.database)).map((group) => ({
      ...group,
      siteIds: within(actor, group.siteIds, (id) => id),
    })),
  }),
  createSiteGroup: (deps, actor, { body }) => {
    mustReach(actor, null);
    return createSiteGroup(deps, actor, body);
  },
  changeSiteGroup: (deps, actor, { params, body }) => {
    mustReach(actor, null);
    return changeSiteGroup(deps, actor, params.id, body);
  },
  deleteSiteGroup: async (deps, actor, { params }) => {
    mustReach(actor, null);
    await deleteSiteGroup(deps, actor, params.id);
    return null;
  },
} satisfies Partial<Verbs>;
