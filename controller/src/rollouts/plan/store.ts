/** SQL for the input of a plan: servers, and what is known of applications on them. */
import type { Rows } from '#src/platform/database.ts';

export interface FleetServer {
  id: string;
  name: string;
  siteId: string;
  lastSeenAt: number | null;
  retired: boolean;
  draining: boolean;
  quarantined: boolean;
  labels: string[];
  platform: 'linux' | 'windows';
  /** Its agent answers questions. */
  answers: boolean;
}

export async function selectFleet(rows: Rows): Promise<FleetServer[]> {
  const found = await rows
    .selectFrom('servers')
    .select([
      'id',
      'name',
      'site_id',
      'last_seen_at',
      'retired_at',
      'draining_since',
      'quarantined_at',
      'labels',
      'inventory',
      'answers',
    ])
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  return found.map((row) => ({
    id: row.id,
    name: row.name,
    siteId: row.site_id,
    lastSeenAt: row.last_seen_at,
    retired: row.retired_at !== null,
    draining: row.draining_since !== null,
    quarantined: row.quarantined_at !== null,
    labels: JSON.parse(row.labels) as string[],
    platform: row.inventory?.includes('"platform":"windows"') === true ? 'windows' : 'linux',
    answers: row.answers === 1,
  }));
}

export interface KnownApplication {
  serverId: string;
  applicationId: string;
  versionId: string;
  wanted: boolean;
  state: string;
  version: string | null;
}

export async function selectKnownApplications(
  rows: Rows,
  applicationIds: readonly string[],
  serverIds?: readonly string[],
): Promise<KnownApplication[]> {
  let query = rows
    .selectFrom('server_applications')
    .select(['server_id', 'application_id', 'version_id', 'wanted', 'state', 'version'])
    .where('application_id', 'in', [...applicationIds]);
  if (serverIds !== undefined) query = query.where('server_id', 'in', [...serverIds]);
  return (await query.execute()).map((row) => ({
    serverId: row.server_id,
    applicationId: row.application_id,
    versionId: row.version_id,
    wanted: row.wanted === 1,
    state: row.state,
    version: row.version,
  }));
}

/** Includes withdrawn versions: a rollback may restore them. */
export async function selectVersions(
  rows: Rows,
  versionIds: readonly string[],
): Promise<
  Map<
    string,
    {
      applicationId: string;
      slug: string;
      version: string;
      recipes: string;
      withdrawn: boolean;
      name: { fr: string; en: string };
    }
  >
> {
  if (versionIds.length === 0) return new Map();
  const found = await rows
    .selectFrom('application_versions as v')
    .innerJoin('applications as a', 'a.id', 'v.application_id')
    .select([
      'v.id',
      'v.application_id',
      'v.version',
      'v.recipes',
      'v.withdrawn_at',
      'a.slug',
      'a.name_fr',
      'a.name_en',
    ])
    .where('v.id', 'in', [...versionIds])
    .execute();
  return new Map(
    found.map((row) => [
      row.id,
      {
        applicationId: row.application_id,
        slug: row.slug,
        version: row.version,
        recipes: row.recipes,
        withdrawn: row.withdrawn_at !== null,
        name: { fr: row.name_fr, en: row.name_en },
      },
    ]),
  );
}

export async function selectGroupSites(rows: Rows, groupIds: readonly string[]): Promise<string[]> {
  if (groupIds.length === 0) return [];
  return (
    await rows
      .selectFrom('site_group_members')
      .select('site_id')
      .where('group_id', 'in', [...groupIds])
      .execute()
  ).map((row) => row.site_id);
}
