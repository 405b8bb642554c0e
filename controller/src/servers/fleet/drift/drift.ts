/** Drift as a matrix of applications × schools: installed compared with wanted, in pages of
 * schools. */
import type { Drift, DriftRow } from '@preau/contract/fleet.ts';
import { isDifference } from '@preau/contract/fleet.ts';
import { reaches } from '#src/accounts/reach.ts';
import type { Actor } from '#src/platform/actor.ts';
import type { Platform } from '#src/platform/platform.ts';
import { cellOf } from './cell.ts';
import {
  type Column,
  selectColumns,
  selectServersOf,
  selectSitePiece,
  selectSitePlace,
} from './store.ts';

/** Schools read and compared before yielding to the event loop. */
const pieceSize = 100;

interface DriftFilter {
  search: string;
  /** The id of the last school of the previous page; null: the first page. */
  after: string | null;
  limit: number;
  onlyDifferences: boolean;
}

/** Reads one page. The first page reads every school, because it also returns the counts. */
export async function readDrift(
  deps: Pick<Platform, 'database'>,
  actor: Actor,
  filter: DriftFilter,
): Promise<Drift> {
  const columns = await selectColumns(deps.database);
  const page = openPage(filter);
  let after =
    filter.after === null ? null : ((await selectSitePlace(deps.database, filter.after)) ?? null);
  for (;;) {
    const piece = await selectSitePiece(deps.database, {
      search: filter.search,
      after,
      limit: pieceSize,
    });
    const sites = piece.filter((site) => reaches(actor, site.id));
    for (const row of await compare(deps, columns, sites)) page.add(row);
    const last = piece.at(-1);
    if (last === undefined || piece.length < pieceSize || page.isComplete()) break;
    after = last;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return {
    applications: columns.map(({ packages: _, ...column }) => column),
    ...page.read(),
  };
}

/** Collects the rows of one page, and on the first page counts all rows. */
function openPage({ after, limit, onlyDifferences }: DriftFilter) {
  const items: DriftRow[] = [];
  const counts = after === null ? { sites: 0, differing: 0, cells: {} as Counts } : null;
  let more = false;
  return {
    add: (row: DriftRow): void => {
      const differs = row.cells.some((cell) => isDifference(cell.state));
      if (counts !== null) {
        counts.sites += 1;
        counts.differing += differs ? 1 : 0;
        for (const { state } of row.cells) counts.cells[state] = (counts.cells[state] ?? 0) + 1;
      }
      if (onlyDifferences && !differs) return;
      if (items.length < limit) items.push(row);
      else more = true;
    },
    isComplete: (): boolean => more && counts === null,
    read: (): Pick<Drift, 'items' | 'next' | 'counts'> => ({
      items,
      next: more ? (items.at(-1)?.siteId ?? null) : null,
      counts,
    }),
  };
}
type Counts = Record<string, number>;

async function compare(
  deps: Pick<Platform, 'database'>,
  columns: readonly Column[],
  sites: readonly { id: string; name: string; uai: string }[],
): Promise<DriftRow[]> {
  const bySite = Map.groupBy(
    await selectServersOf(
      deps.database,
      sites.map(({ id }) => id),
    ),
    (server) => server.siteId,
  );
  return sites.map((site) => {
    const servers = bySite.get(site.id) ?? [];
    const cells = columns.map(({ id, packages }) =>
      cellOf(
        id,
        servers.map((server) => ({
          ...(server.applications.get(id) ?? {
            wantedVersion: null,
            state: null,
            version: null,
            errorCode: null,
          }),
          packages,
          chosen: server.chosen,
        })),
      ),
    );
    return {
      siteId: site.id,
      siteName: site.name,
      uai: site.uai,
      servers: servers.map(({ id, name }) => ({ id, name })),
      cells,
    };
  });
}
