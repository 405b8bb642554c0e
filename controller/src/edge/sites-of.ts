/** Finds the schools that ids of any kind belong to; each module provides the query for its own
 * kind. */
import type { SchoolIdKind } from '@preau/contract/ids.ts';
import { selectSitesOfAccounts, selectSitesOfGroups } from '#src/accounts/store.ts';
import type { Rows } from '#src/platform/database.ts';
import { selectSitesOfRequests } from '#src/requests/store.ts';
import { selectSitesOfRules } from '#src/rules/store.ts';
import { selectSitesOfAdditions } from '#src/servers/additions/store.ts';
import { selectSitesOfServers } from '#src/servers/store.ts';
import { selectSitesOfRecordings } from '#src/sessions/recordings/store.ts';
import { selectSitesOfSessions } from '#src/sessions/store.ts';
import { selectSitesOfSiteGroups } from '#src/sites/store.ts';

type SitesOf = (rows: Rows, ids: readonly string[]) => Promise<readonly (string | null)[]>;

/** By the prefix of the id. A new kind that belongs to a school does not compile until it is looked
 * up here: without a reader, its ids would pass the guard. */
const readers: Readonly<Record<SchoolIdKind, SitesOf>> = {
  sit: async (_rows, ids) => ids,
  sgr: selectSitesOfSiteGroups,
  acc: selectSitesOfAccounts,
  grp: selectSitesOfGroups,
  rul: selectSitesOfRules,
  srv: selectSitesOfServers,
  add: selectSitesOfAdditions,
  ses: selectSitesOfSessions,
  rec: selectSitesOfRecordings,
  req: selectSitesOfRequests,
};

const isSchoolKind = (kind: string): kind is SchoolIdKind => Object.hasOwn(readers, kind);

/** Null stands for the whole city. Unknown ids, and ids of things that belong to no school, add
 * nothing. */
export async function selectSitesOf(
  rows: Rows,
  ids: readonly string[],
): Promise<(string | null)[]> {
  const found = new Set<string | null>();
  for (const [kind, named] of Map.groupBy(ids, (id) => id.slice(0, id.indexOf('_')))) {
    if (!isSchoolKind(kind)) continue;
    const sitesOf = readers[kind];
    // Databases limit how many values one statement takes.
    for (let at = 0; at < named.length; at += 500)
      for (const siteId of await sitesOf(rows, named.slice(at, at + 500))) found.add(siteId);
  }
  return [...found];
}
