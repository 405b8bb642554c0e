/** Servers: the machines of a site that run an agent. */
import { type Static, Type } from 'typebox';
import { InstalledApplication } from './application.ts';
import { Boot } from './asking.ts';
import { DisplayAddress } from './enrolment.ts';
import { FailedStep, Health, Inventory, ServerId } from './report.ts';
import { ServerRestart } from './restart.ts';
import { Line, Nullable, OneOf, Slug, Strict } from './schema.ts';
import { SiteId } from './site.ts';

export const serverRoles = ['execution', 'files', 'filtering'] as const;

/** A server silent for this long is shown as offline and gets no launches. Two reports may be lost.
 * The sweep runs every 10 s, so a server that vanishes is noticed within 60 s in the worst case. */
export const offlineAfterMs = 45_000;
export const reportEveryMs = 20_000;

export const ServerSummary = Strict({
  id: ServerId,
  siteId: SiteId,
  siteName: Line(120),
  name: Line(80),
  roles: Type.Array(OneOf(serverRoles)),
  labels: Type.Array(Slug),
  health: OneOf(['online', 'offline', 'failing', 'quarantined', 'retired']),
  /** Since when it takes no new session; running sessions continue. */
  drainingSince: Nullable(Type.Integer()),
  /** Since when two machines are known to use its identity; its key is refused. */
  quarantinedAt: Nullable(Type.Integer()),
  agentVersion: Nullable(Line(40)),
  /** The generation wanted, and the last one that the agent has applied. */
  generation: Type.Integer(),
  appliedGeneration: Type.Integer(),
  lastSeenAt: Nullable(Type.Integer()),
  vitals: Nullable(Health),
  /** Its clock minus the city's, in ms, while they differ too much; null: right, or not known. */
  clockSkewMs: Nullable(Type.Integer()),
  /** Null: none is needed, or the agent does not say. */
  restartNeeded: Boot.properties.restartNeeded,
  /** The agent can restart the machine. */
  canRestart: Type.Boolean(),
  /** The open one, or the last one of the past two days. */
  restart: Nullable(ServerRestart),
  liveSessions: Type.Integer(),
  maxSessions: Type.Integer(),
});
export type ServerSummary = Static<typeof ServerSummary>;

export const Server = Strict({
  ...ServerSummary.properties,
  /** The only address at which the gateway looks for its displays; null until it is known.
   * `refused`: another one that it has reported since. */
  display: Nullable(
    Strict({
      ...DisplayAddress.properties,
      refused: Nullable(Strict({ ...DisplayAddress.properties, at: Type.Integer() })),
    }),
  ),
  inventory: Nullable(Inventory),
  /** The packages in `inventory.chosen` that a recipe of the catalogue installs; the others were
   * installed by hand. */
  knownPackages: Type.Array(Line(120)),
  failedSteps: Type.Array(FailedStep),
  applications: Type.Array(InstalledApplication),
});
export type Server = Static<typeof Server>;

export const WantApplication = Strict({ wanted: Type.Boolean() });

/** Omitted fields stay unchanged. */
export const ServerChanges = Strict({
  name: Type.Optional(Line(80)),
  roles: Type.Optional(Type.Array(OneOf(serverRoles), { minItems: 1, uniqueItems: true })),
  labels: Type.Optional(Type.Array(Slug, { maxItems: 20, uniqueItems: true })),
  maxSessions: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
  display: Type.Optional(DisplayAddress),
});
export type ServerChanges = Static<typeof ServerChanges>;

/** Many servers at once: if one is unknown or out of the caller's reach, the whole call is
 * refused. */
const serverIds = Type.Array(ServerId, { minItems: 1, maxItems: 5000, uniqueItems: true });
export const DrainServers = Strict({ serverIds, draining: Type.Boolean() });
export type DrainServers = Static<typeof DrainServers>;
export const LabelServers = Strict({
  serverIds,
  add: Type.Array(Slug, { maxItems: 20, uniqueItems: true }),
  remove: Type.Array(Slug, { maxItems: 20, uniqueItems: true }),
});
export type LabelServers = Static<typeof LabelServers>;
