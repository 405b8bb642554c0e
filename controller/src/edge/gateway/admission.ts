/** Reads the HTTP upgrade request of a tunnel, and refuses it when it is invalid. */
import { AppError } from '@preau/contract/errors.ts';
import { isTunnelSize, TunnelQuery } from '@preau/contract/session.ts';
import { Compile } from 'typebox/compile';

const isTunnelQuery = Compile(TunnelQuery);

/** Refuses with SIZE_REFUSED. */
export function readQuery(url: string): TunnelQuery {
  const given = new URLSearchParams(url.slice(url.indexOf('?') + 1));
  const number = (name: string) =>
    /^\d{1,6}$/.test(given.get(name) ?? '') ? Number(given.get(name)) : Number.NaN;
  const query = {
    width: number('width'),
    height: number('height'),
    dpi: number('dpi'),
    layout: given.get('layout') ?? 'fr-fr-azerty',
  };
  if (!isTunnelQuery.Check(query) || !isTunnelSize(query.width, query.height))
    throw new AppError('SIZE_REFUSED');
  return query;
}

/** Reads the ticket from `Sec-WebSocket-Protocol: guacamole, ticket.…`; it is not in the URL
 * because URLs are logged. Refuses with TICKET_REFUSED. */
export function readTicket(protocols: string): string {
  const [, ticket] = /(?:^|,)\s*ticket\.([A-Za-z0-9_-]{43})\s*(?:,|$)/.exec(protocols) ?? [];
  if (ticket === undefined || !/(^|,)\s*guacamole\s*(,|$)/.test(protocols))
    throw new AppError('TICKET_REFUSED');
  return ticket;
}
