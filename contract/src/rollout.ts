/** Installing versions on many servers, in waves with gates: states, what each allows, and what
 * crosses the wire.
 *
 *  A *rollout* has *waves*; a *target* is one server in one rollout. A target is carried to its
 * server by an *order*, which is part of the server's signed desired state and is named by what it
 * asks: the same order is never carried out twice. */
import { type Static, Type } from 'typebox';
import { AccountId } from './account.ts';
import { ApplicationId, Recipes, VersionId } from './application.ts';
import { Recurrence, Windows } from './calendar.ts';
import { errorCodes } from './errors.ts';
import { Id, Instant, Line, Nullable, OneOf, Slug, Strict, Translated } from './schema.ts';

export const RolloutId = Id('rol');
export const OrderId = Id('ord');

export const rolloutStates = [
  'planned',
  'awaiting_approval',
  'approved',
  'scheduled',
  'running',
  'paused',
  'cancelling',
  'rolling_back',
  'completed',
  'completed_with_failures',
  'cancelled',
  'rolled_back',
  'failed',
  'superseded',
] as const;
export type RolloutState = (typeof rolloutStates)[number];
export const pauseReasons = ['user', 'threshold', 'gate', 'brake'] as const;
export type PauseReason = (typeof pauseReasons)[number];
export const waveStates = ['pending', 'open', 'soaking', 'passed', 'tripped', 'skipped'] as const;
export type WaveState = (typeof waveStates)[number];

export const targetStates = [
  'queued',
  'blocked',
  'offered',
  'accepted',
  'downloading',
  'staged',
  'installing',
  'verifying',
  'unknown',
  'succeeded',
  'already_installed',
  'failed',
  'timed_out',
  'rejected',
  'cancelled',
  'skipped',
  'superseded',
  'rolled_back',
] as const;
export type TargetState = (typeof targetStates)[number];

/** Why a target waits. */
export const blockReasons = ['window', 'budget', 'offline', 'dependency', 'catching_up'] as const;
export type BlockReason = (typeof blockReasons)[number];

/** Not given to the server yet. */
export const waitingStates = ['queued', 'blocked'] as const satisfies TargetState[];
/** With the server, or with nobody knows whom: these count against the budget. */
export const inFlightStates = [
  'offered',
  'accepted',
  'downloading',
  'staged',
  'installing',
  'verifying',
  'unknown',
] as const satisfies TargetState[];
/** In flight, but nothing on the server has changed yet: cancelling is at once, pausing holds
 * it. */
export const notStartedStates = [
  'queued',
  'blocked',
  'offered',
  'accepted',
  'downloading',
  'staged',
] as const satisfies TargetState[];
export const goodStates = ['succeeded', 'already_installed'] as const satisfies TargetState[];
export const badStates = ['failed', 'timed_out', 'rejected'] as const satisfies TargetState[];

const isOneOf =
  (list: readonly string[]) =>
  (state: string): boolean =>
    list.includes(state);
export const isWaiting = isOneOf(waitingStates);
export const isInFlight = isOneOf(inFlightStates);
export const isNotStarted = isOneOf(notStartedStates);
export const isGood = isOneOf(goodStates);
export const isBad = isOneOf(badStates);
export const isFinal = (state: TargetState): boolean => !isWaiting(state) && !isInFlight(state);

const ends: readonly TargetState[] = [
  'succeeded',
  'already_installed',
  'failed',
  'timed_out',
  'rejected',
  'cancelled',
  'rolled_back',
];
/** Every legal move of a target within one attempt; anything else in a report is kept as evidence
 * and changes nothing. A new attempt (retry, taken back, rollback) begins at `queued` and is a move
 * of its own. */
export const targetMoves: Readonly<Record<TargetState, readonly TargetState[]>> = {
  queued: [
    'blocked',
    'offered',
    'already_installed',
    'cancelled',
    'skipped',
    'superseded',
    'timed_out',
  ],
  blocked: [
    'queued',
    'blocked',
    'offered',
    'already_installed',
    'cancelled',
    'skipped',
    'superseded',
    'timed_out',
  ],
  offered: ['accepted', 'downloading', 'staged', 'installing', 'verifying', 'unknown', ...ends],
  accepted: ['downloading', 'staged', 'installing', 'verifying', 'unknown', ...ends],
  downloading: ['staged', 'installing', 'verifying', 'unknown', ...ends],
  staged: ['downloading', 'installing', 'verifying', 'unknown', ...ends],
  installing: ['verifying', 'unknown', ...ends],
  verifying: ['unknown', ...ends],
  unknown: ['accepted', 'downloading', 'staged', 'installing', 'verifying', ...ends],
  // Late, while the wave is open; afterwards the verdict stands.
  timed_out: ['succeeded', 'already_installed', 'rolled_back'],
  succeeded: [],
  already_installed: [],
  failed: [],
  rejected: [],
  cancelled: [],
  skipped: [],
  superseded: [],
  rolled_back: [],
};

interface HasState {
  state: RolloutState;
}
const among =
  (...states: RolloutState[]) =>
  ({ state }: HasState): boolean =>
    states.includes(state);
/** What may be done with a rollout: the controller enforces it, the console shows the button. */
export const rolloutCan = {
  edit: among('planned', 'awaiting_approval', 'approved', 'scheduled'),
  approve: among('awaiting_approval'),
  start: among('planned', 'approved'),
  pause: among('running'),
  resume: (rollout: HasState & { pauseReason: PauseReason | null }) =>
    rollout.state === 'paused' && rollout.pauseReason !== 'brake',
  cancel: among(
    'planned',
    'awaiting_approval',
    'approved',
    'scheduled',
    'running',
    'paused',
    'rolling_back',
  ),
  retry: among(
    'running',
    'paused',
    'completed_with_failures',
    'completed',
    'failed',
    'cancelled',
    'rolled_back',
  ),
  rollBack: among(
    'running',
    'paused',
    'completed',
    'completed_with_failures',
    'failed',
    'cancelled',
  ),
  finish: among('running', 'paused'),
  remove: among('planned', 'awaiting_approval', 'approved'),
};

/** Whether this account may approve the rollout: somebody else than who prepared it. Accounts are
 * compared by id, because two technicians may have the same name. */
export const awaitsApprovalBy = (
  rollout: HasState & { createdById: string | null },
  accountId: string | undefined,
): boolean => rolloutCan.approve(rollout) && rollout.createdById !== accountId;
export const isRolloutActive = among(
  'scheduled',
  'running',
  'paused',
  'cancelling',
  'rolling_back',
);
export const isRolloutOver = among(
  'completed',
  'completed_with_failures',
  'cancelled',
  'rolled_back',
  'failed',
  'superseded',
);

// ---- what a technician asks for -------------------------------------------------------------------------------------

const Share = Type.Number({ minimum: 0, maximum: 1 });
/** The wave stops when one of these is *exceeded*; null never trips. Shares are of the wave's
 * members, and count only from two bad targets on (one in a wave of one): one school of three is
 * not a pattern. */
export const TripRules = Strict({
  failedShare: Nullable(Share),
  failedCount: Nullable(Type.Integer({ minimum: 0, maximum: 10_000 })),
  timedOutShare: Nullable(Share),
  consecutiveFailures: Nullable(Type.Integer({ minimum: 1, maximum: 1000 })),
});
export type TripRules = Static<typeof TripRules>;
/** Sensible for a city: more than 10 %, or three schools, is no accident. */
export const defaultTrip: TripRules = {
  failedShare: 0.1,
  failedCount: 2,
  timedOutShare: 0.2,
  consecutiveFailures: 3,
};

/** One step: so many sites, or such a share of all; the last wave is always everyone left. */
export const WaveSpec = Strict({
  size: Type.Union([
    Strict({ sites: Type.Integer({ minimum: 1, maximum: 10_000 }) }),
    Strict({ share: Type.Number({ exclusiveMinimum: 0, maximum: 1 }) }),
    Strict({ rest: Type.Literal(true) }),
  ]),
  /** Once the wave is well: go on at once, after a wait, or when a technician says so. */
  gate: Type.Union([
    Type.Literal('auto'),
    Type.Literal('manual'),
    Strict({ afterMinutes: Type.Integer({ minimum: 1, maximum: 20_160 }) }),
  ]),
  /** How long it must stay well. */
  soakMinutes: Type.Integer({ minimum: 0, maximum: 10_080 }),
});
export type WaveSpec = Static<typeof WaveSpec>;

export const RolloutDraft = Strict({
  name: Line(120),
  items: Type.Array(
    Strict({
      applicationId: ApplicationId,
      versionId: Type.Optional(VersionId),
      want: OneOf(['present', 'absent']),
    }),
    { minItems: 1, maxItems: 40 },
  ),
  /** Empty lists name nobody; `all` is every school of the city. Servers with one of `labels` only,
   * when given. */
  where: Strict({
    all: Type.Boolean(),
    siteIds: Type.Array(Id('sit'), { maxItems: 5000, uniqueItems: true }),
    groupIds: Type.Array(Id('sgr'), { maxItems: 200, uniqueItems: true }),
    serverIds: Type.Array(Id('srv'), { maxItems: 5000, uniqueItems: true }),
    labels: Type.Array(Slug, { maxItems: 20, uniqueItems: true }),
  }),
  waves: Type.Array(WaveSpec, { minItems: 1, maxItems: 12 }),
  trip: TripRules,
  onTrip: OneOf(['pause', 'roll_back']),
  budget: Strict({
    sitesAtOnce: Nullable(Type.Integer({ minimum: 1, maximum: 10_000 })),
    serversPerSite: Nullable(Type.Integer({ minimum: 1, maximum: 100 })),
    /** Cap for each site's line while it downloads. */
    kibibytesPerSecond: Nullable(Type.Integer({ minimum: 8, maximum: 10_000_000 })),
  }),
  /** Null: any time. A download window is not an install window. */
  windows: Strict({ install: Nullable(Windows), download: Nullable(Windows) }),
  /** Null: as soon as it is started. */
  startAt: Nullable(Instant),
  timeoutMinutes: Type.Integer({ minimum: 1, maximum: 1440 }),
  /** A school that stays silent this long is given up; until then it catches up when it returns. */
  catchUpDays: Type.Integer({ minimum: 1, maximum: 90 }),
});
export type RolloutDraft = Static<typeof RolloutDraft>;

/** What the wizard begins with: one school first, then a tenth, then everyone. */
export const defaultDraft = {
  waves: [
    { size: { sites: 1 }, gate: 'auto', soakMinutes: 0 },
    { size: { share: 0.1 }, gate: 'auto', soakMinutes: 0 },
    { size: { rest: true }, gate: 'auto', soakMinutes: 0 },
  ] as WaveSpec[],
  trip: defaultTrip,
  onTrip: 'pause' as const,
  budget: { sitesAtOnce: null, serversPerSite: 1, kibibytesPerSecond: null },
  windows: { install: null, download: null },
  startAt: null,
  timeoutMinutes: 60,
  catchUpDays: 14,
};

// ---- the plan ---------------------------------------------------------------------------------------------------------

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
/** Without its entries, which are read page by page: a plan may have thousands. */
export const RolloutPlan = Strict({
  /** SHA-256 of who gets what in which order: approval and start are bound to it. */
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

// ---- the order, and what comes back ----------------------------------------------------------------------------------

export const cancelKinds = ['finish', 'remove', 'kill'] as const;
export type CancelKind = (typeof cancelKinds)[number];

export const OrderedApplication = Strict({
  applicationId: ApplicationId,
  versionId: VersionId,
  slug: Slug,
  version: Line(80),
  recipes: Recipes,
  want: OneOf(['present', 'absent']),
});
export type OrderedApplication = Static<typeof OrderedApplication>;

export const Order = Strict({
  /** Hash of rollout, server, what is wanted and attempt. */
  orderId: OrderId,
  attempt: Type.Integer({ minimum: 1 }),
  /** In this order. */
  applications: Type.Array(OrderedApplication, { minItems: 1, maxItems: 60 }),
  /** `stage`: fetch everything and hold it. `install`: go on. */
  phase: OneOf(['stage', 'install']),
  /** The agent alone may begin to install from here… and not when it would not be done by there. */
  installFrom: Nullable(Instant),
  installUntil: Nullable(Instant),
  /** How long installing is expected to take at most. */
  expectedMs: Type.Integer({ minimum: 0 }),
  deadlineAt: Instant,
  kibibytesPerSecond: Nullable(Type.Integer({ minimum: 1 })),
  cancel: Nullable(OneOf(cancelKinds)),
});
export type Order = Static<typeof Order>;

/** What an agent says of an order it knows. `seq` rises with each change. */
export const reportedOrderStates = [
  'accepted',
  'downloading',
  'staged',
  'installing',
  'verifying',
  'succeeded',
  'already_installed',
  'failed',
  'rejected',
  'cancelled',
] as const;
export const itemStates = [
  'waiting',
  'downloading',
  'staged',
  'installing',
  'installed',
  'already_installed',
  'removed',
  'failed',
  'not_applicable',
] as const;
const Message = Type.String({ maxLength: 2000 });
export const ReportedItem = Strict({
  applicationId: ApplicationId,
  state: OneOf(itemStates),
  version: Nullable(Line(80)),
  code: Nullable(OneOf(errorCodes)),
  message: Message,
  ms: Nullable(Type.Integer({ minimum: 0 })),
  bytes: Nullable(Type.Integer({ minimum: 0 })),
});
export type ReportedItem = Static<typeof ReportedItem>;
export const ReportedOrder = Strict({
  orderId: OrderId,
  attempt: Type.Integer({ minimum: 1 }),
  seq: Type.Integer({ minimum: 1 }),
  state: OneOf(reportedOrderStates),
  /** The answer was found by looking, after a crash. */
  recovered: Type.Boolean(),
  /** A cancellation came when installing had begun. */
  tooLate: Type.Boolean(),
  code: Nullable(OneOf(errorCodes)),
  message: Message,
  bytesDone: Type.Integer({ minimum: 0 }),
  bytesTotal: Nullable(Type.Integer({ minimum: 0 })),
  /** Of `bytesDone`, what came over the school's line to the city and beyond; the rest came from a
   * neighbour or was there. */
  wanBytes: Type.Integer({ minimum: 0 }),
  items: Type.Array(ReportedItem, { maxItems: 60 }),
  /** The end of the installer's own output. */
  log: Type.String({ maxLength: 8000 }),
});
export type ReportedOrder = Static<typeof ReportedOrder>;

// ---- what the console reads ---------------------------------------------------------------------------------------------

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
  /** What stopped it, in words for the technician. */
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
  approvedByName: Nullable(Line(120)),
  scheduleId: Nullable(Id('sch')),
  supersededBy: Nullable(RolloutId),
  /** Honest: null until there is something to reckon from. Milliseconds from now until half, and
   * until nineteen in twenty, of what can still be done will be done. */
  eta: Nullable(
    Strict({ p50Ms: Type.Integer(), p95Ms: Type.Integer(), waitingForSilent: Type.Integer() }),
  ),
});
export type Rollout = Static<typeof Rollout>;

/** A rollout that repeats: at this local time, on these days. */
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

/** Stops every rollout at once. `fleet`: set by itself when too many servers are silent: "look at
 * the city's side". */
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
  /** Share of servers silent at which the brake goes on by itself. */
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
