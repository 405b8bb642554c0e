/** Routes for files and printed pages: between a person's device and the city, and between the city
 * and a school's server. */
import { Type } from 'typebox';
import { Exchange, FileName, OfferedFile, Transfer, TransferId } from '../exchange.ts';
import { Hash, Nothing, ofId, type Route } from '../route.ts';
import { Strict } from '../schema.ts';
import { SessionId } from '../session.ts';

/** Size in bytes, as the sender declares it. */
const Size = Type.String({ pattern: '^(0|[1-9][0-9]{0,11})$' });

export const exchangeRoutes = {
  readExchange: {
    method: 'GET',
    path: '/api/sessions/:id/files',
    caller: 'signedIn',
    reach: 'self',
    summary: 'What my session offers to my device, and what is on its way',
    params: ofId(SessionId),
    reply: Exchange,
  },
  bringFile: {
    method: 'POST',
    path: '/api/sessions/:id/files',
    caller: 'signedIn',
    reach: 'self',
    summary: 'Put a file of my device into the exchange folder',
    params: ofId(SessionId),
    query: Strict({ name: FileName, size: Size }),
    reply: Transfer,
    status: 201,
    stream: 'up',
  },
  askForFile: {
    method: 'POST',
    path: '/api/sessions/:id/files/ask',
    caller: 'signedIn',
    reach: 'self',
    summary: 'Have an offered file, or printed pages, sent to the city',
    params: ofId(SessionId),
    body: Strict({ kind: OfferedFile.properties.kind, name: FileName }),
    reply: Transfer,
    status: 201,
  },
  takeFile: {
    method: 'GET',
    path: '/api/transfers/:id',
    caller: 'signedIn',
    reach: 'self',
    summary: 'Take what the school’s server has sent',
    params: ofId(TransferId),
    reply: Type.String(),
    file: 'application/octet-stream',
    stream: 'down',
  },

  readTransfer: {
    method: 'GET',
    path: '/api/agent/transfers/:id',
    caller: 'agent',
    summary: 'A file that a person brings',
    params: ofId(TransferId),
    reply: Type.String(),
    file: 'application/octet-stream',
    stream: 'down',
  },
  sendTransfer: {
    method: 'POST',
    path: '/api/agent/transfers/:id',
    caller: 'agent',
    summary: 'A file that a person asked for',
    params: ofId(TransferId),
    query: Strict({ sha256: Hash, size: Size }),
    reply: Nothing,
    status: 204,
    stream: 'up',
  },
} as const satisfies Record<string, Route>;
