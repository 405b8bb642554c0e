/** Routes of the portal and of sessions. */
import { Type } from 'typebox';
import { Launch, PortalApplication } from '../portal.ts';
import { Count, List, ofId, type Route } from '../route.ts';
import { Nullable, OneOf, Strict } from '../schema.ts';
import { Session, SessionId, SessionRow, Ticket } from '../session.ts';

export const sessionRoutes = {
  portal: {
    method: 'GET',
    path: '/api/portal',
    caller: 'signedIn',
    reach: 'self',
    remembered: true,
    summary: 'The applications open to me, and my running sessions',
    reply: Strict({
      items: Type.Array(PortalApplication),
      /** Why no program can be opened at the moment, anywhere in the city. */
      cannotOpen: Nullable(OneOf(['GATEWAY_UNREACHABLE'])),
    }),
  },
  launchSession: {
    method: 'POST',
    path: '/api/sessions',
    caller: 'signedIn',
    reach: 'self',
    summary: 'Start an application, or take up my running session of it',
    body: Launch,
    reply: Strict({ session: Session, ticket: Ticket }),
    status: 201,
  },
  readSession: {
    method: 'GET',
    path: '/api/sessions/:id',
    caller: 'signedIn',
    reach: 'self',
    summary: 'One of my sessions',
    params: ofId(SessionId),
    reply: Session,
  },
  attachSession: {
    method: 'POST',
    path: '/api/sessions/:id/tickets',
    caller: 'signedIn',
    reach: 'self',
    summary: 'A new ticket to my running session',
    params: ofId(SessionId),
    reply: Strict({ session: Session, ticket: Ticket }),
    status: 201,
  },
  endSession: {
    method: 'POST',
    path: '/api/sessions/:id/end',
    caller: 'signedIn',
    reach: 'site',
    summary: 'End my session (technicians: any)',
    params: ofId(SessionId),
    reply: Session,
  },
  readIcon: {
    method: 'GET',
    path: '/api/icons/:hash',
    caller: 'signedIn',
    reach: 'city',
    summary: 'An application’s icon',
    params: Strict({ hash: Type.String({ pattern: '^[0-9a-f]{64}$' }) }),
    reply: Type.String(),
    file: 'image/*',
  },
  listSessions: {
    method: 'GET',
    path: '/api/sessions',
    caller: 'technician',
    reach: 'site',
    summary: 'Sessions, live ones first',
    query: Strict({ state: Type.Optional(OneOf(['live', 'over'])), limit: Type.Optional(Count) }),
    reply: List(SessionRow),
  },
} as const satisfies Record<string, Route>;
