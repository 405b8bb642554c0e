/** The night's backup, begun by the background work, and its part of the city's health. */
import { join } from 'node:path';
import type { Check } from '#src/platform/health/check.ts';
import type { Platform } from '#src/platform/platform.ts';
import { backupFinding, lastStrike } from './due.ts';
import { placeOf } from './place.ts';
import { ProgramFailed, through } from './programs.ts';
import { claimBackup, selectBackupState } from './store.ts';

type Deps = Pick<Platform, 'config' | 'database' | 'clock' | 'log'>;

const isConfigured = ({ config }: Pick<Deps, 'config'>) =>
  config.PREAU_BACKUP_KEY !== '' && placeOf(config) !== null;

export const checkBackup = (deps: Pick<Deps, 'config' | 'database' | 'clock'>): Check => ({
  part: 'backup',
  failure: 'BACKUP_FAILED',
  // The database's silence is told by its own part.
  silence: 'DATABASE_UNAVAILABLE',
  look: async () => {
    const now = deps.clock.now();
    const state = await selectBackupState(deps.database, now);
    return backupFinding(state, isConfigured(deps), now);
  },
});

/** Makes the backup when it is due, in a process of its own. The command itself records how it went;
 * a failure is tried again the next night, or by hand. */
export async function backUpWhenDue(
  deps: Deps,
  run: () => Promise<void> = runCommand,
): Promise<'done' | 'failed' | 'not due'> {
  if (!isConfigured(deps)) return 'not due';
  const now = deps.clock.now();
  const state = await selectBackupState(deps.database, now);
  const due = lastStrike(deps.config.PREAU_BACKUP_HOUR, now);
  // Configured after the hour had struck: the next night is the first.
  if (due < state.since || (state.doneAt ?? 0) >= due) return 'not due';
  if (!(await claimBackup(deps.database, due, now))) return 'not due';
  try {
    await run();
    deps.log.info({}, 'backed up');
    return 'done';
  } catch (error) {
    const why = error instanceof ProgramFailed ? error.said : String(error);
    deps.log.error({ err: error, why }, 'backup failed');
    return 'failed';
  }
}

const main = join(import.meta.dirname, '..', 'main.ts');
/** `--single-threaded`: packaging/preau says why. */
const runCommand = () =>
  through(null, [{ name: process.execPath, args: ['--single-threaded', main, 'backup'] }], null);
