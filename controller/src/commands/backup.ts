/** `preau backup`. */
import { existsSync, readFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { AppError } from '@preau/contract/errors.ts';
import { makeBackup } from '#src/backups/make.ts';
import { through } from '#src/backups/programs.ts';
import { saveBackupState, selectBackupState } from '#src/backups/store.ts';
import { openCity } from '#src/open-city.ts';
import { systemClock } from '#src/platform/clock.ts';
import { failureOf } from '#src/platform/failures.ts';
import { version } from '#src/version.ts';
import { type Command, refuse } from './command.ts';

export const backup: Command = {
  args: '[--recordings] | --new-key FILE',
  does: 'Backs the city up while it runs: database, secret, packages, settings; encrypted, and read back.',
  run: async (config, args) => {
    if (args[0] === '--new-key') return newKey(args[1] ?? '');
    const unknown = args.find((each) => each !== '--recordings');
    if (unknown !== undefined)
      return refuse(`Unknown: ${unknown}. Usage: preau backup [--recordings] | --new-key FILE`);
    // People who click come first.
    setPriority(10);
    const { database, secret } = await openCity(config, 'command');
    const now = systemClock.now();
    const state = await selectBackupState(database, now);
    try {
      const made = await makeBackup({
        config,
        rows: database,
        version,
        secret,
        now,
        withRecordings: args.includes('--recordings'),
      });
      await saveBackupState(database, { ...state, doneAt: now, failedAt: null, why: null });
      console.log(`Backed up as ${made.name}: ${made.bytes} bytes, read back and found equal.`);
      if (made.newFiles > 0) console.log(`Stored ${made.newFiles} new files beside it.`);
      if (made.removed > 0)
        console.log(`Removed ${made.removed} files older than the days to keep.`);
      return 0;
    } catch (error) {
      const why = reasonOf(error);
      if (!(error instanceof AppError && error.code === 'BACKUP_NOT_CONFIGURED'))
        await saveBackupState(database, { ...state, failedAt: now, why }).catch(() => undefined);
      if (error instanceof AppError || failureOf(error) !== null) throw error;
      throw new AppError('BACKUP_FAILED', {}, { cause: error });
    } finally {
      await database.destroy();
    }
  },
};

const reasonOf = (error: unknown): string => {
  const known = error instanceof AppError ? error : failureOf(error);
  const words = error instanceof Error ? error.message : String(error);
  return (known === null ? words : `${known.code} ${String(known.details['why'] ?? '')}`)
    .trim()
    .slice(0, 400);
};

async function newKey(file: string): Promise<number> {
  if (file === '') return refuse('Usage: preau backup --new-key FILE (for the private key)');
  if (existsSync(file)) return refuse(`${file} is there already.`, 1);
  await through(null, [{ name: 'age-keygen', args: ['-o', file] }], null);
  const key = /public key: (age1[0-9a-z]+)/.exec(readFileSync(file, 'utf8'))?.[1] ?? '';
  console.log(`PREAU_BACKUP_KEY=${key}`);
  console.log(`The private key is in ${file}: without it no backup can ever be opened.`);
  console.log('Keep it on paper and on another machine, and take it away from this one.');
  return 0;
}
