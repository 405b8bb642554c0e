/** All SQL of desired states as documents, of the applications wanted on servers, and of which
 * servers have applied the rules. The contents of a state are read in parts/store.ts. */
import type { Rows } from '#src/platform/database.ts';

export async function saveDesiredStates(
  rows: Rows,
  states: readonly { serverId: string; generation: number; document: string; signature: string }[],
): Promise<void> {
  await rows
    .insertInto('desired_states')
    .values(states.map(({ serverId, ...state }) => ({ server_id: serverId, ...state })))
    .onConflict((conflict) =>
      conflict.column('server_id').doUpdateSet((e) => ({
        generation: e.ref('excluded.generation'),
        document: e.ref('excluded.document'),
        signature: e.ref('excluded.signature'),
      })),
    )
    .execute();
}

export async function selectDesiredState(
  rows: Rows,
  serverId: string,
): Promise<{ document: string; signature: string } | undefined> {
  return rows
    .selectFrom('desired_states')
    .select(['document', 'signature'])
    .where('server_id', '=', serverId)
    .executeTakeFirst();
}

/** Counts the servers in service. */
export async function countServers(rows: Rows): Promise<number> {
  const row = await rows
    .selectFrom('servers')
    .select((e) => e.fn.countAll<number>().as('n'))
    .where('retired_at', 'is', null)
    .executeTakeFirstOrThrow();
  return Number(row.n);
}

export async function selectSiteOfServers(
  rows: Rows,
  serverIds: readonly string[],
): Promise<Map<string, { siteId: string; policyHash: string | null }>> {
  const found = new Map<string, { siteId: string; policyHash: string | null }>();
  for (let at = 0; at < serverIds.length; at += 500) {
    for (const row of await rows
      .selectFrom('servers as s')
      .innerJoin('sites as i', 'i.id', 's.site_id')
      .select(['s.id', 's.site_id', 'i.policy_hash'])
      .where('s.id', 'in', serverIds.slice(at, at + 500))
      .execute())
      found.set(row.id, { siteId: row.site_id, policyHash: row.policy_hash });
  }
  return found;
}

/** Servers whose desired state names this application. */
export async function selectServersWith(rows: Rows, applicationId: string): Promise<string[]> {
  return (
    await rows
      .selectFrom('server_applications as a')
      .innerJoin('servers as s', 's.id', 'a.server_id')
      .select('s.id')
      .where('a.application_id', '=', applicationId)
      .where('s.retired_at', 'is', null)
      .orderBy('s.id')
      .execute()
  ).map(({ id }) => id);
}

export async function saveWanted(
  rows: Rows,
  wish: {
    serverId: string;
    applicationId: string;
    versionId: string;
    wanted: boolean;
    now: number;
  },
): Promise<void> {
  const set = {
    wanted: wish.wanted ? 1 : 0,
    state: wish.wanted ? 'wanted' : 'removing',
    error: null,
    asked_at: wish.now,
    updated_at: wish.now,
  };
  await rows
    .insertInto('server_applications')
    .values({
      server_id: wish.serverId,
      application_id: wish.applicationId,
      version_id: wish.versionId,
      version: null,
      ...set,
    })
    // A removal keeps `version_id`, because it uses the recipe of the installed version.
    .onConflict((conflict) =>
      conflict
        .columns(['server_id', 'application_id'])
        .doUpdateSet({ ...set, ...(wish.wanted ? { version_id: wish.versionId } : {}) }),
    )
    .execute();
}

/** Called when an order has ended: what it installed or removed is from then on the wanted
 * state. */
export async function saveOutcome(
  rows: Rows,
  outcome: {
    serverId: string;
    applicationId: string;
    versionId: string;
    wanted: boolean;
    version: string | null;
    now: number;
  },
): Promise<void> {
  const { serverId, applicationId, now } = outcome;
  const values = {
    version_id: outcome.versionId,
    wanted: outcome.wanted ? 1 : 0,
    state: outcome.wanted ? 'installed' : 'removed',
    version: outcome.wanted ? outcome.version : null,
    error: null,
    updated_at: now,
  };
  await rows
    .insertInto('server_applications')
    .values({ server_id: serverId, application_id: applicationId, asked_at: now, ...values })
    .onConflict((conflict) => conflict.columns(['server_id', 'application_id']).doUpdateSet(values))
    .execute();
}

export async function selectServersOfSites(
  rows: Rows,
  siteIds: readonly string[],
): Promise<string[]> {
  const ids: string[] = [];
  for (let at = 0; at < siteIds.length; at += 500)
    ids.push(
      ...(
        await rows
          .selectFrom('servers')
          .select('id')
          .where('site_id', 'in', siteIds.slice(at, at + 500))
          .where('retired_at', 'is', null)
          .where('quarantined_at', 'is', null)
          .execute()
      ).map((row) => row.id),
    );
  return ids;
}

/** Records that the present generations of these servers contain the newest rules. */
export async function markPolicyAsked(
  rows: Rows,
  generations: ReadonlyMap<string, number>,
  now: number,
): Promise<void> {
  const ids = [...generations.keys()];
  for (let at = 0; at < ids.length; at += 500)
    await rows
      .updateTable('servers')
      .set((e) => ({ policy_generation: e.ref('generation'), policy_asked_at: now }))
      .where('id', 'in', ids.slice(at, at + 500))
      .execute();
}

/** One row per server of every school; a school without servers has one row with `serverId`
 * null. */
export async function selectPolicyProgress(rows: Rows): Promise<
  {
    siteId: string;
    siteName: string;
    serverId: string | null;
    appliedGeneration: number;
    policyGeneration: number;
    policyAskedAt: number | null;
    lastSeenAt: number | null;
  }[]
> {
  const found = await rows
    .selectFrom('sites as i')
    .leftJoin('servers as s', (join) =>
      join
        .onRef('s.site_id', '=', 'i.id')
        .on('s.retired_at', 'is', null)
        .on('s.quarantined_at', 'is', null),
    )
    .select([
      'i.id as site_id',
      'i.name as site_name',
      's.id as server_id',
      's.applied_generation',
      's.policy_generation',
      's.policy_asked_at',
      's.last_seen_at',
    ])
    .orderBy('i.name')
    .execute();
  return found.map((row) => ({
    siteId: row.site_id,
    siteName: row.site_name,
    serverId: row.server_id,
    appliedGeneration: row.applied_generation ?? 0,
    policyGeneration: row.policy_generation ?? 0,
    policyAskedAt: row.policy_asked_at,
    lastSeenAt: row.last_seen_at,
  }));
}
