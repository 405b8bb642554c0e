/** When a backup is due, and what the city's health says of it. Pure. */
import { type Finding, well } from '#src/platform/health/check.ts';
import type { BackupState } from './store.ts';

const hourMs = 3_600_000;

/** The last time the hour struck on this machine's clock; epoch ms. */
export function lastStrike(hour: number, now: number): number {
  const strike = new Date(now);
  strike.setHours(hour, 0, 0, 0);
  if (strike.getTime() > now) strike.setDate(strike.getDate() - 1);
  return strike.getTime();
}

/** A night's backup may take some hours. */
export const lateAfterMs = 30 * hourMs;
/** A city that is being set up is not told to back up at once. */
const toldAfterMs = 24 * hourMs;

export function backupFinding(
  { since, doneAt, failedAt, why }: BackupState,
  isConfigured: boolean,
  now: number,
): Finding {
  if (!isConfigured)
    return now - since < toldAfterMs
      ? well
      : {
          state: 'degraded',
          code: 'BACKUP_NOT_CONFIGURED',
          why: doneAt === null ? 'never' : `not done since ${day(doneAt)}`,
        };
  if (failedAt !== null)
    return {
      state: 'degraded',
      code: 'BACKUP_FAILED',
      why: `${day(failedAt)}: ${why ?? ''}; the last good one: ${doneAt === null ? 'never' : day(doneAt)}`,
    };
  if (now - (doneAt ?? since) < lateAfterMs) return well;
  return {
    state: 'degraded',
    code: 'BACKUP_LATE',
    why: `not done since ${day(doneAt ?? since)}`,
  };
}

const day = (at: number) => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
