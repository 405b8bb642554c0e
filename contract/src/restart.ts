/** Restarts of servers: which need one, and how one that was asked for goes. */
import { type Static, Type } from 'typebox';
import { ServerId } from './report.ts';
import { Line, Nullable, OneOf, Strict } from './schema.ts';

/** `waiting`: for its time, or for the server before it. `told`: people in its sessions have been
 * told, and it takes no new ones. `restarting`: it has been told to. The others are final. */
export const restartStates = [
  'waiting',
  'told',
  'restarting',
  'done',
  'failed',
  'skipped',
  'cancelled',
] as const;
export type RestartState = (typeof restartStates)[number];
export const openRestartStates = [
  'waiting',
  'told',
  'restarting',
] as const satisfies RestartState[];
export const isRestartOpen = (state: RestartState): boolean =>
  (openRestartStates as readonly RestartState[]).includes(state);

/** `not_back`: it has not come back in time. `unwell`: it is back, but its displays do not start.
 * `offline`, `busy`, `gone`: it could not be restarted when it was its turn. `stopped`: a server of
 * the same school has not come back before it. */
export const restartReasons = ['not_back', 'unwell', 'offline', 'busy', 'gone', 'stopped'] as const;
export type RestartReason = (typeof restartReasons)[number];

/** People in running sessions are told this long before their server restarts, in ms. */
export const restartToldMs = 5 * 60_000;

/** `at`: when it is due, epoch ms; later for a server that waits for another one. */
export const ServerRestart = Strict({
  state: OneOf(restartStates),
  at: Type.Integer(),
  reason: Nullable(OneOf(restartReasons)),
  endedAt: Nullable(Type.Integer()),
  createdByName: Line(120),
});
export type ServerRestart = Static<typeof ServerRestart>;

/** Restarts these servers, those of one school one after the other. `tonight`: at the next 02:00 of
 * each school. */
export const RestartServers = Strict({
  serverIds: Type.Array(ServerId, { minItems: 1, maxItems: 5000, uniqueItems: true }),
  when: OneOf(['tonight', 'now']),
});
export type RestartServers = Static<typeof RestartServers>;
export const CancelRestarts = Strict({ serverIds: RestartServers.properties.serverIds });
export type CancelRestarts = Static<typeof CancelRestarts>;
