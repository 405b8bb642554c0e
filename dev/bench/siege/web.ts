/** A device's side of HTTPS: calls, bare TLS connections and tunnels to the front of a city, whose
 * name no resolver knows. */
import { readFileSync } from 'node:fs';
import { Agent, request as httpsRequest } from 'node:https';
import { connect, type TLSSocket } from 'node:tls';
import { WebSocket } from 'ws';

/** Where the front is. `authority`: the PEM file of its certificate's authority. */
export interface Front {
  address: string;
  port: number;
  name: string;
  authority: string;
}

export interface Call {
  method?: string;
  path: string;
  cookie?: string;
  /** JSON unless it is bytes. */
  body?: object | Buffer;
  agent?: Agent;
  /** Default: 30 seconds. */
  timeoutMs?: number;
}
/** `status` 0: no answer; `code` says why. */
export interface Answer {
  status: number;
  code: string | null;
  cookie: string | null;
  body: Record<string, unknown>;
  details: Record<string, unknown>;
}

export interface Web {
  origin: string;
  call: (call: Call) => Promise<Answer>;
  /** Connections that are kept for further calls. */
  kept: (most: number) => Agent;
  /** A TLS connection without anything on it yet. */
  connect: () => TLSSocket;
  tunnel: (cookie: string, ticket: string, size?: string) => WebSocket;
}

export function openWeb({ address, port, name, authority }: Front): Web {
  const ca = readFileSync(authority);
  const tls = { host: address, port, servername: name, ca };
  const origin = `https://${name}:${port}`;
  const once = new Agent({ keepAlive: false, ...tls });
  return {
    origin,
    kept: (most) => new Agent({ keepAlive: true, maxSockets: most, ...tls }),
    connect: () => connect(tls),
    tunnel: (cookie, ticket, size = 'width=1280&height=720&dpi=96&layout=fr-fr-azerty') =>
      new WebSocket(
        `wss://${address}:${port}/api/tunnel?${size}`,
        ['guacamole', `ticket.${ticket}`],
        {
          ...{ ca, servername: name, origin, perMessageDeflate: false },
          headers: { cookie, host: name },
        },
      ),
    call: ({ method = 'POST', path, cookie, body, agent = once, timeoutMs = 30_000 }) =>
      new Promise((resolve) => {
        const bytes = body === undefined || Buffer.isBuffer(body) ? body : JSON.stringify(body);
        const type = Buffer.isBuffer(body) ? 'application/octet-stream' : 'application/json';
        const fail = (why: string) =>
          resolve({ status: 0, code: why, cookie: null, body: {}, details: {} });
        const request = httpsRequest(
          {
            ...{ ...tls, agent, method, path },
            headers: {
              host: name,
              ...(cookie === undefined ? {} : { cookie }),
              ...(bytes === undefined
                ? {}
                : { 'content-type': type, 'content-length': Buffer.byteLength(bytes) }),
            },
          },
          (response) => {
            let text = '';
            response.setEncoding('utf8').on('data', (part: string) => {
              text += part;
            });
            response.on('error', (error) => fail(error.message));
            response.on('end', () => resolve(answerOf(response.statusCode ?? 0, text, response)));
          },
        );
        const late = setTimeout(() => request.destroy(new Error('TIMEOUT')), timeoutMs);
        request.on('close', () => clearTimeout(late));
        request.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
        request.end(bytes);
      }),
  };
}

function answerOf(
  status: number,
  text: string,
  { headers }: { headers: { 'set-cookie'?: string[] | undefined } },
): Answer {
  let body: Record<string, unknown> = {};
  try {
    body = JSON.parse(text) as Record<string, unknown>;
  } catch {
    // A page of the front's own.
  }
  const { code, details } = body;
  return {
    status,
    code: status >= 400 ? (typeof code === 'string' ? code : null) : null,
    cookie: headers['set-cookie']?.[0]?.split(';')[0] ?? null,
    body,
    details: (details as Record<string, unknown> | undefined) ?? {},
  };
}
