/** A request as shown to the person who asked, and to those who answer. */
import { AppError } from '@preau/contract/errors.ts';
import {
  type MyRequest,
  type RequestDetail,
  type RequestMessage,
  type RequestSummary,
  sameProgram,
  stateOf,
} from '@preau/contract/request.ts';
import { mustReach, reachOf } from '#src/accounts/reach.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import type { Rows } from '#src/platform/database.ts';
import { selectInstalledAtSite } from '#src/servers/store.ts';
import {
  type StoredMessage,
  type StoredRequest,
  selectClasses,
  selectMessages,
  selectRequest,
  selectRequests,
  selectRequestsOf,
} from './store.ts';

const partsOf = (request: StoredRequest) => ({
  id: request.id,
  applicationId: request.applicationId,
  name: request.name,
  purpose: request.purpose,
  link: request.link,
  wantedBy: request.wantedBy,
  wish: request.wish,
  slug: request.slug,
  applicationName: request.applicationName,
  iconHash: request.iconHash,
  state: stateOf(request),
  reason: request.reason,
  decidedByName: request.decidedByName,
  createdAt: request.createdAt,
  updatedAt: request.updatedAt,
  readyAt: request.readyAt,
  messages: request.messages,
});
const messageFor =
  (actor: AccountActor, siteId: string) =>
  ({ id, at, authorName, accountId, authorSiteId, text }: StoredMessage): RequestMessage => ({
    id,
    at,
    authorName,
    mine: accountId === actor.id,
    fromSchool: authorSiteId === siteId,
    text,
  });

export async function myRequests(rows: Rows, actor: AccountActor): Promise<MyRequest[]> {
  const mine = await selectRequestsOf(rows, actor.id);
  const threads = Map.groupBy(
    await selectMessages(
      rows,
      mine.map(({ id }) => id),
    ),
    ({ requestId }) => requestId,
  );
  return mine.map((request) => ({
    ...partsOf(request),
    news: request.newsAt !== null,
    thread: (threads.get(request.id) ?? []).map(messageFor(actor, request.siteId)),
  }));
}

export async function myRequest(rows: Rows, actor: AccountActor, id: string): Promise<MyRequest> {
  const found = (await myRequests(rows, actor)).find((request) => request.id === id);
  if (found === undefined) throw new AppError('NOT_FOUND', { request: id });
  return found;
}

async function summaries(
  rows: Rows,
  requests: readonly StoredRequest[],
): Promise<RequestSummary[]> {
  const installed = new Map<string, Set<string>>();
  for (const siteId of new Set(requests.map((request) => request.siteId)))
    installed.set(siteId, await selectInstalledAtSite(rows, siteId));
  // Counts over the whole school, not only this page.
  const undecided = Map.groupBy(
    (
      await selectRequests(rows, { siteIds: [...installed.keys()], open: true, limit: 1000 })
    ).filter(({ decision }) => decision === 'open' || decision === 'passed_on'),
    sameProgram,
  );
  return requests.map((request) => ({
    ...partsOf(request),
    siteId: request.siteId,
    siteName: request.siteName,
    accountId: request.accountId,
    askerName: request.askerName,
    alike: [
      ...new Map(
        (undecided.get(sameProgram(request)) ?? [])
          .filter(({ accountId }) => accountId !== request.accountId)
          .map((other) => [other.accountId, other.askerName]),
      ).values(),
    ],
    installed:
      request.applicationId !== null &&
      installed.get(request.siteId)?.has(request.applicationId) === true,
    ruleId: request.ruleId,
    rolloutId: request.rolloutId,
    problem: request.problem,
  }));
}

export async function listRequests(
  rows: Rows,
  actor: AccountActor,
  open: boolean,
): Promise<RequestSummary[]> {
  return summaries(rows, await selectRequests(rows, { siteIds: reachOf(actor), open, limit: 300 }));
}

/** Refuses with NOT_FOUND, OUT_OF_SCOPE. */
export async function mustFind(
  rows: Rows,
  actor: AccountActor,
  id: string,
): Promise<StoredRequest> {
  const request = await selectRequest(rows, id);
  if (request === undefined) throw new AppError('NOT_FOUND', { request: id });
  mustReach(actor, request.siteId);
  return request;
}

export async function readRequest(
  rows: Rows,
  actor: AccountActor,
  id: string,
): Promise<RequestDetail> {
  const request = await mustFind(rows, actor, id);
  const [summary] = await summaries(rows, [request]);
  if (summary === undefined) throw new AppError('INTERNAL');
  return {
    ...summary,
    thread: (await selectMessages(rows, [id])).map(messageFor(actor, request.siteId)),
    groups: await selectClasses(rows, request.siteId),
  };
}
