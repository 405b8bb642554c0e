/** Applications × schools: what is there beside what should be, a page of schools at a time. */
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

/** So many schools are read, compared and let go before others get their turn. */
const pieceSize = 100;

export async function readDrift(
  deps: Pick<Platform, 'database'>,
  actor: Actor,
  input: { search: string; after: string | null; limit: number; onlyDifferences: boolean },
): Promise<Drift> {
  const columns = await selectColumns(deps.database);
  const items: DriftRow[] = [];
  const counts =
    input.after === null ? { sites: 0, differing: 0, cells: {} as Record<string, number> } : null;
  let after =
    input.after === null ? null : ((await selectSitePlace(deps.database, input.after)) ?? null);
  let more = false;
  for (;;) {
    const piece = await selectSitePiece(deps.database, {
      search: input.search,
      after,
      limit: pieceSize,
    });
    for (const row of await compare(
      deps,
      columns,
      piece.filter((site) => reaches(actor, site.id)),
    )) {
      const differs = row.cells.some((cell) => isDifference(cell.state));
      if (counts !== null) {
        counts.sites += 1;
        counts.differing += differs ? 1 : 0;
        for (const { state } of row.cells) counts.cells[state] = (counts.cells[state] ?? 0) + 1;
      }
      if (input.onlyDifferences && !differs) continue;
      if (items.length < input.limit) items.push(row);
      else more = true;
    }
    const last = piece.at(-1);
    // The first page goes through all of them, for the counts.
    if (last === undefined || piece.length < pieceSize || (more && counts === null)) break;
    after = last;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return {
    applications: columns.map(({ packages: _, ...column }) => column),
    items,
    next: more ? (items.at(-1)?.siteId ?? null) : null,
    counts,
  };
}

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
