import { AppError } from '@preau/contract/errors.ts';

/** The refusal of whoever may come again in so many milliseconds. */
export const slowDown = (ms: number): AppError =>
  new AppError('SLOW_DOWN', { retryAfterS: Math.ceil(ms / 1000) });
