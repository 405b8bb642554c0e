/** What a dependency's error means: the one place that knows the codes of SQLite, PostgreSQL and the
 * file system. What is not here stays INTERNAL, which is for what nobody foresaw. */

import { fileSystemFailure } from '@preau/contract/errors/file-system.ts';
import { AppError, type ErrorCode } from '@preau/contract/errors.ts';
import { budget } from './budget.ts';

type Failure = Extract<
  ErrorCode,
  | 'BUSY'
  | 'DATABASE_BROKEN'
  | 'DATABASE_READ_ONLY'
  | 'DATABASE_UNAVAILABLE'
  | 'DATA_FOLDER_UNUSABLE'
  | 'DISK_FULL'
  | 'OUT_OF_RESOURCES'
  | 'REDIS_UNAVAILABLE'
>;

/** By the beginning of the error's code; the first that fits counts. */
const byCode: readonly [RegExp, Failure][] = [
  [/^SQLITE_(BUSY|LOCKED)/, 'BUSY'],
  [/^SQLITE_FULL/, 'DISK_FULL'],
  [/^SQLITE_READONLY/, 'DATABASE_READ_ONLY'],
  [/^SQLITE_CANTOPEN/, 'DATABASE_UNAVAILABLE'],
  [/^SQLITE_(IOERR|CORRUPT|NOTADB|PROTOCOL|FORMAT)/, 'DATABASE_BROKEN'],
  [/^SQLITE_NOMEM/, 'OUT_OF_RESOURCES'],
  // PostgreSQL: https://www.postgresql.org/docs/current/errcodes-appendix.html
  [/^53100$/, 'DISK_FULL'],
  [/^(53200|54)/, 'OUT_OF_RESOURCES'],
  [/^(53300|40001|40P01|55P03)$/, 'BUSY'],
  [/^25006$/, 'DATABASE_READ_ONLY'],
  [/^(58|XX)/, 'DATABASE_BROKEN'],
  [/^(08|57P|28|3D000)/, 'DATABASE_UNAVAILABLE'],
];

/** Errors of `pg` that have no code: a connection that is not made, or breaks. */
const byMessage: readonly [RegExp, Failure][] = [
  [/^timeout exceeded when trying to connect$/, 'DATABASE_UNAVAILABLE'],
  [/^Query read timeout$/, 'DATABASE_UNAVAILABLE'],
  [/^Connection terminated|^Client has encountered a connection error/, 'DATABASE_UNAVAILABLE'],
  [/^Client was closed and is not queryable/, 'DATABASE_UNAVAILABLE'],
  [/^the transaction was aborted/i, 'BUSY'],
];

/** The codes of a connection that is not made: whose it was, the stack tells. */
const connection =
  /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/;

/** A connection to the database that was not made, whatever the reason. */
export class NoConnection extends Error {
  override name = 'NoConnection';
}

/** Null for what is no failure of a dependency. */
export function failureOf(error: unknown): AppError | null {
  if (!(error instanceof Error) || error instanceof AppError) return null;
  const found = codeOf(error);
  if (found === null) return error.cause === undefined ? null : failureOf(error.cause);
  if (found === 'BUSY')
    return new AppError('BUSY', { retryAfterS: budget.database.retryAfterS }, { cause: error });
  return new AppError(found, {}, { cause: error });
}

function codeOf(error: Error): Failure | null {
  const { code = '', syscall, path } = error as NodeJS.ErrnoException;
  if (error instanceof NoConnection)
    return (error.cause instanceof Error ? codeOf(error.cause) : null) ?? 'DATABASE_UNAVAILABLE';
  if (error.name === 'MaxRetriesPerRequestError') return 'REDIS_UNAVAILABLE';
  if (/^(OOM|READONLY|MISCONF|LOADING|MASTERDOWN|CLUSTERDOWN) /.test(error.message))
    return 'REDIS_UNAVAILABLE';
  for (const [shape, failure] of byCode) if (shape.test(code)) return failure;
  const ofFile = fileSystemFailure(error);
  if (ofFile !== null) return ofFile;
  if (isOfPostgres(error) && connection.test(code)) return 'DATABASE_UNAVAILABLE';
  // The data folder's name belongs to a file.
  if (code === 'EEXIST' && syscall === 'mkdir') return 'DATA_FOLDER_UNUSABLE';
  // A PostgreSQL that is reached by a Unix socket, which goes away with it.
  if (code === 'ENOENT' && syscall === 'connect') return 'DATABASE_UNAVAILABLE';
  if (code === 'ENOENT' && /^(open|mkdir|rename|copyfile)$/.test(syscall ?? '') && path)
    return 'DATA_FOLDER_UNUSABLE';
  for (const [shape, failure] of byMessage) if (shape.test(error.message)) return failure;
  return null;
}

const isOfPostgres = (error: Error): boolean =>
  /node_modules[\\/]pg(-pool)?[\\/]/.test(error.stack ?? '');
