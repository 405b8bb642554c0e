/** Writes what a server should be: read from rows, complete, numbered, signed, in the transaction that changed them. */
import type { DesiredState, SignedState } from '@preau/contract/desired-state.ts';
import { AppError } from '@preau/contract/errors.ts';
import { PROTOCOL } from '@preau/contract/protocol.ts';
import type { AgentActor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { nextGeneration, nextGenerations, saveDesiredStates, selectDesired, selectDesiredState, selectServerRows } from './store.ts';

type Deps = Pick<Platform, 'config' | 'clock' | 'secrets'>;

/** `generation`: one already taken in this transaction with `nextGeneration`; without it the next one is taken.
 *  Returns the topic to wake after the commit. */
export async function publishDesiredState(deps: Deps, rows: Rows, serverId: string, generation?: number): Promise<string> {
  await publishDesiredStates(deps, rows, new Map([[serverId, generation ?? (await nextGeneration(rows, serverId))]]));
  return `agent:${serverId}`;
}

/** Of many at once: each is read with the others. `generations`: taken in this transaction, by server. */
export async function publishDesiredStates(deps: Deps, rows: Rows, generations: ReadonlyMap<string, number>): Promise<string[]> {
  if (generations.size === 0) return [];
  const desired = await selectDesired(rows, [...generations.keys()]);
  const issuedAt = deps.clock.now();
  await saveDesiredStates(rows, [...generations].map(([serverId, generation]) => {
    const state: DesiredState = { protocol: PROTOCOL, serverId, generation, issuedAt, standbyDisplays: deps.config.PREAU_STANDBY_DISPLAYS, ...desired(serverId) };
    const document = JSON.stringify(state);
    return { serverId, generation, document, signature: deps.secrets.sign(document) };
  }));
  return [...generations.keys()].map((serverId) => `agent:${serverId}`);
}

/** Takes the generations of all servers of a site. */
export async function lockSite(rows: Rows, siteId: string): Promise<Map<string, number>> {
  return nextGenerations(rows, (await selectServerRows(rows, { siteId })).map(({ id }) => id));
}

/** Who belongs to a site, and which of its servers keeps packages for the others, is part of the state of each of them.
 *  Returns the topics to wake. */
export async function publishForNeighbours(deps: Deps, rows: Rows, siteId: string, generations?: ReadonlyMap<string, number>): Promise<string[]> {
  return publishDesiredStates(deps, rows, generations ?? (await lockSite(rows, siteId)));
}

export async function readDesiredState(deps: Pick<Platform, 'database'>, actor: AgentActor): Promise<SignedState> {
  const signed = await selectDesiredState(deps.database, actor.id);
  if (signed === undefined) throw new AppError('NOT_FOUND', { desiredState: actor.id });
  return signed;
}
