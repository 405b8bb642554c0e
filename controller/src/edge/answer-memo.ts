/** A cache of answers, per caller, that replies before Fastify handles the request. When a rule
 * changes, a whole school reloads its portal at once, and each page sends several requests. A
 * wake-up invalidates an entry, and each expires after two seconds because a wake-up from another
 * process may be lost. */

import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import type { Topic } from '@preau/contract/topics.ts';
import type { Wakeups } from '#src/wakeups.ts';
import type { AddressOf } from './client-address.ts';
import { cookieOf } from './sign-in.ts';

const ttlMs = 2000;
/** Each takes a few kilobytes. */
const maxAnswers = 4000;
/** In characters. As in the rest of the API, shorter answers are not compressed. */
const gzipFrom = 2048;
/** Topics that invalidate every caller's answers. */
const everybodys: ReadonlySet<Topic> = new Set<Topic>(['portal', 'applications', 'sites', 'rules']);

interface Remembered {
  headers: OutgoingHttpHeaders;
  text: string;
  gzipped: Buffer | null;
  at: number;
  accountId: string;
  signIn: string;
}

export interface AnswerMemo {
  /** Answers from the cache when it can; true when it did. */
  answer: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** Counts invalidations. Read it before reading the data for an answer that `keep` will store. */
  epoch: () => number;
  /** Stores nothing when an invalidation came after `epoch`: the answer may be out of date. */
  keep: (
    request: IncomingMessage,
    epoch: number,
    owner: { accountId: string; signIn: string },
    headers: OutgoingHttpHeaders,
    text: string,
  ) => void;
  close: () => void;
}

export function createAnswerMemo(
  wakeups: Wakeups,
  addressOf: AddressOf,
  now = () => performance.now(),
): AnswerMemo {
  const answers = new Map<string, Remembered>();
  let epoch = 0;
  const stop = wakeups.listen((topics) => {
    const own = topics.filter(
      (topic) => topic.startsWith('person:') || topic.startsWith('sign-in:'),
    );
    const all = topics.some((topic) => everybodys.has(topic));
    if (!all && own.length === 0) return;
    epoch += 1;
    if (all) answers.clear();
    else
      for (const [key, { accountId, signIn }] of answers)
        if (own.includes(`person:${accountId}`) || own.includes(`sign-in:${signIn}`))
          answers.delete(key);
  });
  /** Null when the caller has not signed in with a cookie. The address is part of the key because
   * rules depend on it. */
  const keyOf = (request: IncomingMessage): string | null => {
    const secret = request.headers.authorization === undefined ? cookieOf(request) : null;
    return secret === null ? null : `${request.url} ${secret} ${addressOf(request)}`;
  };
  return {
    answer: (request, response) => {
      if (answers.size === 0 || request.method !== 'GET') return false;
      const key = keyOf(request);
      const known = key === null ? undefined : answers.get(key);
      if (known === undefined || now() - known.at >= ttlMs) return false;
      if (
        known.text.length >= gzipFrom &&
        /\bgzip\b/.test(request.headers['accept-encoding'] ?? '')
      ) {
        known.gzipped ??= gzipSync(known.text);
        response.writeHead(200, {
          ...known.headers,
          'content-encoding': 'gzip',
          'content-length': known.gzipped.length,
        });
        response.end(known.gzipped);
      } else {
        response.writeHead(200, known.headers);
        response.end(known.text);
      }
      return true;
    },
    epoch: () => epoch,
    keep: (request, since, { accountId, signIn }, headers, text) => {
      const key = keyOf(request);
      if (key === null || since !== epoch) return;
      answers.delete(key);
      answers.set(key, {
        headers: { ...headers, vary: 'accept-encoding', 'content-length': Buffer.byteLength(text) },
        text,
        gzipped: null,
        at: now(),
        accountId,
        signIn,
      });
      if (answers.size > maxAnswers) answers.delete(answers.keys().next().value ?? '');
    },
    close: stop,
  };
}
