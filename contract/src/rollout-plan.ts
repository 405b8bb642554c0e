/** The plan of a rollout: who gets what in which wave, who does not, and why. */
import { type Static, Type } from 'typebox';
import { ApplicationId, VersionId } from './application.ts';
import { RolloutId } from './rollout-states.ts';
import { Id, Line, Nullable, OneOf, Slug, Strict, Translated } from './schema.ts';

export const planActions = [
  'install',
  'change_version',
  'remove',
  'nothing_to_do',
  'not_applicable',
] as const;
export const PlanEntry = Strict({
  serverId: Id('srv'),
  serverName: Line(80),
  siteId: Id('sit'),
  siteName: Line(120),
  wave: Type.Integer({ minimum: 1 }),
  online: Type.Boolean(),
  items: Type.Array(
    Strict({ applicationId: ApplicationId, action: OneOf(planActions), from: Nullable(Line(80)) }),
  ),
  bytes: Type.Integer(),
  minutes: Type.Number(),
});
export type PlanEntry = Static<typeof PlanEntry>;
export const leftOutReasons = [
  'no_server',
  'retired',
  'draining',
  'quarantined',
  'no_label',
  'not_applicable',
] as const;
/** The plan without its entries, which are read page by page because there may be thousands. */
export const RolloutPlan = Strict({
  /** SHA-256 of who gets what, in which order; approval and start are bound to it. */
  hash: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  at: Type.Integer(),
  applications: Type.Array(
    Strict({
      applicationId: ApplicationId,
      versionId: VersionId,
      slug: Slug,
      name: Translated(80),
      version: Line(80),
      want: OneOf(['present', 'absent']),
      becauseOf: Nullable(Slug),
    }),
  ),
  leftOut: Type.Array(
    Strict({
      siteId: Id('sit'),
      siteName: Line(120),
      serverName: Nullable(Line(80)),
      reason: OneOf(leftOutReasons),
    }),
  ),
  clashes: Type.Array(
    Strict({
      rolloutId: RolloutId,
      rolloutName: Line(120),
      servers: Type.Integer(),
      kind: OneOf(['supersedes', 'waits_for']),
    }),
  ),
  totals: Strict({
    sites: Type.Integer(),
    servers: Type.Integer(),
    nothingToDo: Type.Integer(),
    offline: Type.Integer(),
    bytes: Type.Integer(),
    minutes: Type.Number(),
  }),
  needsApproval: Type.Boolean(),
});
export type RolloutPlan = Static<typeof RolloutPlan>;
