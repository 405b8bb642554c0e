/** The closed table of everything that can be refused: one code, one HTTP status, one sentence per
 * language for the person in front of it, each ending with what to do next. Its rows are in errors/,
 * by who meets them; errors/details.ts says what each code carries besides. */
import { callErrors } from './errors/calls.ts';
import type { DetailsOf } from './errors/details.ts';
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
/** What a code carries is checked: a class cannot have a type parameter of its constructor alone. */
export const AppError: {
  new <C extends ErrorCode>(
    code: C,
    ...more: Record<never, never> extends DetailsOf<C>
      ? [details?: DetailsOf<C>, options?: { cause?: unknown }]
      : [details: DetailsOf<C>, options?: { cause?: unknown }]
  ): AppError;
  readonly prototype: AppError;
} = CodedError;

/** An error as another process, or another error, told it: nobody knows what it carries. */
export const errorAsTold = (
  code: ErrorCode,
  details: Record<string, unknown>,
  options?: { cause?: unknown },
): AppError => new CodedError(code, details, options);
