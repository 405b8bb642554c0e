/** What a technician asks for when planning a rollout: what, where, in which waves, and what stops
 * it. */
import { type Static, Type } from 'typebox';
import { ApplicationId, VersionId } from './application.ts';
import { Id, Instant, Line, Nullable, OneOf, Slug, Strict } from './schema.ts';
import { Windows } from './windows.ts';

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
