/** Which refusals answer a guess of a secret or of a name. The others say nothing about it. */
import { AppError, type ErrorCode } from '@preau/contract/errors.ts';

const guessed: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'SIGN_IN_REFUSED',
  'SECOND_FACTOR_REFUSED',
  'STEP_EXPIRED',
  'PASSKEY_REFUSED',
  'PASSWORD_WRONG',
  'BADGE_FORGED',
  'BADGE_VOIDED',
  'BADGE_ELSEWHERE',
  'PICTURES_REFUSED',
  'ENROLMENT_CODE_REFUSED',
  'TOKEN_REFUSED',
]);

export const isGuess = (error: unknown): error is AppError =>
  error instanceof AppError && guessed.has(error.code);
