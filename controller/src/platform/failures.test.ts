/** Which code an error of a dependency gets. What nobody foresaw gets none. */
import { AppError } from '@preau/contract/errors.ts';
import { expect, test } from 'vitest';
import { failureOf, NoConnection } from './failures.ts';

const coded = (code: string, more: object = {}) =>
  Object.assign(new Error('as the driver says it'), { code, ...more });

// biome-ignore format: a table
test.each([
  ['SQLite: another process writes', coded('SQLITE_BUSY'), 'BUSY'],
  ['SQLite: a snapshot that is too old', coded('SQLITE_BUSY_SNAPSHOT'), 'BUSY'],
  ['SQLite: the disk is full', coded('SQLITE_FULL'), 'DISK_FULL'],
  ['SQLite: a read error of the disk', coded('SQLITE_IOERR_READ'), 'DATABASE_BROKEN'],
  ['SQLite: damaged', coded('SQLITE_CORRUPT'), 'DATABASE_BROKEN'],
  ['SQLite: another file', coded('SQLITE_NOTADB'), 'DATABASE_BROKEN'],
  ['SQLite: read-only', coded('SQLITE_READONLY'), 'DATABASE_READ_ONLY'],
  ['SQLite: moved away', coded('SQLITE_READONLY_DBMOVED'), 'DATABASE_READ_ONLY'],
  ['SQLite: gone', coded('SQLITE_CANTOPEN'), 'DATABASE_UNAVAILABLE'],
  ['PostgreSQL: the disk is full', coded('53100'), 'DISK_FULL'],
  ['PostgreSQL: out of memory', coded('53200'), 'OUT_OF_RESOURCES'],
  ['PostgreSQL: too many connections', new NoConnection('', { cause: coded('53300') }), 'BUSY'],
  ['PostgreSQL: shut down by an administrator', coded('57P01'), 'DATABASE_UNAVAILABLE'],
  ['PostgreSQL: starting', coded('57P03'), 'DATABASE_UNAVAILABLE'],
  ['PostgreSQL: connection lost', coded('08006'), 'DATABASE_UNAVAILABLE'],
  ['PostgreSQL: wrong password', coded('28P01'), 'DATABASE_UNAVAILABLE'],
  ['PostgreSQL: deadlock', coded('40P01'), 'BUSY'],
  ['PostgreSQL: serialisation', coded('40001'), 'BUSY'],
  ['PostgreSQL: a standby', coded('25006'), 'DATABASE_READ_ONLY'],
  ['PostgreSQL: a damaged page', coded('XX001'), 'DATABASE_BROKEN'],
  ['PostgreSQL: nobody listens', new NoConnection('', { cause: coded('ECONNREFUSED') }), 'DATABASE_UNAVAILABLE'],
  ['PostgreSQL: frozen', new Error('Query read timeout'), 'DATABASE_UNAVAILABLE'],
  ['PostgreSQL: cut', new Error('Connection terminated unexpectedly'), 'DATABASE_UNAVAILABLE'],
  ['Redis: full', new Error("OOM command not allowed when used memory > 'maxmemory'."), 'REDIS_UNAVAILABLE'],
  ['Redis: a copy', new Error("READONLY You can't write against a read only replica."), 'REDIS_UNAVAILABLE'],
  ['a full disk', coded('ENOSPC', { syscall: 'write' }), 'DISK_FULL'],
  ['a full quota', coded('EDQUOT', { syscall: 'write' }), 'DISK_FULL'],
  ['a read-only file system', coded('EROFS', { syscall: 'open' }), 'DATA_FOLDER_UNUSABLE'],
  ['a folder of somebody else', coded('EACCES', { syscall: 'open' }), 'DATA_FOLDER_UNUSABLE'],
  ['a folder that is gone', coded('ENOENT', { syscall: 'open', path: '/data/x' }), 'DATA_FOLDER_UNUSABLE'],
  ['too many open files', coded('EMFILE', { syscall: 'open' }), 'OUT_OF_RESOURCES'],
  ['the cause of another error', new Error('import broken off', { cause: coded('ENOSPC') }), 'DISK_FULL'],
  ['a bug', new TypeError('undefined is not a function'), null],
  ['a constraint', coded('SQLITE_CONSTRAINT_UNIQUE'), null],
  ['a syntax error', coded('42601'), null],
  ['no error', 'just text', null],
])('%s', (_, error, code) => {
  expect(failureOf(error)?.code ?? null).toBe(code);
});

test('a refusal is left as it is', () => {
  expect(failureOf(new AppError('NOT_FOUND', {}, { cause: coded('ENOSPC') }))).toBe(null);
});
