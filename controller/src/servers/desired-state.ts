/** Writes what a server should be: read from rows, complete, numbered, signed, in the transaction that changed them. */
import type { DesiredState, SignedState } from '@preau/contract/desired-state.ts';
import { AppError } from '@preau/contract/errors.ts';
import { PROTOCOL } from '@preau/contract/protocol.ts';
import type { AgentActor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { nextGeneration, saveDesiredState, selectDesiredApplications, selectDesiredOrders, selectDesiredSessions, selectDesiredState, selectNeighbours, selectServerRows } from './store.ts';

type Deps = Pick<Platform, 'config' | 'clock' | 'secrets'>;

/** `generation`: one already taken in this transaction with `nextGeneration`; without it the next one is taken.
 *  Returns the topic to wake after the commit. */
export async function publishDesiredState(deps: Deps, rows: Rows, serverId: string, generation?: number): Promise<string> {
  const number = generation ?? (await nextGeneration(rows, serverId));
  const state: DesiredState = {
    protocol: PROTOCOL,
    serverId,
    generation: number,
    issuedAt: deps.clock.now(),
    standbyDisplays: deps.config.PREAU_STANDBY_DISPLAYS,
    ...(await selectDesiredApplications(rows, serverId)),
    sessions: await selectDesiredSessions(rows, serverId),
    orders: await selectDesiredOrders(rows, serverId),
    ...(await selectNeighbours(rows, serverId)),
  };
  const document = JSON.stringify(state);
  await saveDesiredState(rows, serverId, number, { document, signature: deps.secrets.sign(document) });
  return `agent:${serverId}`;
}

/** Takes the generations of all servers of a site, in the order of their ids, so that two who do so never wait for each other. */
export async function lockSite(rows: Rows, siteId: string): Promise<Map<string, number>> {
  const generations = new Map<string, number>();
  for (const { id } of await selectServerRows(rows, { siteId })) generations.set(id, await nextGeneration(rows, id));
  return generations;
}

/** Who belongs to a site, and which of its servers keeps packages for the others, is part of the state of each of them.
 *  Returns the topics to wake. */
export async function publishForNeighbours(deps: Deps, rows: Rows, siteId: string, generations?: ReadonlyMap<string, number>): Promise<string[]> {
  const topics: string[] = [];
  for (const [id, generation] of generations ?? (await lockSite(rows, siteId))) topics.push(await publishDesiredState(deps, rows, id, generation));
  return topics;
}

export async function readDesiredState(deps: Pick<Platform, 'database'>, actor: AgentActor): Promise<SignedState> {
  const signed = await selectDesiredState(deps.database, actor.id);
  if (signed === undefined) throw new AppError('NOT_FOUND', { desiredState: actor.id });
  return signed;
}
