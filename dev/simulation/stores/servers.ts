/** Replaces the stores of controller/src/servers: what reports, desired states and the retirement
 * of a server read and write. */

import type { Recipes } from '@preau/contract/application.ts';
import type { DesiredApplication } from '@preau/contract/desired-state.ts';
import { inFlightStates } from '@preau/contract/rollout-states.ts';

import type * as parts from '../../../controller/src/servers/desired/parts/store.ts';
import type * as desired from '../../../controller/src/servers/desired/store.ts';
import type * as enrolment from '../../../controller/src/servers/enrolment/store.ts';
import type * as reported from '../../../controller/src/servers/reported/store.ts';
import type * as servers from '../../../controller/src/servers/store.ts';
import { connectionOf, type Shapes } from '../tables.ts';
import { noRulesHash } from './others.ts';

const inFlight: readonly string[] = inFlightStates;

export const selectServerRow: typeof servers.selectServerRow = async (rows, id) => {
  const { tables, world } = connectionOf(rows);
  const row = tables.of.servers.get(id);
  if (row === undefined || row.retiredAt !== null) return undefined;
  return world.without === 'serial' ? { ...row, seq: 0, pastEpochs: [] } : row;
};

export const selectServerRows: typeof servers.selectServerRows = async (rows, filter) =>
  [...connectionOf(rows).tables.of.servers.values()]
    .filter(
      (row) =>
        row.retiredAt === null &&
        ('siteId' in filter
          ? row.siteId === filter.siteId && row.quarantinedAt === null
          : filter.ids.includes(row.id)),
    )
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map((row) => ({ ...row, bootId: null }));

export const nextGeneration: typeof servers.nextGeneration = async (rows, serverId) => {
  const connection = connectionOf(rows);
  const row = connection.tables.of.servers.get(serverId);
  if (row === undefined) throw new Error(`no server ${serverId}`);
  connection.put('servers', serverId, { ...row, generation: row.generation + 1 });
  return row.generation + 1;
};

export const nextGenerations: typeof servers.nextGenerations = async (rows, serverIds) => {
  const taken = new Map<string, number>();
  for (const serverId of [...serverIds].sort())
    taken.set(serverId, await nextGeneration(rows, serverId));
  return taken;
};

export const selectDesired: typeof parts.selectDesired = async (rows) => (serverId) => {
  const { of, versions } = connectionOf(rows).tables;
  const wishes = [...of.wishes.values()].filter((wish) => wish.serverId === serverId);
  const desired = ({ applicationId, versionId, askedAt }: Shapes['wishes']): DesiredApplication[] =>
    versions
      .filter((version) => version.versionId === versionId)
      .map(({ slug, version, recipes }) => ({
        applicationId,
        versionId,
        slug,
        category: 'tools',
        labels: [],
        version,
        recipes: recipes as Recipes,
        askedAt,
      }));
  return {
    applications: wishes.filter(({ wanted }) => wanted).flatMap(desired),
    removals: wishes.filter(({ wanted, state }) => !wanted && state !== 'removed').flatMap(desired),
    sessions: [],
    transfers: [],
    cache: null,
    peers: [],
    orders: [...of.targets.values()]
      .filter((target) => target.serverId === serverId && inFlight.includes(target.state))
      .sort((a, b) => (a.offeredAt ?? 0) - (b.offeredAt ?? 0))
      .flatMap(({ order }) => (order === null ? [] : [order])),
  };
};

export const countServers: typeof desired.countServers = async (rows) =>
  connectionOf(rows).tables.of.servers.size;

export const selectSiteOfServers: typeof desired.selectSiteOfServers = async (rows, serverIds) =>
  new Map(
    serverIds.flatMap((id) => {
      const server = connectionOf(rows).tables.of.servers.get(id);
      return server === undefined
        ? []
        : [[id, { siteId: server.siteId, policyHash: noRulesHash }] as const];
    }),
  );

export const saveDesiredStates: typeof desired.saveDesiredStates = async (rows, states) => {
  for (const state of states) connectionOf(rows).put('desired', state.serverId, state);
};
export const selectDesiredState: typeof desired.selectDesiredState = async (rows, serverId) =>
  connectionOf(rows).tables.of.desired.get(serverId);

const changeServer = (
  rows: Parameters<typeof reported.saveVitals>[0],
  serverId: string,
  set: Partial<Shapes['servers']>,
) => {
  const connection = connectionOf(rows);
  const row = connection.tables.of.servers.get(serverId);
  if (row !== undefined) connection.put('servers', serverId, { ...row, ...set });
};

export const saveVitals: typeof reported.saveVitals = async (
  rows,
  serverId,
  { epoch, seq, pastEpochs, at, appliedGeneration, failedSteps },
) =>
  changeServer(rows, serverId, {
    epoch,
    seq,
    pastEpochs: [...pastEpochs],
    lastSeenAt: at,
    appliedGeneration,
    failedSteps,
    silentTold: false,
  });
/** No database of the simulation is restored. */
export const raiseGeneration: typeof servers.raiseGeneration = async (rows, server, reported) => {
  if (reported > server.generation) changeServer(rows, server.id, { generation: reported + 1 });
};
export const savePastEpochs: typeof reported.savePastEpochs = async (rows, serverId, pastEpochs) =>
  changeServer(rows, serverId, { pastEpochs: [...pastEpochs] });
export const saveClockSkew: typeof reported.saveClockSkew = async (rows, serverId, clockSkewMs) =>
  changeServer(rows, serverId, { clockSkewMs });
export const saveDraining: typeof servers.saveDraining = async (rows, serverId, drainingSince) =>
  changeServer(rows, serverId, { drainingSince });
export const markRetired: typeof enrolment.markRetired = async (rows, serverId, retiredAt) =>
  changeServer(rows, serverId, { retiredAt });
export const markQuarantined: typeof servers.markQuarantined = async (
  rows,
  serverId,
  quarantinedAt,
) => {
  changeServer(rows, serverId, { quarantinedAt });
  return true;
};

export const selectServerApplicationStates: typeof reported.selectServerApplicationStates = async (
  rows,
  serverId,
) =>
  new Map(
    [...connectionOf(rows).tables.of.wishes.values()]
      .filter((wish) => wish.serverId === serverId)
      .map(({ applicationId, state, error, version }) => [
        applicationId,
        { state, error, version, name: applicationId, iconHash: null },
      ]),
  );

export const saveApplicationState: typeof reported.saveApplicationState = async (
  rows,
  serverId,
  applicationId,
  { state, version, error },
) => {
  const connection = connectionOf(rows);
  const wish = connection.tables.of.wishes.get(`${serverId} ${applicationId}`);
  if (wish !== undefined)
    connection.put('wishes', `${serverId} ${applicationId}`, { ...wish, state, version, error });
};

export const saveOutcome: typeof desired.saveOutcome = async (
  rows,
  { serverId, applicationId, versionId, wanted, version, now },
) => {
  const connection = connectionOf(rows);
  const key = `${serverId} ${applicationId}`;
  const askedAt = connection.tables.of.wishes.get(key)?.askedAt ?? now;
  connection.put('wishes', key, {
    serverId,
    applicationId,
    versionId,
    wanted,
    state: wanted ? 'installed' : 'removed',
    version: wanted ? version : null,
    error: null,
    askedAt,
  });
};
