/** What a failed step reports: the cause, where this machine's disk is it. */
import { AppError } from '@preau/contract/errors.ts';
import { expect, test } from 'vitest';
import { createFailures, reasonOf } from './failures.ts';

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

test('a step that goes on failing is tried again ever less often, but each hour', () => {
  let at = 1000;
  const { failed, mended, list } = createFailures(() => at, { warn: () => undefined });
  const broken = new AppError('DISPLAY_FAILED', { why: 'no X server' });
  const waits: (number | null)[] = [];
  for (let times = 0; times < 10; times += 1) {
    const { retryAt, attempt } = failed('prepare_display', 'standby', broken, 'yes');
    waits.push(retryAt === null ? null : (retryAt - at) / 1000);
    expect(attempt).toBe(times + 1);
    at += 60_000;
  }
  expect(waits).toEqual([30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
  expect(list()).toHaveLength(1);
  mended('prepare_display', 'standby');
  expect(list()).toEqual([]);
  expect(failed('prepare_display', 'standby', broken, 'yes').retryAt).toBe(at + 30_000);
  expect(failed('read_icon', 'tux', broken, 'no').retryAt).toBeNull();
});
