/** The refusal of a file of people: its sentence names the line, and the column where there is one,
 * and says what to do. */
import { AppError } from '@preau/contract/errors.ts';

export const refusedFile = (fr: string, en: string, cause?: unknown): AppError =>
  new AppError('IMPORT_REFUSED', { why: { fr, en } }, cause === undefined ? {} : { cause });
