/** Writes the complete, numbered and signed desired state of a server, in the transaction that
 * changed the rows it is built from. */
import type { DesiredState, SignedState } from '@preau/contract/desired-state.ts';
import { AppError } from '@preau/contract/errors.ts';
import { PROTOCOL } from '@preau/contract/protocol.ts';
import type { Topic } from '@preau/contract/topics.ts';
import type { AgentActor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { readPolicyChange, writePolicies } from '#src/rules/documents.ts';
import { selectPolicy } from '#src/rules/store.ts';
import { selectPolicySites } from '#src/sites/store.ts';
import { nextGeneration, nextGenerations, selectServerRows } from '../store.ts';
import { selectDesired } from './parts/store.ts';
import {
  countServers,
  saveDesiredStates,
  selectDesiredState,
  selectServersWith,
  selectSiteOfServers,
} from './store.ts';

type Deps = Pick<Platform, 'config' | 'clock' | 'secrets'>;

/** `generation`: one already taken in this transaction with `nextGeneration`; by default the next
 * one is taken. Returns the topic to wake after the commit. */
export async function publishDesiredState(
  deps: Deps,
  rows: Rows,
  serverId: string,
  generation?: number,
): Promise<Topic> {
  await publishDesiredStates(
    deps,
    rows,
    new Map([[serverId, generation ?? (await nextGeneration(rows, serverId))]]),
  );
  return `agent:${serverId}`;
}

/** Over how many milliseconds the servers of a city spread the reports that one wake-up causes. A
 * report costs the controller about 5 ms: a thousand at once would hold up the wake-ups of others.
 * Pure. */
const reportDelayFor = (servers: number): number => Math.min(Math.max(servers * 4, 300), 20_000);

/** The count of servers is cached for this long: counting a thousand servers to write the state of
 * one would be a large part of the work. */
const countedForMs = 10_000;
const counts = new WeakMap<object, { at: number; servers: number }>();
async function fleetSize(deps: Deps, rows: Rows): Promise<number> {
  const now = deps.clock.now();
  const known = counts.get(deps.config);
  if (known !== undefined && now >= known.at && now - known.at < countedForMs) return known.servers;
  const servers = await countServers(rows);
  counts.set(deps.config, { at: now, servers });
  return servers;
}

/** As `publishDesiredState`, for many servers with shared queries. `generations`: by server id,
 * taken in this transaction. */
export async function publishDesiredStates(
  deps: Deps,
  rows: Rows,
  generations: ReadonlyMap<string, number>,
): Promise<Topic[]> {
  if (generations.size === 0) return [];
  const desired = await selectDesired(rows, [...generations.keys()]);
  const issuedAt = deps.clock.now();
  const momentMs = reportDelayFor(await fleetSize(deps, rows));
  const policyOf = await selectPolicyOf(rows, [...generations.keys()], issuedAt);
  await saveDesiredStates(
    rows,
    [...generations].map(([serverId, generation]) => {
      const state: DesiredState = {
        protocol: PROTOCOL,
        serverId,
        generation,
        issuedAt,
        standbyDisplays: deps.config.PREAU_STANDBY_DISPLAYS,
        momentMs,
        ...policyOf(serverId),
        ...desired(serverId),
      };
      const document = JSON.stringify(state);
      return { serverId, generation, document, signature: deps.secrets.sign(document) };
    }),
  );
  return [...generations.keys()].map((serverId): Topic => `agent:${serverId}`);
}

/** Call before changing facts about an application that rules read: locks every server whose state
 * names it. Call the returned function after the change: it writes their new states and returns the
 * topics to wake. */
export const publishWhereNamed =
  (deps: Deps) =>
  async (rows: Rows, applicationId: string): Promise<() => Promise<Topic[]>> => {
    const generations = await nextGenerations(rows, await selectServersWith(rows, applicationId));
    return () => publishDesiredStates(deps, rows, generations);
  };

/** Takes the next generations of all servers of a site, which locks them. */
export async function lockSite(rows: Rows, siteId: string): Promise<Map<string, number>> {
  return nextGenerations(
    rows,
    (await selectServerRows(rows, { siteId })).map(({ id }) => id),
  );
}

/** Publishes the states of all servers of a site: each contains the list of the site's servers and
 * which of them caches packages for the others. Returns the topics to wake. */
export async function publishForNeighbours(
  deps: Deps,
  rows: Rows,
  siteId: string,
  generations?: ReadonlyMap<string, number>,
): Promise<Topic[]> {
  return publishDesiredStates(deps, rows, generations ?? (await lockSite(rows, siteId)));
}

/** `knownPolicy`: the hash of the rules the agent has. Rules are sent only when they differ from
 * those: as a difference if possible, otherwise whole. Refuses with NOT_FOUND. */
export async function readDesiredState(
  deps: Pick<Platform, 'database'>,
  actor: AgentActor,
  knownPolicy: string | null = null,
): Promise<SignedState> {
  const signed = await selectDesiredState(deps.database, actor.id);
  if (signed === undefined) throw new AppError('NOT_FOUND', { desiredState: actor.id });
  const { document, signature } = signed;
  const hash = /"policy":"([0-9a-f]{64})"/.exec(document)?.[1] ?? '';
  if (hash === knownPolicy) return { document, signature, policy: null };
  const change =
    knownPolicy === null ? null : await readPolicyChange(deps.database, knownPolicy, hash);
  return change === null
    ? { document, signature, policy: (await selectPolicy(deps.database, hash)) ?? null }
    : { document, signature, policy: null, change };
}

/** The schools of these servers as rules see them, and the rules they follow. */
async function selectPolicyOf(
  rows: Rows,
  serverIds: readonly string[],
  now: number,
): Promise<(serverId: string) => Pick<DesiredState, 'site' | 'policy'>> {
  const servers = await selectSiteOfServers(rows, serverIds);
  const sites = await selectPolicySites(rows, [
    ...new Set([...servers.values()].map(({ siteId }) => siteId)),
  ]);
  // A school for which no policy document was written since it was added gets one now.
  const without = [
    ...new Set(
      [...servers.values()]
        .filter((server) => server.policyHash === null)
        .map((server) => server.siteId),
    ),
  ];
  const written =
    without.length === 0 ? new Map<string, string>() : await writePolicies(rows, without, now);
  return (serverId) => {
    const server = servers.get(serverId);
    const site = server === undefined ? undefined : sites.get(server.siteId);
    if (server === undefined || site === undefined)
      throw new Error(`server ${serverId} belongs to no school`);
    const { siteId, siteGroupIds, timeZone, holidayZone, closures, networks } = site;
    return {
      site: {
        siteId,
        siteGroupIds: [...siteGroupIds],
        timeZone,
        holidayZone,
        closures: [...closures],
        networks: networks.map(({ subnet, labels }) => ({ subnet, labels: [...labels] })),
      },
      policy: server.policyHash ?? written.get(siteId) ?? '',
    };
  };
}
