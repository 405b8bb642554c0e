/** Writes what a server should be: read from rows, complete, numbered, signed, in the transaction that changed them. */
import type { DesiredState, SignedState } from '@preau/contract/desired-state.ts';
import { AppError } from '@preau/contract/errors.ts';
import { PROTOCOL } from '@preau/contract/protocol.ts';
import type { AgentActor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { nextGeneration, saveDesiredState, selectDesiredApplications, selectDesiredOrders, selectDesiredSessions, selectDesiredState, selectNeighbours } from './store.ts';

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

export async function readDesiredState(deps: Pick<Platform, 'database'>, actor: AgentActor): Promise<SignedState> {
  const signed = await selectDesiredState(deps.database, actor.id);
  if (signed === undefined) throw new AppError('NOT_FOUND', { desiredState: actor.id });
  return signed;
}
