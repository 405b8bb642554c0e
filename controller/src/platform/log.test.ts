/** A log says what went wrong, and no secret. */
import { AppError } from '@preau/contract/errors.ts';
import { expect, test } from 'vitest';
import { createLog, type Log } from './log.ts';

function written(say: (log: Log) => void): Record<string, unknown> & { err?: object } {
  const lines: string[] = [];
  say(createLog('debug', { write: (line) => lines.push(line) }));
  return JSON.parse(lines[0] ?? '{}') as Record<string, unknown>;
}

test('an error is printed with its message, its stack and its causes', () => {
  const cause = Object.assign(new Error('database is locked'), { code: 'SQLITE_BUSY' });
  const line = written((log) =>
    log.error({ err: new AppError('BUSY', {}, { cause }) }, 'departure not noted'),
  );
  expect(line).toMatchObject({
    msg: 'departure not noted',
    err: {
      type: 'AppError',
      kind: 'BUSY',
      message: expect.stringContaining('BUSY'),
      stack: expect.stringContaining('log.test.ts'),
      cause: { kind: 'SQLITE_BUSY', message: 'database is locked' },
    },
  });
});

test('an error under another name does not compile: it would be printed as {}', () => {
  const line = written((log) =>
    log.error(
      // @ts-expect-error: errors are called `err`
      { error: new Error('lost') },
      'departure not noted',
    ),
  );
  expect(line['error']).toEqual({});
});

test.each([
  ['an address of PostgreSQL', 'connect postgres://preau:s3cret-1@db/preau failed', 's3cret-1'],
  ['an address of Redis', 'redis://:s3cret-2@cache:6379 refused', 's3cret-2'],
  ['an address of a mail server', 'smtps://me:s3cret/3@mail', 's3cret/3'],
  ['a password with an @', 'postgres://preau:s3@cret@db/preau', 's3@cret'],
  ['a header', 'sent authorization: Bearer preau_s3cret4', 's3cret4'],
  ['a bind', 'bind refused: {"password":"s3cret-5"}', 's3cret-5'],
  ['a cookie', 'cookie: preau_sign_in=s3cret-6', 's3cret-6'],
])('%s in a message is written without its secret', (_, message, secret) => {
  const error = new Error(message, { cause: new Error(message) });
  const line = JSON.stringify(written((log) => log.warn({ err: error }, 'not reached')));
  expect(line).toContain('[hidden]');
  expect(line).not.toContain(secret);
});

test('what drivers attach to their errors is not written', () => {
  const error = Object.assign(new Error('WRONGPASS'), {
    command: { name: 'auth', args: ['preau', 's3cret'] },
    config: { password: 's3cret' },
    request: { headers: { cookie: 's3cret' } },
  });
  expect(JSON.stringify(written((log) => log.warn({ err: error }, 'redis')))).not.toContain(
    's3cret',
  );
});
