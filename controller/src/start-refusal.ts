/** What is said when the controller or one of its commands stops: what is wrong, in both languages,
 * and which runbook says what to do. */

import { runbookOf } from '@preau/contract/errors/runbooks.ts';
import { AppError, errors } from '@preau/contract/errors.ts';
import { failureOf } from './platform/failures.ts';

/** Null for what nobody foresaw. */
export function startRefusal(error: unknown, what = 'Préau does not start'): string | null {
  const known = error instanceof AppError ? error : failureOf(error);
  if (known === null) return null;
  const { fr, en } = errors[known.code];
  const facts = Object.entries(known.details).map(([name, value]) => `${name} ${String(value)}`);
  if (known.cause instanceof Error) facts.push(known.cause.message);
  const runbook = runbookOf(known.code);
  return [
    `${what}: ${known.code}${facts.length === 0 ? '' : ` (${facts.join(', ')})`}`,
    `  ${en}`,
    `  ${fr}`,
    ...(runbook === null ? [] : [`  docs/runbooks/${runbook}`]),
  ].join('\n');
}
