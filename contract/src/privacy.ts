/** Retention of personal data, and limits on statistics. */
import { type Static, Type } from 'typebox';
import { AccountId, Role } from './account.ts';
import { ApplicationId } from './application.ts';
import { ChainVerdict, SignedLink } from './audit-chain.ts';
import { Id, Instant, Line, Nullable, Strict, Translated } from './schema.ts';
import { SiteId } from './site.ts';

const Days = Type.Integer({ minimum: 30, maximum: 3650 });
/** `auditDays`, `sessionDays`, `recordingDays`: older records are removed. `leftDays`: how long the
 * account of a pupil who left stays unchanged. */
export const PrivacySettings = Strict({
  auditDays: Days,
  sessionDays: Days,
  leftDays: Days,
  recordingDays: Type.Integer({ minimum: 1, maximum: 365 }),
});
export type PrivacySettings = Static<typeof PrivacySettings>;
export const defaultPrivacy: PrivacySettings = {
  auditDays: 365,
  sessionDays: 365,
  leftDays: 90,
  recordingDays: 30,
};

/** `verified`: when the whole chain was last verified, and the result. `pending`: events written
 * but not linked yet. */
export const ChainState = Strict({
  key: Type.String(),
  events: Type.Integer(),
  pending: Type.Integer(),
  head: Nullable(SignedLink),
  removed: Type.Integer(),
  verified: Nullable(Strict({ at: Instant, ...ChainVerdict.properties })),
  retentionDays: Type.Integer(),
});
export type ChainState = Static<typeof ChainState>;

/** A person about whom data is stored. `leftAt`: since when they may no longer sign in. */
export const PersonHeld = Strict({
  id: AccountId,
  login: Type.String(),
  displayName: Line(120),
  role: Role,
  siteId: Nullable(SiteId),
  siteName: Nullable(Line(120)),
  leftAt: Nullable(Instant),
  erasedAt: Nullable(Instant),
  sessions: Type.Integer(),
  liveSessions: Type.Integer(),
  lastSignInAt: Nullable(Instant),
});
export type PersonHeld = Static<typeof PersonHeld>;

/** Typing the login name confirms that the right person was chosen. */
export const Erasure = Strict({ login: Type.String({ minLength: 1, maxLength: 120 }) });
export const LeaversErasure = Strict({
  accountIds: Type.Array(AccountId, { minItems: 1, maxItems: 2000, uniqueItems: true }),
});
export const Erased = Strict({
  accounts: Type.Integer(),
  events: Type.Integer(),
  kept: Type.Array(Strict({ id: Id('acc'), code: Type.String() })),
});
export type Erased = Static<typeof Erased>;

/** A server on which homes of erased people are not erased yet. `homes`: how many at most. */
export const HomesWaiting = Strict({
  serverId: Id('srv'),
  serverName: Line(120),
  siteId: SiteId,
  siteName: Line(120),
  homes: Type.Integer(),
  lastSeenAt: Nullable(Instant),
});
export type HomesWaiting = Static<typeof HomesWaiting>;

/** Counts of fewer people than this are not disclosed. */
export const smallestGroup = 5;
/** Use of an application at a school in a month (UTC). Null: by fewer than five people. */
export const UsageRow = Strict({
  month: Type.String({ pattern: '^[0-9]{4}-[0-9]{2}$' }),
  siteId: SiteId,
  siteName: Line(120),
  applicationId: ApplicationId,
  applicationName: Translated(80),
  people: Nullable(Type.Integer()),
  sessions: Nullable(Type.Integer()),
});
export type UsageRow = Static<typeof UsageRow>;
