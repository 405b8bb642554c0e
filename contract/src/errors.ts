/** The closed table of all refusals: one code, one HTTP status, and one sentence per language for
 * the person concerned, each ending with what to do next. The rows are in errors/, by who meets
 * them; errors/details.ts defines the details of each code. */
import { backupErrors } from './errors/backups.ts';
import { callErrors } from './errors/calls.ts';
import { dependencyErrors } from './errors/dependencies.ts';
import type { DetailsOf } from './errors/details.ts';
import { packageErrors } from './errors/packages.ts';
import { peopleErrors } from './errors/people.ts';
import { rolloutErrors } from './errors/rollouts.ts';
import { serverErrors } from './errors/servers.ts';
import { sessionErrors } from './errors/sessions.ts';

export const errors = {
  ...callErrors,
  ...peopleErrors,
  ...sessionErrors,
  ...serverErrors,
  ...rolloutErrors,
  ...packageErrors,
  ...dependencyErrors,
  ...backupErrors,
};

export type ErrorCode = keyof typeof errors;
export const errorCodes = Object.keys(errors) as ErrorCode[];

class CodedError extends Error {
  readonly code: ErrorCode;
  readonly details: Record<string, unknown>;
  constructor(code: ErrorCode, details: object = {}, options?: { cause?: unknown }) {
    super(`${code}: ${errors[code].en}`, options);
    this.name = 'AppError';
    this.code = code;
    this.details = details as Record<string, unknown>;
  }
}

/** The only error that verbs throw on purpose. `details` reaches the caller: no secret in it. */
export type AppError = CodedError;
/** Typed by hand so that the details are checked by code: a class's constructor cannot have its own
 * type parameter. */
export const AppError: {
  new <C extends ErrorCode>(
    code: C,
    ...more: Record<never, never> extends DetailsOf<C>
      ? [details?: DetailsOf<C>, options?: { cause?: unknown }]
      : [details: DetailsOf<C>, options?: { cause?: unknown }]
  ): AppError;
  readonly prototype: AppError;
} = CodedError;

/** An error reported by another process or wrapped in another error; its details are unchecked. */
export const errorAsTold = (
  code: ErrorCode,
  details: Record<string, unknown>,
  options?: { cause?: unknown },
): AppError => new CodedError(code, details, options);
