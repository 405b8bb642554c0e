/** All SQL of execution servers: enrolment codes, desired states, reports, applications on
 * servers. */
import {
  type InstalledApplication,
  packagesOf,
  type Recipes,
} from '@preau/contract/application.ts';
import type {
  DesiredApplication,
  DesiredSession,
  DesiredState,
} from '@preau/contract/desired-state.ts';
import type { DesiredTransfer } from '@preau/contract/exchange.ts';
import type { Order } from '@preau/contract/order.ts';
import type { FailedStep, Health, Inventory } from '@preau/contract/report.ts';
import { inFlightStates } from '@preau/contract/rollout-states.ts';
import {
  offlineAfterMs,
  type Server,
  type ServerChanges,
  type ServerSummary,
} from '@preau/contract/server.ts';
import { liveStates } from '@preau/contract/session.ts';
import { isSqlite, type Rows } from '#src/platform/database.ts';
import { newId } from '#src/platform/secrets.ts';
import type { PastEpoch } from './clone.ts';

export async function insertEnrolmentCode(
  rows: Rows,
  code: {
    hash: string;
    siteId: string;
    serverName: string;
    createdBy: string;
    now: number;
    expiresAt: number;
  },
): Promise<void> {
  await rows
    .insertInto('enrolment_codes')
    .values({
      hash: code.hash,
      site_id: code.siteId,
      server_name: code.serverName,
      created_by: code.createdBy,
      created_at: code.now,
      expires_at: code.expiresAt,
      used_at: null,
      server_id: null,
    })
    .execute();
}

/** Takes the code if it is unused and in time. Of a hundred at once exactly one gets it: the update
 * is the lock. */
export async function takeEnrolmentCode(
  rows: Rows,
  hash: string,
  serverId: string,
  now: number,
): Promise<{ siteId: string; serverName: string } | undefined> {
  const row = await rows
    .updateTable('enrolment_codes')
    .set({ used_at: now, server_id: serverId })
    .where('hash', '=', hash)
    .where('used_at', 'is', null)
    .where('expires_at', '>', now)
    .returning(['site_id', 'server_name'])
    .executeTakeFirst();
  return row && { siteId: row.site_id, serverName: row.server_name };
}

export async function insertServer(
  rows: Rows,
  server: {
    id: string;
    siteId: string;
    name: string;
    publicKey: string;
    maxSessions: number;
    now: number;
  },
): Promise<void> {
  await rows
    .insertInto('servers')
    .values({
      id: server.id,
      site_id: server.siteId,
      name: server.name,
      roles: JSON.stringify(['execution']),
      public_key: server.publicKey,
      generation: 0,
      applied_generation: 0,
      epoch: null,
      seq: 0,
      last_seen_at: null,
      health: null,
      inventory: null,
      failed_steps: '[]',
      max_sessions: server.maxSessions,
      created_at: server.now,
      retired_at: null,
    })
    .execute();
}

export async function publicKeyIsKnown(rows: Rows, publicKey: string): Promise<boolean> {
  return (
    (await rows
      .selectFrom('servers')
      .select('id')
      .where('public_key', '=', publicKey)
      .executeTakeFirst()) !== undefined
  );
}

export interface ServerRow {
  id: string;
  siteId: string;
  name: string;
  publicKey: string;
  generation: number;
  epoch: string | null;
  seq: number;
  lastSeenAt: number | null;
  failedSteps: FailedStep[];
  labels: string[];
  drainingSince: number | null;
  quarantinedAt: number | null;
  pastEpochs: PastEpoch[];
  silentTold: boolean;
  cache: Inventory['cache'];
}

/** Undefined when unknown or retired. */
export async function selectServerRow(rows: Rows, id: string): Promise<ServerRow | undefined> {
  const row = await rows
    .selectFrom('servers')
    .selectAll()
    .where('id', '=', id)
    .where('retired_at', 'is', null)
    .executeTakeFirst();
  return (
    row && {
      id: row.id,
      siteId: row.site_id,
      name: row.name,
      publicKey: row.public_key,
      generation: row.generation,
      epoch: row.epoch,
      seq: row.seq,
      lastSeenAt: row.last_seen_at,
      failedSteps: JSON.parse(row.failed_steps) as FailedStep[],
      labels: JSON.parse(row.labels) as string[],
      drainingSince: row.draining_since,
      quarantinedAt: row.quarantined_at,
      pastEpochs: JSON.parse(row.past_epochs) as PastEpoch[],
      silentTold: row.silent_told === 1,
      cache: cacheOf(row),
    }
  );
}

/** What a signed call is checked by: not the whole row, which holds the inventory. Undefined when
 * unknown or retired. */
export async function selectServerKey(
  rows: Rows,
  id: string,
): Promise<Pick<ServerRow, 'id' | 'siteId' | 'name' | 'publicKey' | 'quarantinedAt'> | undefined> {
  const row = await rows
    .selectFrom('servers')
    .select(['id', 'site_id', 'name', 'public_key', 'quarantined_at'])
    .where('id', '=', id)
    .where('retired_at', 'is', null)
    .executeTakeFirst();
  return (
    row && {
      id: row.id,
      siteId: row.site_id,
      name: row.name,
      publicKey: row.public_key,
      quarantinedAt: row.quarantined_at,
    }
  );
}

/** Locks the server's row until the transaction ends, on PostgreSQL too. */
export async function nextGeneration(rows: Rows, serverId: string): Promise<number> {
  const row = await rows
    .updateTable('servers')
    .set((e) => ({ generation: e('generation', '+', 1) }))
    .where('id', '=', serverId)
    .returning('generation')
    .executeTakeFirstOrThrow();
  return row.generation;
}

/** Locks the rows of all these in the order of their ids, so that two who do so never wait for each
 * other. */
export async function nextGenerations(
  rows: Rows,
  serverIds: readonly string[],
): Promise<Map<string, number>> {
  if (serverIds.length === 0) return new Map();
  const ids = [...serverIds];
  // An update of many locks in whatever order it finds them. SQLite has one writer at a time.
  if (!isSqlite(rows))
    await rows
      .selectFrom('servers')
      .select('id')
      .where('id', 'in', ids)
      .orderBy('id')
      .forUpdate()
      .execute();
  const found = await rows
    .updateTable('servers')
    .set((e) => ({ generation: e('generation', '+', 1) }))
    .where('id', 'in', ids)
    .returning(['id', 'generation'])
    .execute();
  return new Map(found.map((row) => [row.id, row.generation]));
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

/** Servers in service that have an application, are to have it, or do not yet say that it is
 * gone. */
export async function countServersHaving(rows: Rows, applicationId: string): Promise<number> {
  const found = await rows
    .selectFrom('server_applications as a')
    .innerJoin('servers as s', 's.id', 'a.server_id')
    .select((e) => e.fn.countAll<number>().as('n'))
    .where('a.application_id', '=', applicationId)
    .where('s.retired_at', 'is', null)
    .where((w) => w.or([w('a.wanted', '=', 1), w('a.state', '!=', 'removed')]))
    .executeTakeFirst();
  return Number(found?.n ?? 0);
}

/** Notes which generations bring the newest rules. */
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

/** In service. */
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

/** Every school with its servers; one without has a row of its own. */
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

/** Rows by what they belong to, each list in the order of the rows. */
function groupedBy<T>(rows: readonly T[], keyOf: (row: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const known = groups.get(keyOf(row));
    if (known === undefined) groups.set(keyOf(row), [row]);
    else known.push(row);
  }
  return groups;
}

/** What the desired states of these servers are made of, but for what is the same for all. */
export async function selectDesired(
  rows: Rows,
  serverIds: readonly string[],
): Promise<
  (
    serverId: string,
  ) => Pick<
    DesiredState,
    'applications' | 'removals' | 'sessions' | 'transfers' | 'orders' | 'cache' | 'peers'
  >
> {
  const [applications, sessions, transfers, orders, neighbours] = [
    await selectDesiredApplications(rows, serverIds),
    await selectDesiredSessions(rows, serverIds),
    await selectDesiredTransfers(rows, serverIds),
    await selectDesiredOrders(rows, serverIds),
    await selectNeighbours(rows, serverIds),
  ];
  return (serverId) => ({
    ...applications(serverId),
    sessions: sessions.get(serverId) ?? [],
    transfers: transfers.get(serverId) ?? [],
    orders: orders.get(serverId) ?? [],
    ...neighbours(serverId),
  });
}

async function selectDesiredApplications(
  rows: Rows,
  serverIds: readonly string[],
): Promise<(serverId: string) => Pick<DesiredState, 'applications' | 'removals'>> {
  const found = await rows
    .selectFrom('server_applications as s')
    .innerJoin('applications as a', 'a.id', 's.application_id')
    .innerJoin('application_versions as v', 'v.id', 's.version_id')
    .select([
      's.server_id',
      's.application_id',
      's.version_id',
      's.wanted',
      's.state',
      's.asked_at',
      'a.slug',
      'a.category',
      'a.labels',
      'v.version',
      'v.recipes',
    ])
    .where('s.server_id', 'in', [...serverIds])
    .orderBy('a.slug')
    .execute();
  const recipes = new Map<string, Recipes>();
  const desired = (row: (typeof found)[number]): DesiredApplication => {
    const read = recipes.get(row.version_id) ?? (JSON.parse(row.recipes) as Recipes);
    recipes.set(row.version_id, read);
    return {
      applicationId: row.application_id,
      versionId: row.version_id,
      slug: row.slug,
      category: row.category as DesiredApplication['category'],
      labels: JSON.parse(row.labels) as string[],
      version: row.version,
      recipes: read,
      askedAt: row.asked_at,
    };
  };
  const byServer = groupedBy(found, (row) => row.server_id);
  return (serverId) => {
    const known = byServer.get(serverId) ?? [];
    return {
      applications: known.filter((row) => row.wanted === 1).map(desired),
      removals: known.filter((row) => row.wanted === 0 && row.state !== 'removed').map(desired),
    };
  };
}

async function selectDesiredSessions(
  rows: Rows,
  serverIds: readonly string[],
): Promise<Map<string, DesiredSession[]>> {
  const found = await rows
    .selectFrom('sessions as s')
    .innerJoin('accounts as p', 'p.id', 's.account_id')
    .select([
      's.server_id',
      's.id',
      's.application_id',
      's.account_id',
      's.language',
      's.attach_serial',
      's.address',
      'p.login',
      'p.display_name',
      'p.role',
      'p.attributes',
    ])
    .where('s.server_id', 'in', [...serverIds])
    .where('s.state', 'in', [...liveStates])
    .orderBy('s.started_at')
    .execute();
  const people = [...new Set(found.map((row) => row.account_id))];
  const groups = new Map<string, string[]>();
  for (let at = 0; at < people.length; at += 500) {
    for (const member of await rows
      .selectFrom('group_members')
      .selectAll()
      .where('account_id', 'in', people.slice(at, at + 500))
      .execute())
      groups.set(member.account_id, [...(groups.get(member.account_id) ?? []), member.group_id]);
  }
  const desired = (row: (typeof found)[number]): DesiredSession => ({
    sessionId: row.id,
    applicationId: row.application_id,
    accountId: row.account_id,
    login: row.login,
    displayName: row.display_name,
    language: row.language === 'en' ? 'en' : 'fr',
    attachSerial: row.attach_serial,
    role: row.role as DesiredSession['role'],
    groupIds: groups.get(row.account_id) ?? [],
    attributes: JSON.parse(row.attributes) as DesiredSession['attributes'],
    address: row.address,
  });
  return new Map(
    [...groupedBy(found, (row) => row.server_id)].map(([serverId, known]) => [
      serverId,
      known.map(desired),
    ]),
  );
}

/** Files that people brought and these servers are to put down, or that were asked of them. */
async function selectDesiredTransfers(
  rows: Rows,
  serverIds: readonly string[],
): Promise<Map<string, DesiredTransfer[]>> {
  const found = await rows
    .selectFrom('transfers as t')
    .innerJoin('sessions as s', 's.id', 't.session_id')
    .select([
      't.id',
      't.server_id',
      't.session_id',
      't.direction',
      't.kind',
      't.name',
      't.sha256',
      't.bytes',
    ])
    .where('t.server_id', 'in', [...serverIds])
    .where('t.state', '=', (e) =>
      e.case().when('t.direction', '=', 'in').then('here').else('asked').end(),
    )
    .where('s.state', 'in', [...liveStates])
    .orderBy('t.created_at')
    .execute();
  const desired = (row: (typeof found)[number]): DesiredTransfer => ({
    transferId: row.id,
    sessionId: row.session_id,
    direction: row.direction as DesiredTransfer['direction'],
    kind: row.kind as DesiredTransfer['kind'],
    name: row.name,
    sha256: row.sha256,
    bytes: row.bytes,
  });
  return new Map(
    [...groupedBy(found, (row) => row.server_id)].map(([serverId, known]) => [
      serverId,
      known.slice(0, 2000).map(desired),
    ]),
  );
}

/** Orders of rollouts that these servers have, or are to have. */
async function selectDesiredOrders(
  rows: Rows,
  serverIds: readonly string[],
): Promise<Map<string, Order[]>> {
  const found = await rows
    .selectFrom('rollout_targets')
    .select(['server_id', 'order_body'])
    .where('server_id', 'in', [...serverIds])
    .where('state', 'in', [...inFlightStates])
    .where('order_body', 'is not', null)
    .orderBy('offered_at')
    .execute();
  return new Map(
    [...groupedBy(found, (row) => row.server_id)].map(([serverId, known]) => [
      serverId,
      known.slice(0, 20).map((row) => JSON.parse(row.order_body ?? '') as Order),
    ]),
  );
}

const cacheOf = (row: { inventory: string | null }) =>
  row.inventory === null ? null : ((JSON.parse(row.inventory) as Inventory).cache ?? null);

/** The oldest execution server of a site that says where its package cache listens fetches for the
 * others. */
async function selectNeighbours(
  rows: Rows,
  serverIds: readonly string[],
): Promise<(serverId: string) => Pick<DesiredState, 'cache' | 'peers'>> {
  const ids = [...serverIds];
  const sites = rows.selectFrom('servers').select('site_id').where('id', 'in', ids);
  const found = await rows
    .selectFrom('servers')
    .select(['id', 'site_id', 'public_key', 'inventory'])
    .where('site_id', 'in', sites)
    .where('retired_at', 'is', null)
    .where('quarantined_at', 'is', null)
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  const siteOf = new Map(found.map((row) => [row.id, row.site_id]));
  const bySite = new Map(
    [...groupedBy(found, (row) => row.site_id)].map(([siteId, all]) => {
      const servers = all.slice(0, 200);
      const first = servers.length < 2 ? undefined : servers.find((row) => cacheOf(row) !== null);
      const at = first === undefined ? null : cacheOf(first);
      return [
        siteId,
        {
          cache: first === undefined || at === null ? null : { serverId: first.id, ...at },
          peers: servers.map((row) => ({ serverId: row.id, publicKey: row.public_key })),
        },
      ];
    }),
  );
  return (serverId) => {
    const site = bySite.get(siteOf.get(serverId) ?? '');
    return {
      cache: site?.cache?.serverId === serverId ? null : (site?.cache ?? null),
      peers: site?.peers.filter((peer) => peer.serverId !== serverId) ?? [],
    };
  };
}

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

export async function saveVitals(
  rows: Rows,
  serverId: string,
  seen: {
    epoch: string;
    seq: number;
    pastEpochs: readonly PastEpoch[];
    at: number;
    appliedGeneration: number;
    health: Health;
    inventory: Inventory;
    failedSteps: FailedStep[];
  },
): Promise<void> {
  await rows
    .updateTable('servers')
    .set({
      epoch: seen.epoch,
      seq: seen.seq,
      past_epochs: JSON.stringify(seen.pastEpochs),
      silent_told: 0,
      last_seen_at: seen.at,
      applied_generation: seen.appliedGeneration,
      health: JSON.stringify(seen.health),
      inventory: JSON.stringify(seen.inventory),
      failed_steps: JSON.stringify(seen.failedSteps),
    })
    .where('id', '=', serverId)
    .execute();
}

export async function selectServerApplicationStates(
  rows: Rows,
  serverId: string,
): Promise<
  Map<
    string,
    {
      state: string;
      error: string | null;
      version: string | null;
      name: string;
      iconHash: string | null;
    }
  >
> {
  const found = await rows
    .selectFrom('server_applications as s')
    .innerJoin('applications as a', 'a.id', 's.application_id')
    .select(['s.application_id', 's.state', 's.error', 's.version', 'a.name_fr', 'a.icon_hash'])
    .where('s.server_id', '=', serverId)
    .execute();
  return new Map(
    found.map((row) => [
      row.application_id,
      {
        state: row.state,
        error: row.error,
        version: row.version,
        name: row.name_fr,
        iconHash: row.icon_hash,
      },
    ]),
  );
}

export async function saveApplicationState(
  rows: Rows,
  serverId: string,
  applicationId: string,
  seen: { state: string; version: string | null; error: string | null; at: number },
): Promise<void> {
  await rows
    .updateTable('server_applications')
    .set({ state: seen.state, version: seen.version, error: seen.error, updated_at: seen.at })
    .where('server_id', '=', serverId)
    .where('application_id', '=', applicationId)
    .execute();
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
    // What is taken away is the version that is there, by its own recipe.
    .onConflict((conflict) =>
      conflict
        .columns(['server_id', 'application_id'])
        .doUpdateSet({ ...set, ...(wish.wanted ? { version_id: wish.versionId } : {}) }),
    )
    .execute();
}

const serverColumns = (rows: Rows) =>
  rows
    .selectFrom('servers as v')
    .innerJoin('sites as s', 's.id', 'v.site_id')
    .selectAll('v')
    .select('s.name as site_name')
    .select((e) =>
      e
        .selectFrom('sessions as x')
        .select((f) => f.fn.countAll<number>().as('n'))
        .whereRef('x.server_id', '=', 'v.id')
        .where('x.state', 'in', [...liveStates])
        .as('live'),
    );

type ListedRow = Awaited<ReturnType<ReturnType<typeof serverColumns>['execute']>>[number];

/** Out of the text: a list of 2,700 servers need not parse what is installed on each. */
const agentVersionOf = (inventory: string | null): string | null =>
  /"agentVersion":"([^"\\]*)"/.exec(inventory ?? '')?.[1] ?? null;

const toSummary = (row: ListedRow, now: number): ServerSummary => {
  const failing = (JSON.parse(row.failed_steps) as FailedStep[]).length > 0;
  const online = row.last_seen_at !== null && now - row.last_seen_at < offlineAfterMs;
  return {
    id: row.id,
    siteId: row.site_id,
    siteName: row.site_name,
    name: row.name,
    roles: JSON.parse(row.roles) as ServerSummary['roles'],
    labels: JSON.parse(row.labels) as string[],
    drainingSince: row.draining_since,
    quarantinedAt: row.quarantined_at,
    agentVersion: agentVersionOf(row.inventory),
    health:
      row.retired_at !== null
        ? 'retired'
        : row.quarantined_at !== null
          ? 'quarantined'
          : !online
            ? 'offline'
            : failing
              ? 'failing'
              : 'online',
    generation: row.generation,
    appliedGeneration: row.applied_generation,
    lastSeenAt: row.last_seen_at,
    vitals: row.health === null ? null : (JSON.parse(row.health) as Health),
    liveSessions: Number(row.live ?? 0),
    maxSessions: row.max_sessions,
  };
};

export async function selectServers(
  rows: Rows,
  now: number,
  siteId?: string,
): Promise<ServerSummary[]> {
  let query = serverColumns(rows)
    .where('v.retired_at', 'is', null)
    .orderBy('s.name')
    .orderBy('v.name');
  if (siteId !== undefined) query = query.where('v.site_id', '=', siteId);
  return (await query.execute()).map((row) => toSummary(row, now));
}

export async function selectServer(
  rows: Rows,
  id: string,
  now: number,
): Promise<Server | undefined> {
  const row = await serverColumns(rows).where('v.id', '=', id).executeTakeFirst();
  if (row === undefined) return undefined;
  const known = await selectCataloguePackages(rows);
  const inventory = row.inventory === null ? null : (JSON.parse(row.inventory) as Inventory);
  const applications = await rows
    .selectFrom('server_applications as s')
    .innerJoin('applications as a', 'a.id', 's.application_id')
    .select([
      's.application_id',
      'a.slug',
      'a.name_fr',
      'a.name_en',
      'a.icon_hash',
      's.wanted',
      's.state',
      's.version',
      's.error',
      's.updated_at',
    ])
    .where('s.server_id', '=', id)
    .orderBy('a.name_fr')
    .execute();
  return {
    ...toSummary(row, now),
    inventory,
    knownPackages: (inventory?.chosen ?? [])
      .map(({ name }) => name)
      .filter((name) => known.has(name)),
    failedSteps: JSON.parse(row.failed_steps) as FailedStep[],
    applications: applications.map((entry) => ({
      applicationId: entry.application_id,
      slug: entry.slug,
      name: { fr: entry.name_fr, en: entry.name_en },
      iconHash: entry.icon_hash,
      wanted: entry.wanted === 1,
      state: entry.state as InstalledApplication['state'],
      version: entry.version,
      error:
        entry.error === null
          ? null
          : (JSON.parse(entry.error) as { code: string; message: string }),
      updatedAt: entry.updated_at,
    })),
  };
}

/** Debian packages that some recipe of the catalogue brings. */
export async function selectCataloguePackages(rows: Rows): Promise<Set<string>> {
  const found = await rows.selectFrom('application_versions').select('recipes').execute();
  return new Set(found.flatMap((row) => packagesOf((JSON.parse(row.recipes) as Recipes).linux)));
}

export async function saveServerChanges(
  rows: Rows,
  serverId: string,
  changes: ServerChanges,
): Promise<void> {
  const set = {
    ...(changes.name === undefined ? {} : { name: changes.name }),
    ...(changes.roles === undefined ? {} : { roles: JSON.stringify(changes.roles) }),
    ...(changes.labels === undefined ? {} : { labels: JSON.stringify([...changes.labels].sort()) }),
    ...(changes.maxSessions === undefined ? {} : { max_sessions: changes.maxSessions }),
  };
  if (Object.keys(set).length > 0)
    await rows.updateTable('servers').set(set).where('id', '=', serverId).execute();
}

/** In the order of their ids, which is the order of locking; the unknown and the retired are left
 * out. */
export async function selectServerRows(
  rows: Rows,
  filter: { ids: readonly string[] } | { siteId: string },
): Promise<Pick<ServerRow, 'id' | 'siteId' | 'name' | 'labels' | 'drainingSince'>[]> {
  const query = rows
    .selectFrom('servers')
    .select(['id', 'site_id', 'name', 'labels', 'draining_since'])
    .where('retired_at', 'is', null)
    .orderBy('id');
  const found: Awaited<ReturnType<typeof query.execute>> = [];
  if ('siteId' in filter)
    found.push(
      ...(await query
        .where('site_id', '=', filter.siteId)
        .where('quarantined_at', 'is', null)
        .execute()),
    );
  // Databases limit how many values one statement takes.
  else
    for (let at = 0; at < filter.ids.length; at += 500)
      found.push(
        ...(await query.where('id', 'in', [...filter.ids].sort().slice(at, at + 500)).execute()),
      );
  return found.map((row) => ({
    id: row.id,
    siteId: row.site_id,
    name: row.name,
    labels: JSON.parse(row.labels) as string[],
    drainingSince: row.draining_since,
  }));
}

export async function saveDraining(
  rows: Rows,
  serverId: string,
  since: number | null,
): Promise<void> {
  await rows
    .updateTable('servers')
    .set({ draining_since: since })
    .where('id', '=', serverId)
    .execute();
}

export async function savePastEpochs(
  rows: Rows,
  serverId: string,
  pastEpochs: readonly PastEpoch[],
): Promise<void> {
  await rows
    .updateTable('servers')
    .set({ past_epochs: JSON.stringify(pastEpochs) })
    .where('id', '=', serverId)
    .execute();
}

/** Once: false when it is quarantined or retired already. */
export async function markQuarantined(rows: Rows, serverId: string, now: number): Promise<boolean> {
  const done = await rows
    .updateTable('servers')
    .set({ quarantined_at: now })
    .where('id', '=', serverId)
    .where('retired_at', 'is', null)
    .where('quarantined_at', 'is', null)
    .executeTakeFirst();
  return Number(done.numUpdatedRows) === 1;
}

/** Servers last seen at `before` or earlier of which nobody was told yet: from here on somebody
 * was. */
export async function takeNewlySilent(
  rows: Rows,
  before: number,
): Promise<{ id: string; name: string; siteId: string; lastSeenAt: number | null }[]> {
  const found = await rows
    .updateTable('servers')
    .set({ silent_told: 1 })
    .where('silent_told', '=', 0)
    .where('retired_at', 'is', null)
    .where('quarantined_at', 'is', null)
    .where('last_seen_at', '<=', before)
    .returning(['id', 'name', 'site_id', 'last_seen_at'])
    .execute();
  return found.map((row) => ({
    id: row.id,
    name: row.name,
    siteId: row.site_id,
    lastSeenAt: row.last_seen_at,
  }));
}

export async function markRetired(rows: Rows, serverId: string, now: number): Promise<void> {
  await rows.updateTable('servers').set({ retired_at: now }).where('id', '=', serverId).execute();
}

/** Facts for choosing where a session starts. */
export async function selectCandidates(
  rows: Rows,
  siteId: string,
  applicationId: string,
): Promise<
  {
    serverId: string;
    lastSeenAt: number | null;
    roles: string[];
    draining: boolean;
    installed: boolean;
    liveSessions: number;
    maxSessions: number;
  }[]
> {
  const found = await serverColumns(rows)
    .leftJoin('server_applications as i', (join) =>
      join
        .onRef('i.server_id', '=', 'v.id')
        .on('i.application_id', '=', applicationId)
        .on('i.state', '=', 'installed')
        .on('i.wanted', '=', 1),
    )
    .select('i.application_id as installed_id')
    .where('v.site_id', '=', siteId)
    .where('v.retired_at', 'is', null)
    .where('v.quarantined_at', 'is', null)
    .execute();
  return found.map((row) => ({
    serverId: row.id,
    lastSeenAt: row.last_seen_at,
    roles: JSON.parse(row.roles) as string[],
    draining: row.draining_since !== null,
    installed: row.installed_id !== null,
    liveSessions: Number(row.live ?? 0),
    maxSessions: row.max_sessions,
  }));
}

export async function selectInstalledAtSite(rows: Rows, siteId: string): Promise<Set<string>> {
  const found = await rows
    .selectFrom('server_applications as i')
    .innerJoin('servers as v', 'v.id', 'i.server_id')
    .select('i.application_id')
    .where('v.site_id', '=', siteId)
    .where('v.retired_at', 'is', null)
    .where('v.quarantined_at', 'is', null)
    .where('i.state', '=', 'installed')
    .where('i.wanted', '=', 1)
    .execute();
  return new Set(found.map((row) => row.application_id));
}

export async function deleteOldEnrolmentCodes(rows: Rows, before: number): Promise<void> {
  await rows
    .deleteFrom('enrolment_codes')
    .where('expires_at', '<', before)
    .where('used_at', 'is', null)
    .execute();
}

export const newServerId = () => newId('srv');
