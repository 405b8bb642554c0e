/** A small CAS server (protocols 2 and 3, single logout) that follows the specification: pages with
 * a form, a cookie of its own, tickets valid once, for one service, for ten seconds. */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface CasPerson {
  password: string;
  attributes: Readonly<Record<string, string | readonly string[]>>;
}
export interface CasServer {
  url: string;
  /** Sends single logout for the person's tickets to every service, as when they sign out there. */
  signOut: (user: string) => Promise<number>;
  /** Every ticket that was used. */
  tickets: () => string[];
  /** Replaces the answer of the next validation, once. */
  answerWith: (xml: string) => void;
  close: () => Promise<void>;
}

const xmlOf = (text: string) =>
  text.replace(
    /[&<>"]/g,
    (letter) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[letter] ?? letter,
  );
const page = (body: string) =>
  `<!doctype html><html lang="fr"><title>CAS</title><body>${body}</body></html>`;

async function formOf(request: IncomingMessage): Promise<URLSearchParams> {
  let text = '';
  for await (const part of request) text += String(part);
  return new URLSearchParams(text);
}

/** One request, as its handler needs it. */
interface Call {
  request: IncomingMessage;
  searchParams: URLSearchParams;
  service: string;
  cookie: string;
  send: (status: number, body: string, headers?: Record<string, string>) => unknown;
}

export async function startCas(people: Readonly<Record<string, CasPerson>>): Promise<CasServer> {
  const signedIn = new Map<string, string>();
  const tickets = new Map<
    string,
    { user: string; service: string; until: number; used: boolean }
  >();
  let instead: string | null = null;
  const serviceResponse = (body: string) =>
    `<cas:serviceResponse xmlns:cas="http://www.yale.edu/tp/cas">${body}</cas:serviceResponse>`;
  const failure = (code: string) =>
    serviceResponse(
      `<cas:authenticationFailure code="${code}">${code}</cas:authenticationFailure>`,
    );
  const validate = (query: URLSearchParams, attributes: boolean): string => {
    const ticket = tickets.get(query.get('ticket') ?? '');
    if (ticket === undefined || ticket.used || ticket.until < Date.now())
      return failure('INVALID_TICKET');
    ticket.used = true;
    if (ticket.service !== query.get('service')) return failure('INVALID_SERVICE');
    const more = Object.entries(people[ticket.user]?.attributes ?? {})
      .flatMap(([name, values]) =>
        (typeof values === 'string' ? [values] : values).map(
          (value) => `<cas:${name}>${xmlOf(value)}</cas:${name}>`,
        ),
      )
      .join('');
    return serviceResponse(
      `<cas:authenticationSuccess><cas:user>${xmlOf(ticket.user)}</cas:user>` +
        `${attributes ? `<cas:attributes>${more}</cas:attributes>` : ''}` +
        '</cas:authenticationSuccess>',
    );
  };
  const server = createServer((request, response) => {
    void (async () => {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://cas');
      const send = (status: number, body: string, headers: Record<string, string> = {}) =>
        response
          .writeHead(status, {
            'content-type': pathname.endsWith('alidate')
              ? 'application/xml'
              : 'text/html; charset=utf-8',
            ...headers,
          })
          .end(body);
      const call: Call = {
        request,
        searchParams,
        service: searchParams.get('service') ?? '',
        cookie: /TGC=([^;]+)/.exec(request.headers.cookie ?? '')?.[1] ?? '',
        send,
      };
      if (pathname === '/cas/login')
        return request.method === 'POST' ? signIn(call) : showSignIn(call);
      if (pathname === '/cas/logout') return leave(call);
      if (pathname === '/cas/serviceValidate' || pathname === '/cas/p3/serviceValidate') {
        const xml = instead ?? validate(searchParams, pathname.includes('p3'));
        instead = null;
        return send(200, xml);
      }
      send(404, page(''));
    })().catch(() => response.destroy());
  });
  const back = ({ service, send }: Call, user: string, more: Record<string, string> = {}) => {
    const ticket = `ST-${tickets.size + 1}-${randomBytes(24).toString('base64url')}`;
    tickets.set(ticket, { user, service, until: Date.now() + 10_000, used: false });
    send(302, '', {
      location: `${service}${service.includes('?') ? '&' : '?'}ticket=${ticket}`,
      ...more,
    });
  };
  const signIn = async (call: Call) => {
    const form = await formOf(call.request);
    const user = form.get('username') ?? '';
    if (people[user] === undefined || people[user].password !== form.get('password'))
      return call.send(401, page('<p>Refusé</p>'));
    const tgc = randomBytes(24).toString('base64url');
    signedIn.set(tgc, user);
    return back(call, user, { 'set-cookie': `TGC=${tgc}; Path=/cas; HttpOnly` });
  };
  const showSignIn = (call: Call) => {
    const user = signedIn.get(call.cookie);
    if (user !== undefined && call.service !== '') return back(call, user);
    const { service } = call;
    return call.send(
      200,
      page(
        '<form method="post" ' +
          `action="/cas/login?${xmlOf(new URLSearchParams({ service }).toString())}"><input ` +
          'name="username"><input name="password" type="password"><button>Se ' +
          'connecter</button></form>',
      ),
    );
  };
  const leave = async ({ cookie, service, send }: Call) => {
    const user = signedIn.get(cookie);
    signedIn.delete(cookie);
    if (user !== undefined) await signOut(user);
    return service === ''
      ? send(200, page('<p>Au revoir</p>'))
      : send(302, '', { location: service });
  };
  async function signOut(user: string): Promise<number> {
    let told = 0;
    for (const [ticket, { user: owner, service, used }] of tickets) {
      if (owner !== user || !used) continue;
      const logoutRequest =
        '<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ' +
        `ID="LR-${told}" Version="2.0" IssueInstant="${new Date().toISOString()}"><saml:NameID ` +
        'xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">@NOT_USED@</saml:NameID><samlp:SessionIndex>' +
        `${ticket}</samlp:SessionIndex></samlp:LogoutRequest>`;
      if (
        (await fetch(service, { method: 'POST', body: new URLSearchParams({ logoutRequest }) })).ok
      )
        told += 1;
    }
    return told;
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/cas`,
    signOut,
    tickets: () => [...tickets].flatMap(([ticket, { used }]) => (used ? [ticket] : [])),
    answerWith: (xml) => {
      instead = xml;
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
