/** Launching a session and reconnecting to it: both return the session and a one-use ticket. */

import { AppError } from '@preau/contract/errors.ts';
import type { Launch } from '@preau/contract/portal.ts';
import type { Terms } from '@preau/contract/rule.ts';
import { type Session, sessionCan, type Ticket } from '@preau/contract/session.ts';
import type { Topic } from '@preau/contract/topics.ts';
import { lockAccount } from '#src/accounts/store.ts';
import { catalogueBook } from '#src/applications/catalogue-book.ts';
import { recordEffect } from '#src/audit/record.ts';
import { recordRepeated } from '#src/audit/repeated.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { newToken, sha256 } from '#src/platform/secrets.ts';
import { decideFor, refusalOf } from '#src/rules/decide-for.ts';
import { publishDesiredState } from '#src/servers/desired/desired-state.ts';
import { selectCandidates } from '#src/servers/fleet/store.ts';
import { nextGeneration } from '#src/servers/store.ts';
import { place } from './place.ts';
import { takeSeat } from './seats/seats.ts';
import {
  countLiveSessionsOf,
  insertSession,
  publicView,
  type StoredSession,
  selectLiveSession,
  selectSession,
} from './store.ts';
import { insertTicket, nextAttachSerial } from './tickets/store.ts';

type Deps = Pick<Platform, 'config' | 'database' | 'clock' | 'secrets' | 'wakeups'>;

export interface Admission {
  session: Session;
  ticket: Ticket;
}

const ticketTtlMs = 30_000;
/** `address`: IP address of the person's device; null when unknown. */
export type LaunchRequest = Launch & { address?: string | null };

/** An X server at a busy school takes seconds to start; more than a minute is a failure. */
const startWithinMs = 60_000;

/** Starts the application for the actor, or returns their running session of it, so that a double
 * click opens one session. Refuses with NOT_FOUND, APPLICATION_NOT_ALLOWED, OUTSIDE_HOURS,
 * WRONG_DEVICE, NO_SITE, SERVER_OFFLINE, SERVER_RESTARTS, APPLICATION_NOT_INSTALLED,
 * SERVER_FULL, LICENCE_EXHAUSTED, TOO_MANY_SESSIONS. A refused launch changes no generation. */
export async function launch(
  deps: Deps,
  actor: AccountActor,
  input: LaunchRequest,
): Promise<Admission> {
  const { address = null } = input;
  const application = (await catalogueBook(deps.database)).bySlug.get(input.application);
  if (application === undefined)
    throw new AppError('NOT_FOUND', { application: input.application });
  const running = await selectLiveSession(deps.database, actor.id, application.id);
  if (running !== undefined) return attach(deps, actor, running.id, address);
  const refuse = async (error: AppError): Promise<never> => {
    await recordRepeated(deps, actor, {
      action: 'session.refused',
      subjectId: application.id,
      subjectName: application.name.fr,
      siteId: actor.siteId,
      details: { code: error.code },
    });
    deps.wakeups.wake(['audit']);
    throw error;
  };
  const now = deps.clock.now();
  const answer = await decideFor(deps.database, actor, application, address, now);
  if (!answer.allowed) return refuse(refusalOf(answer, input.application));
  const siteId = actor.siteId;
  if (siteId === null) return refuse(new AppError('NO_SITE'));
  const placement = place(await selectCandidates(deps.database, siteId, application.id), now);
  if ('refused' in placement)
    return refuse(new AppError(placement.refused, { application: input.application }));
  const { serverId } = placement;

  const outcome = await deps.database.transaction().execute(async (rows) => {
    // Rows are locked in this order everywhere: account, application, server, session. The account:
    // a person's launches are counted one after the other.
    await lockAccount(rows, actor.id);
    const raced = await selectLiveSession(rows, actor.id, application.id);
    if (raced !== undefined)
      return admit(deps, rows, actor, { sessionId: raced.id, terms: answer.terms });
    if (await hasTooMany(deps, rows, actor.id))
      return { refused: tooMany(deps), waited: false, topics: [] satisfies Topic[] };
    // The application: its seats are counted one launch at a time across schools and controllers.
    const seat = await takeSeat(rows, {
      application,
      siteSeats: answer.terms.seats,
      accountId: actor.id,
      siteId,
      now,
    });
    if ('refused' in seat) return { ...seat, topics: [] satisfies Topic[] };
    // The server: nobody else can start a session there until the commit.
    const generation = await nextGeneration(rows, serverId);
    const recount = place(
      (await selectCandidates(rows, siteId, application.id)).filter(
        (candidate) => candidate.serverId === serverId,
      ),
      now,
    );
    if ('refused' in recount)
      throw new AppError(recount.refused, { application: input.application });
    const sessionId = await insertSession(rows, {
      accountId: actor.id,
      applicationId: application.id,
      serverId,
      siteId,
      language: input.language,
      now,
      deadlineAt: now + startWithinMs,
      address,
    });
    const topic = await publishDesiredState(deps, rows, serverId, generation);
    await recordEffect(deps, rows, actor, {
      action: 'session.launched',
      subjectId: sessionId,
      subjectName: application.name.fr,
      siteId,
      details: { server: serverId },
    });
    const session = await mustSelect(rows, sessionId);
    return {
      admission: {
        session: publicView(session),
        ticket: await issueTicket(deps, rows, session, 1, answer.terms),
      },
      topics: [topic, 'sessions', 'audit', `person:${actor.id}`] satisfies Topic[],
    };
  });
  deps.wakeups.wake(outcome.topics);
  // The commit keeps their place in the queue. A waiting page asks every few seconds; only the
  // first refusal is recorded.
  if ('refused' in outcome) {
    if (outcome.waited) throw outcome.refused;
    return refuse(outcome.refused);
  }
  return outcome.admission;
}

const hasTooMany = async (deps: Deps, rows: Rows, accountId: string): Promise<boolean> =>
  (await countLiveSessionsOf(rows, accountId)) >= deps.config.PREAU_PERSON_SESSIONS;
const tooMany = (deps: Deps) =>
  new AppError('TOO_MANY_SESSIONS', { most: deps.config.PREAU_PERSON_SESSIONS });

/** A new ticket to a running session, for coming back or for another browser; a browser still
 * attached is disconnected. Refuses with NOT_FOUND for a session that is not the actor's, with
 * SESSION_OVER for one that has ended, and like `launch` when the rules no longer allow it. */
export async function attach(
  deps: Deps,
  actor: AccountActor,
  sessionId: string,
  address: string | null = null,
): Promise<Admission> {
  const terms = await mayGoOn(deps, actor, sessionId, address);
  const { admission, topics } = await deps.database
    .transaction()
    .execute((rows) => admit(deps, rows, actor, { sessionId, terms }));
  deps.wakeups.wake(topics);
  return admission;
}

/** Checks the rules again at every connection, also to a running session. */
export async function mayGoOn(
  deps: Pick<Platform, 'database' | 'clock'>,
  actor: AccountActor,
  sessionId: string,
  address: string | null,
): Promise<Terms> {
  const session = await selectSession(deps.database, sessionId);
  if (session === undefined || session.accountId !== actor.id)
    throw new AppError('NOT_FOUND', { session: sessionId });
  // Checked first, so that a session ended by the rules reports why it ended.
  mustBeLive(session);
  const application = (await catalogueBook(deps.database)).byId.get(session.applicationId);
  if (application === undefined)
    throw new AppError('NOT_FOUND', { application: session.applicationId });
  const answer = await decideFor(deps.database, actor, application, address, deps.clock.now());
  if (!answer.allowed) throw refusalOf(answer, application.slug);
  return answer.terms;
}

async function admit(
  deps: Deps,
  rows: Rows,
  actor: AccountActor,
  { sessionId, terms }: { sessionId: string; terms: Terms },
): Promise<{ admission: Admission; topics: Topic[] }> {
  const session = await selectSession(rows, sessionId);
  if (session === undefined || session.accountId !== actor.id)
    throw new AppError('NOT_FOUND', { session: sessionId });
  mustBeLive(session);
  // The server's row is locked before the session's, here as everywhere: two orders would deadlock
  // on PostgreSQL.
  const number = await nextGeneration(rows, session.serverId);
  const serial = await nextAttachSerial(rows, sessionId, deps.clock.now() + startWithinMs);
  const topic = await publishDesiredState(deps, rows, session.serverId, number);
  return {
    admission: {
      session: publicView(session),
      ticket: await issueTicket(deps, rows, session, serial, terms),
    },
    topics: [topic, `session:${sessionId}`],
  };
}

function mustBeLive(session: StoredSession): void {
  if (!sessionCan.connect(session))
    throw new AppError('SESSION_OVER', {
      session: session.id,
      ...(session.failureCode === null ? {} : { failure: session.failureCode }),
    });
}

async function issueTicket(
  deps: Deps,
  rows: Rows,
  session: StoredSession,
  serial: number,
  { clipboard, files, printing, recording }: Terms,
): Promise<Ticket> {
  const ticket = newToken();
  const expiresAt = deps.clock.now() + ticketTtlMs;
  await insertTicket(rows, {
    hash: sha256(ticket),
    sessionId: session.id,
    accountId: session.accountId,
    serial,
    expiresAt,
    recording,
  });
  return { ticket, expiresAt, clipboard, files, printing, recording };
}

async function mustSelect(rows: Rows, id: string): Promise<StoredSession> {
  const session = await selectSession(rows, id);
  if (session === undefined) throw new AppError('INTERNAL');
  return session;
}
