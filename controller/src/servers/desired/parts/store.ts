/** All SQL for the contents of desired states: applications, sessions, transfers, orders and the
 * other servers of the school. Each is read for many servers at once. */

import type { Recipes } from '@preau/contract/application.ts';
import type {
  DesiredApplication,
  DesiredSession,
  DesiredState,
} from '@preau/contract/desired-state.ts';
import type { DesiredTransfer } from '@preau/contract/exchange.ts';
import type { Order } from '@preau/contract/order.ts';
import { inFlightStates } from '@preau/contract/rollout-states.ts';

import { liveStates } from '@preau/contract/session.ts';
import type { Rows } from '#src/platform/database.ts';
import { selectErasedHomes } from '../../homes/store.ts';
import { cacheOf } from '../../store.ts';
import { askTogether } from './ask-together.ts';
import { forEarlierAgent } from './for-agent.ts';

/** The parts of desired states that differ from server to server. */
export async function selectDesired(
  rows: Rows,
  serverIds: readonly string[],
): Promise<
  (
    serverId: string,
  ) => Pick<
    DesiredState,
    | 'applications'
    | 'removals'
    | 'sessions'
    | 'transfers'
    | 'orders'
    | 'cache'
    | 'peers'
    | 'questions'
    | 'restart'
    | 'erasedHomes'
  >
> {
  const [applications, sessions, transfers, orders, neighbours, questions, boots, homes] = [
    await selectDesiredApplications(rows, serverIds),
    await selectDesiredSessions(rows, serverIds),
    await selectDesiredTransfers(rows, serverIds),
    await selectDesiredOrders(rows, serverIds),
    await selectNeighbours(rows, serverIds),
    await selectDesiredQuestions(rows, serverIds),
    await selectBoots(rows, serverIds),
    await selectErasedHomes(rows, serverIds),
  ];
  return (serverId) => {
    const { isEarlierAgent, restart } = boots(serverId);
    const parts = {
      ...applications(serverId),
      sessions: sessions.get(serverId) ?? [],
      transfers: transfers.get(serverId) ?? [],
      orders: orders.get(serverId) ?? [],
      ...neighbours(serverId),
      ...questions(serverId),
      ...restart,
      ...homes(serverId),
    };
    return isEarlierAgent ? forEarlierAgent(parts) : parts;
  };
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
  const byServer = Map.groupBy(found, (row) => row.server_id);
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
      'p.number',
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
    ...(row.number === null ? {} : { uid: row.number }),
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
    [...Map.groupBy(found, (row) => row.server_id)].map(([serverId, known]) => [
      serverId,
      known.map(desired),
    ]),
  );
}

/** Files that people sent to these servers, and files that people asked for from them. */
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
    [...Map.groupBy(found, (row) => row.server_id)].map(([serverId, known]) => [
      serverId,
      known.slice(0, 2000).map(desired),
    ]),
  );
}

/** Orders of rollouts in flight on these servers. */
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
    [...Map.groupBy(found, (row) => row.server_id)].map(([serverId, known]) => [
      serverId,
      known.slice(0, 20).map((row) => JSON.parse(row.order_body ?? '') as Order),
    ]),
  );
}

/** What plans ask these servers, as far as their agents can answer. */
async function selectDesiredQuestions(
  rows: Rows,
  serverIds: readonly string[],
): Promise<(serverId: string) => Pick<DesiredState, 'questions'>> {
  const found = await rows
    .selectFrom('rollout_questions as q')
    .innerJoin('servers as v', 'v.id', 'q.server_id')
    .select(['q.server_id', 'q.key', 'q.asked'])
    .where('q.server_id', 'in', [...serverIds])
    .where('q.answered_at', 'is', null)
    .where('v.answers', '=', 1)
    .orderBy('q.asked_at')
    .orderBy('q.rollout_id')
    .execute();
  const byServer = Map.groupBy(found, (row) => row.server_id);
  return (serverId) => {
    const asked = byServer.get(serverId);
    if (asked === undefined) return {};
    return {
      questions: askTogether(
        asked.map(({ key, asked: text }) => ({
          key,
          asked: JSON.parse(text) as DesiredApplication[],
        })),
      ),
    };
  };
}

/** Restarts that are due. An agent that does not report its boot is one of version 0.1.0. */
async function selectBoots(
  rows: Rows,
  serverIds: readonly string[],
): Promise<
  (serverId: string) => { isEarlierAgent: boolean; restart: Pick<DesiredState, 'restart'> }
> {
  const found = await rows
    .selectFrom('servers as v')
    .leftJoin('restarts as r', (join) =>
      join.onRef('r.server_id', '=', 'v.id').on('r.state', '=', 'restarting'),
    )
    .select(['v.id', 'v.boot', 'r.boot_id', 'r.begun_at'])
    .where('v.id', 'in', [...serverIds])
    .execute();
  const byServer = new Map(found.map((row) => [row.id, row]));
  return (serverId) => {
    const {
      boot = null,
      boot_id: bootId = null,
      begun_at: at = null,
    } = byServer.get(serverId) ?? {};
    return {
      isEarlierAgent: boot === null,
      restart: bootId === null ? {} : { restart: { bootId, at: at ?? 0 } },
    };
  };
}

/** The servers of each site, and the one that downloads packages for the others: the oldest that
 * reports where its package cache listens. */
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
    [...Map.groupBy(found, (row) => row.site_id)].map(([siteId, all]) => {
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
