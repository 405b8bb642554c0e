/** Replaces the stores a simulated city needs little of: schools, the catalogue, the audit trail,
 * sessions. */
import type { Recipes } from '@preau/contract/application.ts';
import type * as applications from '../../../controller/src/applications/store.ts';
import type * as audit from '../../../controller/src/audit/store.ts';
import { sha256 } from '../../../controller/src/platform/secrets.ts';
import type * as documents from '../../../controller/src/rules/documents.ts';
import type * as rules from '../../../controller/src/rules/store.ts';
import type * as quarantine from '../../../controller/src/sessions/quarantine.ts';
import type * as sessions from '../../../controller/src/sessions/settle.ts';
import type * as sites from '../../../controller/src/sites/store.ts';
import { connectionOf } from '../tables.ts';

export const selectSites: typeof sites.selectSites = async (rows) =>
  connectionOf(rows).tables.sites.map(({ id, name }) => ({
    id,
    name,
    uai: '0000000A',
    city: name,
    timeZone: 'Europe/Paris',
    holidayZone: 'B',
  }));
export const selectSite: typeof sites.selectSite = async (rows, id) =>
  connectionOf(rows).tables.sites.find((site) => site.id === id);

/** The newest version of each application; nothing is withdrawn from this catalogue. */
export const selectApplications: typeof applications.selectApplications = async (
  rows: Parameters<typeof applications.selectApplications>[0],
  filter = {},
) => {
  if (filter.among === 'withdrawn') return [];
  const newest = new Map(
    connectionOf(rows).tables.versions.map((version) => [version.applicationId, version]),
  );
  return [...newest.values()].map(({ applicationId, versionId, slug, version, recipes }) => ({
    id: applicationId,
    slug,
    name: { fr: slug, en: slug },
    description: { fr: slug, en: slug },
    category: 'tools',
    labels: [],
    iconHash: null,
    version,
    versionId,
    recipes: recipes as Recipes,
    requires: [],
    seats: null,
    estimate: { bytes: 1_000_000, minutes: 1, p95Ms: 90_000, samples: 9 },
    installedOn: 0,
  }));
};

export const holdStamp = async (): Promise<void> => undefined;

/** No rules, as nobody launches anything here. */
const noRules = '{"rules":[]}';
export const noRulesHash = sha256(noRules);
export const readPolicyChange: typeof documents.readPolicyChange = async () => null;
export const selectPolicy: typeof rules.selectPolicy = async () => noRules;
export const selectPolicySites: typeof sites.selectPolicySites = async (rows) =>
  new Map(
    connectionOf(rows).tables.sites.map(({ id }) => [
      id,
      {
        siteId: id,
        siteGroupIds: [],
        timeZone: 'Europe/Paris',
        holidayZone: 'B',
        closures: [],
        networks: [],
      },
    ]),
  );

export const insertAuditEvent: typeof audit.insertAuditEvent = async () => undefined;
export const settleSessions: typeof sessions.settleSessions = async () => [];
/** No server has a twin (a second machine with its identity) here, but reports delayed beyond a run
 * of the agent look like a twin's: they are counted and left to a technician. */
export const quarantineServer: typeof quarantine.quarantineServer = async (
  _deps,
  rows,
  _actor,
  serverId,
) => {
  const { world } = connectionOf(rows);
  if (!world.twins.has(serverId)) world.note(`server ${serverId.slice(-1)} is taken for its twin`);
  world.twins.add(serverId);
  world.count('taken_for_a_twin');
  return [];
};
