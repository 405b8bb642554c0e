/** What the person who asks may do: ask, answer, withdraw, mark news as read. */
import { AppError } from '@preau/contract/errors.ts';
import { decide } from '@preau/contract/policy.ts';
import {
  type AskableProgram,
  type MyRequest,
  type RequestDraft,
  requestCan,
  stateOf,
} from '@preau/contract/request.ts';
import type { Topic } from '@preau/contract/topics.ts';
import { selectPerson } from '#src/accounts/store.ts';
import { agentSlug } from '#src/applications/create.ts';
import { selectApplications } from '#src/applications/store.ts';
import { recordEffect } from '#src/audit/record.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import type { Platform } from '#src/platform/platform.ts';
import { policyBook } from '#src/rules/policy-book.ts';
import { selectInstalledAtSite } from '#src/servers/store.ts';
import { myRequest } from './show.ts';
import {
  changeRequest,
  countUndecided,
  insertMessage,
  insertRequest,
  markRead,
  type StoredRequest,
  selectRequest,
  selectRequestsOf,
} from './store.ts';

type Deps = Pick<Platform, 'database' | 'clock' | 'wakeups'>;

/** Undecided requests that one person may have at once. */
const mostUndecided = 20;

export const newsTopics = (request: Pick<StoredRequest, 'accountId'>): Topic[] => [
  'requests',
  'audit',
  `person:${request.accountId}`,
];

export async function listPrograms(
  deps: Pick<Deps, 'database' | 'clock'>,
  actor: AccountActor,
): Promise<AskableProgram[]> {
  if (actor.siteId === null) return [];
  const { database } = deps;
  const [applications, { policy, sites }, person, installed, mine] = [
    await selectApplications(database, { learnt: false }),
    await policyBook(database),
    await selectPerson(database, actor),
    await selectInstalledAtSite(database, actor.siteId),
    await selectRequestsOf(database, actor.id),
  ];
  const asked = new Set(
    mine
      .filter((request) => !['refused', 'withdrawn', 'ready'].includes(stateOf(request)))
      .map(({ applicationId }) => applicationId),
  );
  return applications
    .filter(({ slug }) => slug !== agentSlug)
    .map((application) => ({
      id: application.id,
      slug: application.slug,
      name: application.name,
      description: application.description,
      category: application.category,
      iconHash: application.iconHash,
      installed: installed.has(application.id),
      open: decide(policy, {
        person,
        application,
        site: sites.get(actor.siteId ?? '') ?? null,
        address: null,
        now: deps.clock.now(),
      }).allowed,
      asked: asked.has(application.id),
    }));
}

/** Refuses with NO_SITE, with NOT_FOUND, with ALREADY_EXISTS a program they have asked for
 * already, and with BUSY beyond twenty undecided requests. */
export async function askForProgram(
  deps: Deps,
  actor: AccountActor,
  draft: RequestDraft,
): Promise<MyRequest> {
  const { siteId } = actor;
  if (siteId === null) throw new AppError('NO_SITE');
  const made = await deps.database.transaction().execute(async (rows) => {
    const [application] =
      draft.applicationId === null
        ? []
        : await selectApplications(rows, { id: draft.applicationId, learnt: false });
    if (
      draft.applicationId !== null &&
      (application === undefined || application.slug === agentSlug)
    )
      throw new AppError('NOT_FOUND', { application: draft.applicationId });
    const mine = await selectRequestsOf(rows, actor.id);
    if (
      draft.applicationId !== null &&
      mine.some(
        (request) =>
          request.applicationId === draft.applicationId &&
          ['asked', 'approved_by_school', 'approved', 'installing'].includes(stateOf(request)),
      )
    )
      throw new AppError('ALREADY_EXISTS', { application: draft.applicationId });
    if ((await countUndecided(rows, actor.id)) >= mostUndecided)
      throw new AppError('STATE_FORBIDS', { undecided: mostUndecided });
    const name = application?.name.fr ?? draft.name;
    const id = await insertRequest(rows, {
      ...draft,
      name,
      siteId,
      accountId: actor.id,
      now: deps.clock.now(),
    });
    await recordEffect(deps, rows, actor, {
      action: 'request.asked',
      subjectId: id,
      subjectName: name,
      siteId,
      details: draft.applicationId === null ? {} : { application: draft.applicationId },
    });
    return id;
  });
  deps.wakeups.wake(newsTopics({ accountId: actor.id }));
  return myRequest(deps.database, actor, made);
}

async function mustBeMine(rows: Rows, actor: AccountActor, id: string): Promise<StoredRequest> {
  const request = await selectRequest(rows, id);
  if (request === undefined || request.accountId !== actor.id)
    throw new AppError('NOT_FOUND', { request: id });
  return request;
}

export async function withdrawRequest(
  deps: Deps,
  actor: AccountActor,
  id: string,
): Promise<MyRequest> {
  await deps.database.transaction().execute(async (rows) => {
    const request = await mustBeMine(rows, actor, id);
    if (
      !requestCan.withdraw(request) ||
      !(await changeRequest(rows, request, { decision: 'withdrawn' }, deps.clock.now()))
    )
      throw new AppError('STATE_FORBIDS', { state: stateOf(request) });
    await recordEffect(deps, rows, actor, {
      action: 'request.withdrawn',
      subjectId: id,
      subjectName: request.name,
      siteId: request.siteId,
    });
  });
  deps.wakeups.wake(newsTopics({ accountId: actor.id }));
  return myRequest(deps.database, actor, id);
}

export async function answerMyRequest(
  deps: Deps,
  actor: AccountActor,
  id: string,
  text: string,
): Promise<MyRequest> {
  await deps.database.transaction().execute(async (rows) => {
    const request = await mustBeMine(rows, actor, id);
    if (!requestCan.answer(request))
      throw new AppError('STATE_FORBIDS', { state: stateOf(request) });
    await insertMessage(rows, { requestId: id, accountId: actor.id, text, now: deps.clock.now() });
    await recordEffect(deps, rows, actor, {
      action: 'request.answered',
      subjectId: id,
      subjectName: request.name,
      siteId: request.siteId,
    });
  });
  deps.wakeups.wake(newsTopics({ accountId: actor.id }));
  return myRequest(deps.database, actor, id);
}

/** Repeating is safe. */
export async function readNews(
  deps: Pick<Deps, 'database' | 'wakeups'>,
  actor: AccountActor,
  upTo: number,
): Promise<void> {
  await markRead(deps.database, actor.id, upTo);
  deps.wakeups.wake([`person:${actor.id}`]);
}
