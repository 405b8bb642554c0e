/** The draft of a rollout: what a technician wants, where, in which waves, and what stops it. */
import { type Static, Type } from 'typebox';
import { ApplicationId, VersionId } from './application.ts';
import { Id, Instant, Line, Nullable, OneOf, Slug, Strict } from './schema.ts';
import { Windows } from './windows.ts';

const Share = Type.Number({ minimum: 0, maximum: 1 });
/** The wave stops when one of these is *exceeded*; null never trips. Shares are relative to the
 * wave's members and count only from two failed targets on (one in a wave of one), because one
 * school of three is not a pattern. */
export const TripRules = Strict({
  failedShare: Nullable(Share),
  failedCount: Nullable(Type.Integer({ minimum: 0, maximum: 10_000 })),
  timedOutShare: Nullable(Share),
  consecutiveFailures: Nullable(Type.Integer({ minimum: 1, maximum: 1000 })),
});
export type TripRules = Static<typeof TripRules>;
/** Suits a city: more than 10 % or three schools is no coincidence. */
export const defaultTrip: TripRules = {
  failedShare: 0.1,
  failedCount: 2,
  timedOutShare: 0.2,
  consecutiveFailures: 3,
};

/** One wave: a number of sites, or a share of all; the last wave always takes all remaining
 * sites. */
export const WaveSpec = Strict({
  size: Type.Union([
    Strict({ sites: Type.Integer({ minimum: 1, maximum: 10_000 }) }),
    Strict({ share: Type.Number({ exclusiveMinimum: 0, maximum: 1 }) }),
    Strict({ rest: Type.Literal(true) }),
  ]),
  /** What opens the next wave once this one is well: nothing more, a delay, or a technician. */
  gate: Type.Union([
    Type.Literal('auto'),
    Type.Literal('manual'),
    Strict({ afterMinutes: Type.Integer({ minimum: 1, maximum: 20_160 }) }),
  ]),
  /** How long the wave must stay well. */
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
  /** Empty lists select nothing; `all` selects every school of the city. When `labels` is given,
   * only servers with one of them. */
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
    /** Download bandwidth limit for each site. */
    kibibytesPerSecond: Nullable(Type.Integer({ minimum: 8, maximum: 10_000_000 })),
  }),
  /** Null: any time. A download window is not an install window. */
  windows: Strict({ install: Nullable(Windows), download: Nullable(Windows) }),
  /** Null: as soon as somebody starts it. */
  startAt: Nullable(Instant),
  timeoutMinutes: Type.Integer({ minimum: 1, maximum: 1440 }),
  /** A school that stays silent for this long is given up; one that returns earlier catches up. */
  catchUpDays: Type.Integer({ minimum: 1, maximum: 90 }),
});
export type RolloutDraft = Static<typeof RolloutDraft>;

/** The wizard's defaults: one school first, then a tenth, then everyone. */
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
