/** Each state of backups, and what is said of it. */
import { expect, test } from 'vitest';
import { backupFinding, lastStrike } from './due.ts';
import type { BackupState } from './store.ts';

const hour = 3_600_000;
const now = Date.UTC(2026, 11, 1, 12);
const state = (more: Partial<BackupState>): BackupState => ({
  since: now - 100 * hour,
  doneAt: null,
  failedAt: null,
  why: null,
  ...more,
});
const told = (more: Partial<BackupState>, isConfigured: boolean) => {
  const finding = backupFinding(state(more), isConfigured, now);
  return finding.state === 'ok' ? 'ok' : `${finding.state} ${finding.code} ${finding.why}`;
};

// biome-ignore format: a table
test.each<[name: string, Partial<BackupState>, boolean, string | RegExp]>([
  ['set up an hour ago, without backups', { since: now - hour }, false, 'ok'],
  ['set up a day ago, without backups', { since: now - 24 * hour }, false, 'degraded BACKUP_NOT_CONFIGURED never'],
  ['no longer configured', { doneAt: now - hour }, false, /^degraded BACKUP_NOT_CONFIGURED not done since 2026-12-01 11:00/],
  ['configured now, first night to come', { since: now - 29 * hour }, true, 'ok'],
  ['configured, never done', { since: now - 30 * hour }, true, /^degraded BACKUP_LATE not done since 2026-11-30 06:00/],
  ['done tonight', { doneAt: now - 10 * hour }, true, 'ok'],
  ['not done last night', { doneAt: now - 30 * hour }, true, /^degraded BACKUP_LATE not done since 2026-11-30 06:00/],
  ['failed after a good one', { doneAt: now - 34 * hour, failedAt: now - 10 * hour, why: 'DISK_FULL' }, true, /^degraded BACKUP_FAILED 2026-12-01 02:00 UTC: DISK_FULL; the last good one: 2026-11-30 02:00/],
])('%s', (_name, more, isConfigured, expected) => {
  if (typeof expected === 'string') expect(told(more, isConfigured)).toBe(expected);
  else expect(told(more, isConfigured)).toMatch(expected);
});

test('the hour strikes once a day, by this machine’s clock', () => {
  const at = (text: string) => new Date(text).getTime();
  expect(lastStrike(2, at('2026-12-01T01:59:59'))).toBe(at('2026-11-30T02:00:00'));
  expect(lastStrike(2, at('2026-12-01T02:00:00'))).toBe(at('2026-12-01T02:00:00'));
  expect(lastStrike(0, at('2026-12-01T23:00:00'))).toBe(at('2026-12-01T00:00:00'));
});
