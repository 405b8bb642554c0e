/** The gateway's operations on a session: redeem a ticket, take the one-use credentials, record
 * that a browser attached or left. The gateway itself reads no table. */
import { AppError, type ErrorCode } from '@preau/contract/errors.ts';
import type { DisplayCredentials } from '@preau/contract/report.ts';
import type { Terms } from '@preau/contract/rule.ts';
import { isLive } from '@preau/contract/session.ts';
import type { Topic } from '@preau/contract/topics.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { AccountActor, Actor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { sha256 } from '#src/platform/secrets.ts';
import { mayGoOn } from './launch.ts';
import { moveSession, type StoredSession, selectSession, touchTunnels } from './store.ts';
import { takeCredentials, takeTicket } from './tickets/store.ts';

type Deps = Pick<Platform, 'config' | 'database' | 'clock' | 'secrets' | 'wakeups'>;

export interface Grant {
  sessionId: string;
  serial: number;
  /** Clipboard between the person's device and the application. */
  clipboard: Terms['clipboard'];
  /** The screen is recorded. */
  recording: boolean;
}

/** Uses the ticket up. Refuses with TICKET_REFUSED whatever is wrong with the ticket. Refuses with
 * the same codes as `launch` when the rules no longer allow the session. */
export async function redeemTicket(
  deps: Deps,
  actor: AccountActor,
  ticket: string,
  address: string | null = null,
): Promise<Grant> {
  const grant = await takeTicket(deps.database, sha256(ticket), actor.id, deps.clock.now());
  if (grant === undefined) throw new AppError('TICKET_REFUSED');
  const { clipboard, recording } = await mayGoOn(deps, actor, grant.sessionId, address);
  // Nobody is recorded without notice. The page that got this ticket announced no recording; it
  // announces one when it gets a new ticket.
  if (recording && !grant.recording) throw new AppError('TICKET_REFUSED');
  return { ...grant, clipboard, recording };
}

/** Why the tunnel must close: the session is over, or a ticket with a higher serial was issued for
 * it since. Null when it may stay open. */
export async function reasonToClose(
  deps: Pick<Platform, 'database'>,
  grant: Grant,
): Promise<'superseded' | ErrorCode | null> {
  const session = await selectSession(deps.database, grant.sessionId);
  if (session === undefined || !isLive(session.state))
    return (session?.failureCode as ErrorCode | null | undefined) ?? 'SESSION_OVER';
  return session.attachSerial > grant.serial ? 'superseded' : null;
}

/** Waits until the agent has prepared the credentials for this grant, and takes them: they work
 * once. Throws SESSION_OVER, the error code with which the session failed, TICKET_REFUSED when
 * another browser was quicker, or LAUNCH_TIMEOUT. */
export async function takeCredentialsWhenReady(
  deps: Deps,
  grant: Grant,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<DisplayCredentials> {
  const deadline = deps.clock.now() + timeoutMs;
  while (!signal.aborted && deps.clock.now() < deadline) {
    // Listen before reading, so that no wake-up falls between the two.
    const woken = deps.wakeups.next(`session:${grant.sessionId}`, 2000);
    const reason = await reasonToClose(deps, grant);
    if (reason !== null)
      throw new AppError(reason === 'superseded' ? 'TICKET_REFUSED' : reason, {
        session: grant.sessionId,
      });
    const sealed = await takeCredentials(deps.database, grant.sessionId, grant.serial);
    if (sealed !== undefined) return JSON.parse(deps.secrets.unseal(sealed)) as DisplayCredentials;
    await woken;
  }
  throw new AppError('LAUNCH_TIMEOUT', { session: grant.sessionId });
}

export async function noteAttached(deps: Deps, actor: AccountActor, grant: Grant): Promise<void> {
  const session = await selectSession(deps.database, grant.sessionId);
  if (session === undefined) return;
  const moved = await deps.database.transaction().execute(async (rows) => {
    const now = deps.clock.now();
    const attached = await moveSession(
      rows,
      grant.sessionId,
      ['starting', 'ready', 'active', 'disconnected'],
      { state: 'active', grace_until: null, deadline_at: null, tunnel_seen_at: now },
      grant.serial,
    );
    if (attached)
      await recordEffect(deps, rows, actor, {
        action: 'session.attached',
        subjectId: session.id,
        subjectName: session.applicationName.fr,
        siteId: session.siteId,
      });
    return attached;
  });
  if (moved)
    deps.wakeups.wake([
      `session:${session.id}`,
      `person:${session.accountId}`,
      'sessions',
      'audit',
    ]);
}

/** Marks the session as disconnected, in the caller's transaction; the application runs on for the
 * grace period.
 * Returns the topics to wake; none when no browser was attached, or when `serial` is given and a
 * newer browser has attached. */
export async function leaveSession(
  deps: Deps,
  rows: Rows,
  actor: Actor,
  session: StoredSession,
  how: { serial?: number; details?: Record<string, unknown> } = {},
): Promise<Topic[]> {
  const graceUntil = deps.clock.now() + deps.config.PREAU_GRACE_SECONDS * 1000;
  if (
    !(await moveSession(
      rows,
      session.id,
      ['active'],
      { state: 'disconnected', grace_until: graceUntil, tunnel_seen_at: null },
      how.serial,
    ))
  )
    return [];
  await recordEffect(deps, rows, actor, {
    action: 'session.left',
    subjectId: session.id,
    subjectName: session.applicationName.fr,
    siteId: session.siteId,
    ...(how.details === undefined ? {} : { details: how.details }),
  });
  return [`session:${session.id}`, `person:${session.accountId}`, 'sessions', 'audit'];
}

/** The tab was closed or the connection broke. A newer browser is not disturbed. */
export async function noteLeft(deps: Deps, actor: AccountActor, grant: Grant): Promise<void> {
  const session = await selectSession(deps.database, grant.sessionId);
  if (session === undefined) return;
  deps.wakeups.wake(
    await deps.database
      .transaction()
      .execute((rows) => leaveSession(deps, rows, actor, session, { serial: grant.serial })),
  );
}

/** A browser that is connected now, and whose it is. */
export interface Attached {
  actor: AccountActor;
  grant: Grant;
}

/** `touched`: the time of the last key press or pointer movement, for each session that had one
 * since the previous call. A session that counted as left, because nothing could be noted for a
 * while (the database was away, the machine stood still), is attached again. */
export async function noteAlive(
  deps: Deps,
  attached: readonly Attached[],
  touched: ReadonlyMap<string, number>,
): Promise<void> {
  const ids = attached.map(({ grant }) => grant.sessionId);
  const left = new Set(
    await deps.database
      .transaction()
      .execute((rows) => touchTunnels(rows, ids, deps.clock.now(), touched)),
  );
  for (const { actor, grant } of attached)
    if (left.has(grant.sessionId)) await noteAttached(deps, actor, grant);
}
