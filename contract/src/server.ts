/** A machine of a site with an agent. */
import { type Static, Type } from 'typebox';
import { InstalledApplication } from './application.ts';
import { FailedStep, Health, Inventory, ServerId } from './report.ts';
import { Line, Nullable, OneOf, Strict } from './schema.ts';
import { SiteId } from './site.ts';

export const serverRoles = ['execution', 'files', 'filtering'] as const;

/** Silent for this long: shown as offline, not chosen for launches. Agents report every 20 s. */
export const offlineAfterMs = 50_000;
export const reportEveryMs = 20_000;

export const ServerSummary = Strict({
  id: ServerId,
  siteId: SiteId,
  siteName: Line(120),
  name: Line(80),
  roles: Type.Array(OneOf(serverRoles)),
  health: OneOf(['online', 'offline', 'failing', 'retired']),
  /** Generation asked for, and the last one the agent has worked through. */
  generation: Type.Integer(),
  appliedGeneration: Type.Integer(),
  lastSeenAt: Nullable(Type.Integer()),
  vitals: Nullable(Health),
  liveSessions: Type.Integer(),
  maxSessions: Type.Integer(),
});
export type ServerSummary = Static<typeof ServerSummary>;

export const Server = Strict({
  ...ServerSummary.properties,
  inventory: Nullable(Inventory),
  failedSteps: Type.Array(FailedStep),
  applications: Type.Array(InstalledApplication),
});
export type Server = Static<typeof Server>;

export const WantApplication = Strict({ wanted: Type.Boolean() });
