/** An API client for one person: signs in, keeps the cookie, calls routes by name. For the demo's
 * set-up, tests and benchmarks. */
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

export interface Refusal {
  status: number;
  code: string;
  message: { fr: string; en: string };
  /** Absent where another program answers in our place. */
  details?: Record<string, unknown>;
}

export class CallRefused extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    const details = refusal.details === undefined ? '' : ` ${JSON.stringify(refusal.details)}`;
    super(`${refusal.status} ${refusal.code}${details}`);
    this.refusal = refusal;
  }
}

type Input<N extends RouteName> = {
  [K in 'params' | 'query' | 'body' as (
    K extends 'params'
      ? Params<N>
      : K extends 'query'
        ? Query<N>
        : Body<N>
  ) extends undefined
    ? never
    : K]: K extends 'params' ? Params<N> : K extends 'query' ? Query<N> : Body<N>;
};

export class Client {
  readonly url: string;
  cookie = '';
  constructor(url: string) {
    this.url = url;
  }

  /** Throws CallRefused. */
  async call<N extends RouteName>(
    name: N,
    input: Input<N>,
    headers: Record<string, string> = {},
  ): Promise<Reply<N>> {
    return (await this.callTimed(name, input, headers)).reply;
  }

  async callTimed<N extends RouteName>(
    name: N,
    input: Input<N>,
    headers: Record<string, string> = {},
  ): Promise<{ reply: Reply<N>; verbMs: number }> {
    const route: Route = api[name];
    const { params, query, body } = input as {
      params?: Record<string, string>;
      query?: Record<string, string>;
      body?: unknown;
    };
    const search = new URLSearchParams(query).toString();
    const send = () =>
      fetch(`${this.url}${pathOf(route, params)}${search === '' ? '' : `?${search}`}`, {
        method: route.method,
        headers: {
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(this.cookie === '' ? {} : { cookie: this.cookie }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    let response = await send();
    // A program is faster than a person: it waits as long as it is told.
    for (let again = 0; response.status === 429 && again < 20; again += 1) {
      const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
      if (!(seconds > 0)) break;
      await response.arrayBuffer();
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      response = await send();
    }
    for (const line of response.headers.getSetCookie()) this.cookie = line.split(';')[0] ?? '';
    const text = await response.text();
    const answer: unknown = text === '' ? null : JSON.parse(text);
    if (!response.ok)
      throw new CallRefused({ ...(answer as Omit<Refusal, 'status'>), status: response.status });
    return {
      reply: answer as Reply<N>,
      verbMs: Number(
        /dur=([\d.]+)/.exec(response.headers.get('server-timing') ?? '')?.[1] ?? Number.NaN,
      ),
    };
  }

  signIn(login: string, password: string): Promise<Reply<'signIn'>> {
    return this.call('signIn', { body: { login, password } });
  }
}
