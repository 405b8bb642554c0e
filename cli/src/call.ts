/** Calls the controller by route name, as the contract defines it: the only code that uses the
 * network. */
import { createReadStream } from 'node:fs';
import { type ClientRequest, type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import {
  api,
  type Body,
  type Params,
  type Query,
  type Reply,
  type Route,
  type RouteName,
} from '@preau/contract/api.ts';
import { pathOf } from '@preau/contract/route-table.ts';
import type { Connection } from './config.ts';
import { Refused, Unreachable } from './outcome.ts';

type Part<K extends string, V> = V extends undefined ? { [P in K]?: undefined } : { [P in K]: V };
type Input<N extends RouteName> = Part<'params', Params<N>> &
  Part<'query', Query<N>> &
  Part<'body', Body<N>>;

/** Throws Refused and Unreachable. */
export type Call = <N extends RouteName>(name: N, input: Input<N>) => Promise<Reply<N>>;

const answerWithinMs = 60_000;

export function caller(connection: Connection): Call {
  return async (name, input) => {
    const route: Route = api[name];
    const { params, query, body } = input as {
      params?: Record<string, string>;
      query?: Record<string, string>;
      body?: unknown;
    };
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const reply = await patiently(() =>
      ask(
        connection,
        route,
        { params, query },
        payload === undefined
          ? {}
          : {
              'content-type': 'application/json',
              'content-length': String(Buffer.byteLength(payload)),
            },
        (request) => {
          request.end(payload);
        },
      ),
    );
    return reply as Reply<typeof name>;
  };
}

/** A script is faster than a person. What is refused with SLOW_DOWN was not begun: it is sent again
 * after the time that the controller says. */
async function patiently<T>(send: () => Promise<T>): Promise<T> {
  for (let again = 0; ; again += 1) {
    try {
      return await send();
    } catch (error) {
      const seconds =
        error instanceof Refused && error.code === 'SLOW_DOWN'
          ? Number(error.details['retryAfterS'] ?? Number.NaN)
          : Number.NaN;
      if (!(seconds > 0) || again >= 10) throw error;
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    }
  }
}

/** Streams a file; `progress` receives the number of bytes sent so far. */
export async function sendFile(
  connection: Connection,
  path: string,
  announced: Query<'uploadPackage'>,
  progress: (bytes: number) => void,
): Promise<Reply<'uploadPackage'>> {
  const source = createReadStream(path);
  let sent = 0;
  source.on('data', (chunk) => {
    sent += chunk.length;
    progress(sent);
  });
  const reply = await ask(
    connection,
    api.uploadPackage,
    { query: announced },
    { 'content-type': 'application/octet-stream', 'content-length': announced.size },
    (request) => {
      // After a refusal in mid-upload the reply gives the reason; the broken pipe does not.
      pipeline(source, request).catch(() => undefined);
    },
  );
  return reply as Reply<'uploadPackage'>;
}

async function ask(
  { url, token }: Connection,
  route: { method: string; path: string },
  address: {
    params?: Record<string, string> | undefined;
    query?: Record<string, string> | undefined;
  },
  headers: Record<string, string>,
  write: (request: ClientRequest) => void,
): Promise<unknown> {
  const target = new URL(pathOf(route, address.params), url);
  target.search = new URLSearchParams(address.query).toString();
  const request = target.protocol === 'https:' ? requestSecure : requestPlain;
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    // Redirects are not followed, because the token must not reach another host.
    const sent = request(
      target,
      {
        method: route.method,
        headers: { authorization: `Bearer ${token}`, accept: 'application/json', ...headers },
      },
      resolve,
    );
    sent.setTimeout(answerWithinMs, () => sent.destroy(new Error('timeout')));
    sent.on('error', (cause: NodeJS.ErrnoException) =>
      reject(new Unreachable(`${url}: ${cause.code ?? cause.message}`, { cause })),
    );
    write(sent);
  });
  const body = await text(answer).catch((cause: Error) => {
    throw new Unreachable(`${url}: ${cause.message}`, { cause });
  });
  const status = answer.statusCode ?? 0;
  if (status === 204) return null;
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch (cause) {
    if (status < 300) return body;
    throw new Unreachable(`${url}: ${status}`, { cause });
  }
  if (status < 300) return parsed;
  // The proxy in front speaks for a controller that is not there.
  if (isRefusal(parsed) && parsed.code !== 'RESTARTING') throw new Refused(parsed);
  throw new Unreachable(`${url}: ${status}`);
}

const isRefusal = (
  value: unknown,
): value is {
  code: string;
  message: { fr: string; en: string };
  details?: Record<string, unknown>;
} =>
  typeof value === 'object' &&
  value !== null &&
  'code' in value &&
  'message' in value &&
  typeof value.message === 'object' &&
  value.message !== null &&
  'fr' in value.message &&
  'en' in value.message;
