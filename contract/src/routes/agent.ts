/** Routes that a server calls with its key. The routes for files are in exchange.ts. */
import { Type } from 'typebox';
import { ApplicationId } from '../application.ts';
import { SignedState } from '../desired-state.ts';
import { Enrolment, EnrolmentRequest } from '../enrolment.ts';
import { IconUpload, Report } from '../report.ts';
import { Hash, Nothing, type Route } from '../route.ts';
import { Strict } from '../schema.ts';

export const agentRoutes = {
  enrol: {
    method: 'POST',
    path: '/api/agent/enrol',
    caller: 'public',
    summary: 'Exchange a one-use code for an identity',
    body: EnrolmentRequest,
    reply: Enrolment,
    status: 201,
  },
  readDesiredState: {
    method: 'GET',
    path: '/api/agent/desired-state',
    caller: 'agent',
    summary: 'What this server should be; its rules too, unless it has them',
    query: Strict({ policy: Type.Optional(Hash) }),
    reply: SignedState,
  },
  sendReport: {
    method: 'POST',
    path: '/api/agent/report',
    caller: 'agent',
    summary: 'What this server is',
    body: Report,
    reply: Strict({ generation: Type.Integer(), icons: Type.Array(ApplicationId) }),
  },
  readPackage: {
    method: 'GET',
    path: '/api/agent/packages/:hash',
    caller: 'agent',
    summary: 'An uploaded file, or a range of it',
    params: Strict({ hash: Hash }),
    reply: Type.String(),
    file: 'application/octet-stream',
    stream: 'down',
  },
  sendIcon: {
    method: 'POST',
    path: '/api/agent/icons',
    caller: 'agent',
    summary: 'The icon of an installed application',
    body: IconUpload,
    reply: Nothing,
    status: 204,
  },
} as const satisfies Record<string, Route>;
