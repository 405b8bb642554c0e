import {
  answerRequest,
  approveRequest,
  installRequest,
  linkRequest,
  refuseRequest,
  sendsMail,
} from '#src/requests/answer.ts';
import {
  answerMyRequest,
  askForProgram,
  listPrograms,
  readNews,
  withdrawRequest,
} from '#src/requests/ask.ts';
import { listRequests, myRequests, readRequest } from '#src/requests/show.ts';
import type { Verbs } from './verb.ts';

export const requestVerbs = {
  listPrograms: async (deps, actor) => ({ items: await listPrograms(deps, actor) }),
  listMyRequests: async (deps, actor) => ({
    items: await myRequests(deps.database, actor),
    mail: sendsMail(deps),
  }),
  askForProgram: (deps, actor, { body }) => askForProgram(deps, actor, body),
  withdrawRequest: (deps, actor, { params }) => withdrawRequest(deps, actor, params.id),
  answerMyRequest: (deps, actor, { params, body }) =>
    answerMyRequest(deps, actor, params.id, body.text),
  readNews: async (deps, actor, { body }) => {
    await readNews(deps, actor, body.upTo);
    return null;
  },
  listRequests: async (deps, actor, { query }) => ({
    items: await listRequests(deps.database, actor, query.show !== 'all'),
    mail: sendsMail(deps),
  }),
  readRequest: (deps, actor, { params }) => readRequest(deps.database, actor, params.id),
  answerRequest: (deps, actor, { params, body }) =>
    answerRequest(deps, actor, params.id, body.text),
  approveRequest: (deps, actor, { params, body }) => approveRequest(deps, actor, params.id, body),
  refuseRequest: (deps, actor, { params, body }) => refuseRequest(deps, actor, params.id, body),
  linkRequest: (deps, actor, { params, body }) =>
    linkRequest(deps, actor, params.id, body.applicationId),
  installRequest: (deps, actor, { params }) => installRequest(deps, actor, params.id),
} satisfies Partial<Verbs>;
