/** What a failed step reports: the cause, where this machine's disk is it. */
import { AppError } from '@preau/contract/errors.ts';
import { expect, test } from 'vitest';
import { reasonOf } from './failures.ts';

const coded = (code: string) => Object.assign(new Error(`${code}: write`), { code });

test.each([
  [coded('ENOSPC'), 'DISK_FULL'],
  [coded('EDQUOT'), 'DISK_FULL'],
  [coded('EROFS'), 'DATA_FOLDER_UNUSABLE'],
  [coded('EMFILE'), 'OUT_OF_RESOURCES'],
  [new AppError('DISPLAY_FAILED', { why: 'no X server' }), 'DISPLAY_FAILED'],
  [coded('ENOENT'), 'INTERNAL'],
  [new TypeError('a bug'), 'INTERNAL'],
  ['text', 'INTERNAL'],
])('%s is %s', (error, code) => {
  expect(reasonOf(error).code).toBe(code);
});
