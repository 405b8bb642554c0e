/** Routes of asking for applications. */
import { Type } from 'typebox';
import { ApplicationId } from '../application.ts';
import { Answer, Approval, AskableProgram, MyRequest, Refusal, RequestDetail, RequestDraft, RequestId, RequestSummary } from '../request.ts';
import { List, Nothing, ofId, type Route } from '../route.ts';
import { Instant, OneOf, Strict } from '../schema.ts';

export const requestRoutes = {
  listPrograms: { method: 'GET', path: '/api/my-requests/programs', policy: 'teacher', reach: 'self', summary: 'What I may ask for, and what is there already', reply: List(AskableProgram) },
  listMyRequests: { method: 'GET', path: '/api/my-requests', policy: 'teacher', reach: 'self', summary: 'What I have asked for, and how far it is', reply: Strict({ items: Type.Array(MyRequest), mail: Type.Boolean() }) },
  askForProgram: { method: 'POST', path: '/api/my-requests', policy: 'teacher', reach: 'self', summary: 'Ask for a program for my school', body: RequestDraft, reply: MyRequest, status: 201 },
  withdrawRequest: { method: 'POST', path: '/api/my-requests/:id/withdraw', policy: 'teacher', reach: 'self', summary: 'I no longer need it', params: ofId(RequestId), reply: MyRequest },
  answerMyRequest: { method: 'POST', path: '/api/my-requests/:id/messages', policy: 'teacher', reach: 'self', summary: 'Answer about my request', params: ofId(RequestId), body: Answer, reply: MyRequest },
  readNews: { method: 'POST', path: '/api/my-requests/read', policy: 'teacher', reach: 'self', summary: 'I have seen what happened to my requests until then', body: Strict({ upTo: Instant }), reply: Nothing, status: 204 },

  listRequests: { method: 'GET', path: '/api/requests', policy: 'contact', reach: 'site', summary: 'Requests of the schools I look after', query: Strict({ show: Type.Optional(OneOf(['open', 'all'])) }), reply: Strict({ items: Type.Array(RequestSummary), mail: Type.Boolean() }) },
  readRequest: { method: 'GET', path: '/api/requests/:id', policy: 'contact', reach: 'site', summary: 'One request, with what was written about it', params: ofId(RequestId), reply: RequestDetail },
  answerRequest: { method: 'POST', path: '/api/requests/:id/messages', policy: 'contact', reach: 'site', summary: 'Write to the one who asked', params: ofId(RequestId), body: Answer, reply: RequestDetail },
  approveRequest: { method: 'POST', path: '/api/requests/:id/approve', policy: 'contact', reach: 'site', summary: 'Say yes: the rule is made, and the program is brought if it is not there', params: ofId(RequestId), body: Approval, reply: RequestDetail },
  refuseRequest: { method: 'POST', path: '/api/requests/:id/refuse', policy: 'contact', reach: 'site', summary: 'Say no, and why', params: ofId(RequestId), body: Refusal, reply: RequestDetail },
  linkRequest: { method: 'POST', path: '/api/requests/:id/link', policy: 'technician', reach: 'site', summary: 'Say which application of the catalogue is meant', params: ofId(RequestId), body: Strict({ applicationId: ApplicationId }), reply: RequestDetail },
  installRequest: { method: 'POST', path: '/api/requests/:id/install', policy: 'technician', reach: 'site', summary: 'Bring what was approved and is not there', params: ofId(RequestId), reply: RequestDetail },
} as const satisfies Record<string, Route>;
