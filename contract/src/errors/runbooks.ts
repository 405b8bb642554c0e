/** Which runbook says what to do about a code. The compiler wants a row for each failure of what
 * the controller stands on; test/runbooks.test.ts wants each file and anchor to exist. */
import type { backupErrors } from './backups.ts';
import type { dependencyErrors } from './dependencies.ts';

type WithRunbook =
  | keyof typeof backupErrors
  | keyof typeof dependencyErrors
  | 'BUSY'
  | 'DISK_FULL'
  | 'GATEWAY_UNREACHABLE'
  | 'CLOCK_SKEWED'
  | 'INTERNAL';

/** File and anchor, below `docs/runbooks/`. */
export const runbooks: Readonly<Record<WithRunbook, string>> = {
  BUSY: 'database.md#occupee',
  DATABASE_UNAVAILABLE: 'database.md#injoignable',
  DATABASE_BROKEN: 'database.md#endommagee',
  DATABASE_READ_ONLY: 'database.md#lecture-seule',
  DATA_FOLDER_UNUSABLE: 'disk.md#dossier',
  DISK_FULL: 'disk.md#plein',
  DISK_LOW: 'disk.md#presque-plein',
  OUT_OF_RESOURCES: 'start.md#surcharge',
  OVERLOADED: 'start.md#surcharge',
  REDIS_UNAVAILABLE: 'redis.md#injoignable',
  QUEUE_LATE: 'redis.md#retard',
  GATEWAY_UNREACHABLE: 'gateway.md#injoignable',
  CLOCK_WRONG: 'clock.md#controleur',
  CLOCK_SKEWED: 'clock.md#serveur',
  CERTIFICATE_OUT_OF_DATE: 'clock.md#certificat',
  PORT_TAKEN: 'start.md#port',
  DATA_FOLDER_IN_USE: 'start.md#dossier',
  SECRET_MISSING: 'backup.md#secret',
  SECRET_OTHER: 'backup.md#secret',
  BACKUP_NOT_CONFIGURED: 'backup.md#regler',
  BACKUP_LATE: 'backup.md#echec',
  BACKUP_FAILED: 'backup.md#echec',
  BACKUP_UNREADABLE: 'backup.md#illisible',
  BACKUP_NEWER: 'backup.md#illisible',
  RESTORE_OVER_EXISTING: 'backup.md#restaurer',
  DATABASE_NEWER: 'upgrade.md#plus-recente',
  DATABASE_OLDER: 'upgrade.md#plus-ancienne',
  MIGRATION_FAILED: 'upgrade.md#migration',
  TARGET_NOT_EMPTY: 'upgrade.md#pas-vide',
  NO_DATABASE_THERE: 'upgrade.md#pas-de-base',
  INTERNAL: 'start.md#inattendu',
};

/** Null for codes that need none. */
export const runbookOf = (code: string): string | null =>
  (runbooks as Readonly<Record<string, string>>)[code] ?? null;

/** Where the console serves it: `database.md#occupee` is `/runbooks/database.html#occupee`. */
export const addressOfRunbook = (runbook: string): string =>
  `/runbooks/${runbook.replace('.md', '.html')}`;
