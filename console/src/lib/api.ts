/** Calls the controller through the contract's light route table: method and path, no schema. */

import { isTechnician } from '@preau/contract/account.ts';
import { addressOfRunbook, runbookOf } from '@preau/contract/errors/runbooks.ts';
import { type ErrorCode, errors } from '@preau/contract/errors.ts';
import {
  type Body,
  type Params,
  pathOf,
  type Query,
  type Reply,
  type RouteLine,
  type RouteName,
  routeTable,
} from '@preau/contract/route-table.ts';
import { askAgain, isRestart } from './ask-again.ts';
import { cityClock } from './clock.ts';
import { page } from './page.svelte.ts';

export class Refused extends Error {
  readonly code: string;
  readonly details: Record<string, unknown>;
  readonly words: { fr: string; en: string };
  constructor(code: string, words: { fr: string; en: string }, details: Record<string, unknown>) {
    super(code);
    this.code = code;
    this.words = words;
    this.details = details;
  }
}

/** What a proxy in front means when it answers in its own words. */
const inFront: Readonly<Record<number, ErrorCode>> = {
  413: 'PAYLOAD_TOO_LARGE',
  429: 'SLOW_DOWN',
  502: 'RESTARTING',
  503: 'RESTARTING',
  504: 'RESTARTING',
};

/** What the controller, or a proxy in front of it, answered. */
interface Answer {
  status: number;
  /** Null unless it is a refusal of ours. */
  code: string | null;
  details: Record<string, unknown>;
  body: Record<string, unknown>;
}

export function answerFrom(status: number, text: string): Answer {
  let body: Record<string, unknown> = {};
  try {
    const told: unknown = JSON.parse(text);
    if (typeof told === 'object' && told !== null) body = told as Record<string, unknown>;
  } catch {
    // A page of a proxy, or nothing.
  }
  const { code, details } = body;
  return {
    status,
    code: status >= 400 && typeof code === 'string' ? code : null,
    details: typeof details === 'object' ? { ...details } : {},
    body,
  };
}

/** The error from a refusal; NOT_SIGNED_IN also shows the sign-in page. */
export function refusedBy({ status, code: told, details, body }: Answer): Refused {
  const code = told ?? inFront[status] ?? 'INTERNAL';
  if (code === 'NOT_SIGNED_IN') page.account = null;
  const ours = code in errors ? errors[code as ErrorCode] : errors.INTERNAL;
  return new Refused(code, (body['message'] as Refused['words'] | undefined) ?? ours, details);
}

/** The message shown to the person for any error. */
export function sentence(error: unknown): string {
  if (error instanceof Refused) {
    // Where the controller gives a precise reason, that is the message.
    const why = error.details['why'] as
      | Partial<Record<typeof page.language, unknown>>
      | string
      | undefined;
    const told = typeof why === 'object' ? why[page.language] : undefined;
    if (typeof told === 'string') return told;
    const field = (error.details['issues'] as { field: string }[] | undefined)?.[0]?.field;
    return (
      error.words[page.language] +
      (field === undefined ? '' : ` (${field.replace('body/', '')})`) +
      whatToDo(error.code)
    );
  }
  return errors.INTERNAL[page.language];
}

/** For technicians, where a runbook says what to do. */
function whatToDo(code: string): string {
  const runbook = runbookOf(code);
  if (runbook === null || page.account === null || !isTechnician(page.account)) return '';
  const address = location.origin + addressOfRunbook(runbook);
  return page.language === 'fr' ? ` Que faire : ${address}` : ` What to do: ${address}`;
}

interface Input<N extends RouteName> {
  params?: Params<N>;
  query?: Query<N>;
  body?: Body<N>;
}

/** Sends it, again where that is safe. Resolves with the answer's body, null when there is none.
 * Throws Refused. */
export async function send(
  method: string,
  path: string,
  options: Omit<RequestInit, 'method'> = {},
): Promise<unknown> {
  const ask = async () => {
    const sentAt = cityClock.monotonic();
    const response = await fetch(path, { ...options, method });
    cityClock.heard(response.headers.get('date'), sentAt);
    return answerFrom(response.status, await response.text());
  };
  let answer: Answer;
  try {
    answer = await askAgain(ask, {
      method,
      waits: (ending) => {
        page.restarting = isRestart(ending);
      },
    });
    page.online = true;
    page.restarting = isRestart(answer);
  } catch {
    page.online = false;
    throw new Refused(
      'NETWORK',
      {
        fr: 'Préau ne répond pas. Vérifiez la connexion.',
        en: 'Préau is not answering. Check the connection.',
      },
      {},
    );
  }
  if (answer.status >= 400) throw refusedBy(answer);
  return answer.status === 204 ? null : answer.body;
}

/** Throws Refused. A sign-in that has ended shows the sign-in page. */
export async function call<N extends RouteName>(name: N, input: Input<N> = {}): Promise<Reply<N>> {
  const route: RouteLine = routeTable[name];
  const search = new URLSearchParams((input.query ?? {}) as Record<string, string>).toString();
  const path =
    pathOf(route, input.params as Record<string, string> | undefined) +
    (search === '' ? '' : `?${search}`);
  const body =
    input.body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(input.body) };
  return (await send(route.method, path, body)) as Reply<N>;
}
