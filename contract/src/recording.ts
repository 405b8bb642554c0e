/** Recordings of what a session's screen showed, made only where a rule says so. */
import { type Static, Type } from 'typebox';
import { AccountId } from './account.ts';
import { ApplicationId } from './application.ts';
import { Id, Instant, Line, Nullable, Strict, Translated } from './schema.ts';
import { SessionId } from './session.ts';
import { SiteId } from './site.ts';

export const RecordingId = Id('rec');

/** One per browser attachment. `endedAt` null: in progress. `isWhole` false: incomplete, because
 * the disk was full or slow, or the recording grew too large. */
export const Recording = Strict({
  id: RecordingId,
  sessionId: SessionId,
  accountId: AccountId,
  personName: Line(120),
  siteId: SiteId,
  siteName: Line(120),
  applicationId: ApplicationId,
  applicationName: Translated(80),
  startedAt: Instant,
  endedAt: Nullable(Instant),
  bytes: Type.Integer({ minimum: 0 }),
  isWhole: Type.Boolean(),
});
export type Recording = Static<typeof Recording>;
