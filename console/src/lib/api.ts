/** Calls the controller through the contract's light route table: method and path, no schema. */

import { errors } from '@preau/contract/errors.ts';
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
import { askAgain } from './ask-again.ts';
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

/** The error from a refused response; NOT_SIGNED_IN also shows the sign-in page. */
export function refusedBy(answer: {
  code?: unknown;
  message?: unknown;
  details?: unknown;
}): Refused {
  const code = String(answer.code ?? 'INTERNAL');
  if (code === 'NOT_SIGNED_IN') page.account = null;
  return new Refused(
    code,
    (answer.message as { fr: string; en: string } | undefined) ?? errors.INTERNAL,
    (answer.details as Record<string, unknown> | undefined) ?? {},
  );
}

/** The same from an XMLHttpRequest response body. */
export function refusalOf(text: string): Refused {
  try {
    return refusedBy(JSON.parse(text) as object);
  } catch {
    return refusedBy({});
  }
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
      error.words[page.language] + (field === undefined ? '' : ` (${field.replace('body/', '')})`)
    );
  }
  return errors.INTERNAL[page.language];
}

interface Input<N extends RouteName> {
  params?: Params<N>;
  query?: Query<N>;
  body?: Body<N>;
}

/** Throws Refused. A sign-in that has ended shows the sign-in page. */
export async function call<N extends RouteName>(name: N, input: Input<N> = {}): Promise<Reply<N>> {
  const route: RouteLine = routeTable[name];
  const search = new URLSearchParams((input.query ?? {}) as Record<string, string>).toString();
  let response: Response;
  try {
    const path =
      pathOf(route, input.params as Record<string, string> | undefined) +
      (search === '' ? '' : `?${search}`);
    const options = {
      method: route.method,
      ...(input.body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(input.body) }),
    };
    response = await askAgain(() => fetch(path, options), route.method);
    page.online = true;
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
  if (response.status === 204) return null as Reply<N>;
  const answer = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  if (!response.ok) throw refusedBy(answer);
  return answer as Reply<N>;
}
