/** Rollouts as the console reads them: installing versions on many servers, in waves with gates.
 *
 * A *rollout* has *waves*; a *target* is one server in one rollout. An *order* tells the server
 * what its target wants. */
import { type Static, Type } from 'typebox';
import { AccountId } from './account.ts';
import { ApplicationId } from './application.ts';
import { ReportedItem } from './order.ts';
import { RolloutDraft, WaveSpec } from './rollout-draft.ts';
import { AskingProgress, RolloutPlan } from './rollout-plan.ts';
import {
  pauseReasons,
  RolloutId,
  rolloutStates,
  targetStates,
  waveStates,
} from './rollout-states.ts';
import { Id, Line, Nullable, OneOf, Slug, Strict, Translated } from './schema.ts';
import { Recurrence } from './windows.ts';

export const badges = ['late', 'recovered', 'installed_after_cancel', 'window_overrun'] as const;
export const Target = Strict({
  serverId: Id('srv'),
  serverName: Line(80),
  siteId: Id('sit'),
  siteName: Line(120),
  wave: Type.Integer(),
  state: OneOf(targetStates),
  reason: Nullable(Type.String()),
  action: OneOf(['install', 'restore']),
  attempt: Type.Integer(),
  code: Nullable(Type.String()),
  message: Nullable(Type.String()),
  badge: Nullable(OneOf(badges)),
  bytesDone: Type.Integer(),
  bytesTotal: Nullable(Type.Integer()),
  items: Type.Array(ReportedItem),
  offeredAt: Nullable(Type.Integer()),
  finishedAt: Nullable(Type.Integer()),
  deadlineAt: Nullable(Type.Integer()),
  opensAt: Nullable(Type.Integer()),
});
export type Target = Static<typeof Target>;
export const TargetDetail = Strict({
  ...Target.properties,
  log: Type.String(),
  evidence: Type.Array(Strict({ at: Type.Integer(), text: Type.String() })),
});
export type TargetDetail = Static<typeof TargetDetail>;

export const Wave = Strict({
  number: Type.Integer(),
  state: OneOf(waveStates),
  spec: WaveSpec,
  size: Type.Integer(),
  openedAt: Nullable(Type.Integer()),
  soakUntil: Nullable(Type.Integer()),
  closedAt: Nullable(Type.Integer()),
  counts: Type.Record(Type.String(), Type.Integer()),
});
export type Wave = Static<typeof Wave>;

const RolloutHead = {
  id: RolloutId,
  name: Line(120),
  state: OneOf(rolloutStates),
  pauseReason: Nullable(OneOf(pauseReasons)),
  /** What stopped the rollout, as text for the technician. */
  note: Nullable(Strict({ fr: Type.String(), en: Type.String() })),
  createdById: Nullable(AccountId),
  createdByName: Line(120),
  createdAt: Type.Integer(),
  startedAt: Nullable(Type.Integer()),
  endedAt: Nullable(Type.Integer()),
  startAt: Nullable(Type.Integer()),
  sites: Type.Integer(),
  applications: Type.Array(
    Strict({
      applicationId: ApplicationId,
      slug: Slug,
      name: Translated(80),
      version: Line(80),
      want: OneOf(['present', 'absent']),
    }),
  ),
  counts: Type.Record(Type.String(), Type.Integer()),
};
export const RolloutSummary = Strict(RolloutHead);
export type RolloutSummary = Static<typeof RolloutSummary>;
export const Rollout = Strict({
  ...RolloutHead,
  version: Type.Integer(),
  draft: RolloutDraft,
  plan: RolloutPlan,
  waves: Type.Array(Wave),
  /** Null: the rollout has begun, or nothing is to be asked. */
  asking: Nullable(AskingProgress),
  approvedByName: Nullable(Line(120)),
  scheduleId: Nullable(Id('sch')),
  supersededBy: Nullable(RolloutId),
  /** Null until there is enough data for an estimate. Time in milliseconds until 50 % and 95 % of
   * the remaining feasible work is done. */
  eta: Nullable(
    Strict({ p50Ms: Type.Integer(), p95Ms: Type.Integer(), waitingForSilent: Type.Integer() }),
  ),
});
export type Rollout = Static<typeof Rollout>;

/** A recurring rollout: at this local time, on these days. */
export const ScheduleDraft = Strict({
  name: Line(120),
  when: Recurrence,
  draft: RolloutDraft,
});
export type ScheduleDraft = Static<typeof ScheduleDraft>;
export const Schedule = Strict({
  id: Id('sch'),
  ...ScheduleDraft.properties,
  paused: Type.Boolean(),
  nextAt: Nullable(Type.Integer()),
  lastRolloutId: Nullable(RolloutId),
  lastProblem: Nullable(Type.String()),
});
export type Schedule = Static<typeof Schedule>;

/** Stops every rollout at once. `fleet`: the brake set itself because too many servers are silent,
 * which points to a problem on the city's side. */
export const Brake = Strict({
  on: Type.Boolean(),
  cause: Nullable(OneOf(['technician', 'fleet'])),
  by: Nullable(Line(120)),
  at: Nullable(Type.Integer()),
  silentServers: Type.Integer(),
  servers: Type.Integer(),
});
export type Brake = Static<typeof Brake>;

/** City-wide settings of rollouts. */
export const RolloutSettings = Strict({
  /** Plans over more sites than this need a second technician; null: never. */
  approvalAboveSites: Nullable(Type.Integer({ minimum: 0, maximum: 100_000 })),
  /** The brake goes on by itself when this share of the servers is silent. */
  brakeAtSilentShare: Type.Number({ minimum: 0.05, maximum: 1 }),
  /** A start is refused when more than this share of the plan has changed. */
  planDriftShare: Type.Number({ minimum: 0, maximum: 1 }),
  closures: Type.Array(Type.String({ pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' }), { maxItems: 400 }),
});
export type RolloutSettings = Static<typeof RolloutSettings>;
export const defaultSettings: RolloutSettings = {
  approvalAboveSites: null,
  brakeAtSilentShare: 0.55,
  planDriftShare: 0.1,
  closures: [],
};
