/** SQL over the whole fleet, read in batches, so that thousands of schools are never in memory at
 * once. */

import type { Recipes } from '@preau/contract/application.ts';
import type { Drift } from '@preau/contract/fleet.ts';
import { packagesOf } from '@preau/contract/recipe-kinds.ts';
import type { Inventory } from '@preau/contract/report.ts';
import { sql } from 'kysely';
import type { Rows } from '#src/platform/database.ts';

export type Column = Drift['applications'][number] & { packages: string[] };

/** Applications wanted on at least one server in service, with the packages that their newest
 * recipe in the catalogue installs. */
export async function selectColumns(rows: Rows): Promise<Column[]> {
  const wanted = await rows
    .selectFrom('server_applications as s')
    .innerJoin('servers as v', 'v.id', 's.server_id')
    .innerJoin('applications as a', 'a.id', 's.application_id')
    .select(['a.id', 'a.slug', 'a.name_fr', 'a.name_en', 'a.icon_hash'])
    .distinct()
    .where('s.wanted', '=', 1)
    .where('v.retired_at', 'is', null)
    .orderBy('a.name_fr')
    .orderBy('a.id')
    .execute();
  const versions = await rows
    .selectFrom('application_versions')
    .select(['application_id', 'recipes'])
    .orderBy(sql`withdrawn_at is null`)
    .orderBy('created_at')
    .execute();
  const packages = new Map(
    versions.map((row) => [
      row.application_id,
      packagesOf((JSON.parse(row.recipes) as Recipes).linux),
    ]),
  );
  return wanted.map((row) => ({
    id: row.id,
    slug: row.slug,
    name: { fr: row.name_fr, en: row.name_en },
    iconHash: row.icon_hash,
    packages: packages.get(row.id) ?? [],
  }));
}

/** Schools sorted by name, only those after the school `after`. */
export async function selectSitePiece(
  rows: Rows,
  filter: { search: string; after: { name: string; id: string } | null; limit: number },
): Promise<{ id: string; name: string; uai: string }[]> {
  let query = rows
    .selectFrom('sites')
    .select(['id', 'name', 'uai'])
    .orderBy('name')
    .orderBy('id')
    .limit(filter.limit);
  const like = `%${filter.search.replace(/[\\%_]/g, '')}%`;
  if (filter.search !== '')
    query = query.where((where) =>
      where.or([
        where(where.fn<string>('lower', ['name']), 'like', like.toLowerCase()),
        where('name', 'like', like),
        where('uai', 'like', like.toUpperCase()),
      ]),
    );
  const { after } = filter;
  if (after !== null)
    query = query.where((where) =>
      where.or([
        where('name', '>', after.name),
        where.and([where('name', '=', after.name), where('id', '>', after.id)]),
      ]),
    );
  return query.execute();
}

export async function selectSitePlace(
  rows: Rows,
  id: string,
): Promise<{ name: string; id: string } | undefined> {
  return rows.selectFrom('sites').select(['name', 'id']).where('id', '=', id).executeTakeFirst();
}

export interface FleetServer {
  id: string;
  siteId: string;
  name: string;
  chosen: ReadonlyMap<string, string> | null;
  applications: ReadonlyMap<
    string,
    {
      wantedVersion: string | null;
      state: string;
      version: string | null;
      errorCode: string | null;
    }
  >;
}

export async function selectServersOf(
  rows: Rows,
  siteIds: readonly string[],
): Promise<FleetServer[]> {
  if (siteIds.length === 0) return [];
  const servers = await rows
    .selectFrom('servers')
    .select(['id', 'site_id', 'name', 'inventory'])
    .where('site_id', 'in', [...siteIds])
    .where('retired_at', 'is', null)
    .orderBy('name')
    .orderBy('id')
    .execute();
  const applications = await rows
    .selectFrom('server_applications as s')
    .innerJoin('servers as v', 'v.id', 's.server_id')
    .innerJoin('application_versions as n', 'n.id', 's.version_id')
    .select([
      's.server_id',
      's.application_id',
      's.wanted',
      's.state',
      's.version',
      's.error',
      'n.version as asked',
    ])
    .where('v.site_id', 'in', [...siteIds])
    .where('v.retired_at', 'is', null)
    .execute();
  const byServer = Map.groupBy(applications, (row) => row.server_id);
  return servers.map((row) => ({
    id: row.id,
    siteId: row.site_id,
    name: row.name,
    chosen:
      row.inventory === null
        ? null
        : new Map(
            (JSON.parse(row.inventory) as Inventory).chosen.map(({ name, version }) => [
              name,
              version,
            ]),
          ),
    applications: new Map(
      (byServer.get(row.id) ?? []).map((entry) => [
        entry.application_id,
        {
          wantedVersion: entry.wanted === 1 ? entry.asked : null,
          state: entry.state,
          version: entry.version,
          errorCode:
            entry.error === null ? null : (JSON.parse(entry.error) as { code: string }).code,
        },
      ]),
    ),
  }));
}
