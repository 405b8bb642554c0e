import { expect, test } from 'vitest';
import { backupErrors } from './errors/backups.ts';
import { callErrors } from './errors/calls.ts';
import { dependencyErrors } from './errors/dependencies.ts';
import type { DetailsByCode } from './errors/details.ts';
import { packageErrors } from './errors/packages.ts';
import { peopleErrors } from './errors/people.ts';
import { rolloutErrors } from './errors/rollouts.ts';
import { serverErrors } from './errors/servers.ts';
import { sessionErrors } from './errors/sessions.ts';
import { AppError, type ErrorCode, errorAsTold, errorCodes } from './errors.ts';

test('an error has its code, what it carries and its cause', () => {
  const cause = new Error('no X server');
  const error = new AppError('DISPLAY_FAILED', { why: 'no X server' }, { cause });
  expect(error).toBeInstanceOf(AppError);
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({
    name: 'AppError',
    code: 'DISPLAY_FAILED',
    details: { why: 'no X server' },
    cause,
  });
  expect(error.message).toMatch(/^DISPLAY_FAILED: /);
  expect(new AppError('BUSY').details).toEqual({});
  expect(errorAsTold('BUSY', { waited: 3 })).toMatchObject({
    code: 'BUSY',
    details: { waited: 3 },
  });
});

test('what a code carries is known to the compiler', () => {
  const made = [
    // @ts-expect-error: a display that failed says why
    new AppError('DISPLAY_FAILED'),
    // @ts-expect-error: no such detail
    new AppError('BUSY', { because: 'of many' }),
    // @ts-expect-error: a number of milliseconds, or null
    new AppError('OUTSIDE_HOURS', { application: 'tuxpaint', opensAt: 'noon' }),
    // @ts-expect-error: no such code
    () => new AppError('NO_SUCH_CODE'),
  ];
  expect(made).toHaveLength(4);
});

test('each code stands in one family', () => {
  const strays: [Exclude<keyof DetailsByCode, ErrorCode>] extends [never] ? true : false = true;
  expect(strays).toBe(true);
  const families = [
    backupErrors,
    callErrors,
    dependencyErrors,
    packageErrors,
    peopleErrors,
    rolloutErrors,
    serverErrors,
    sessionErrors,
  ].flatMap((family) => Object.keys(family));
  expect(families.filter((code, at) => families.indexOf(code) !== at)).toEqual([]);
  expect([...families].sort()).toEqual([...errorCodes].sort());
});
