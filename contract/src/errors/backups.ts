/** Refusals about the city's secret, its backups, and putting one back. */
import type { ErrorRow } from './row.ts';

export const backupErrors = {
  SECRET_MISSING: {
    status: 503,
    retryable: false,
    fr:
      'La base de données est là, mais son secret manque. Remettez le fichier « secret » (ou PREAU_SECRET) depuis la ' +
      'sauvegarde ; s’il est perdu : preau accept-secret.',
    en:
      'The database is there, but its secret is missing. Put the file “secret” (or PREAU_SECRET) back from the ' +
      'backup; if it is lost: preau accept-secret.',
  },
  SECRET_OTHER: {
    status: 503,
    retryable: false,
    fr:
      'Ce secret n’est pas celui de cette base de données : les serveurs n’obéiraient plus. ' +
      'Remettez le bon ; s’il est ' +
      'perdu : preau accept-secret.',
    en:
      'This secret is not the one of this database: servers would no longer obey. Put the right one back; if it is ' +
      'lost: preau accept-secret.',
  },
  BACKUP_NOT_CONFIGURED: {
    status: 503,
    retryable: false,
    fr:
      'Aucune sauvegarde n’est réglée. Faites une clé (preau backup --new-key) et réglez ' +
      'PREAU_BACKUP_KEY et PREAU_BACKUP_TO.',
    en: 'No backup is set up. Make a key (preau backup --new-key) and set PREAU_BACKUP_KEY and PREAU_BACKUP_TO.',
  },
  BACKUP_LATE: {
    status: 503,
    retryable: true,
    fr: 'La dernière sauvegarde date de plus d’un jour. Lancez preau backup et lisez ce qu’il dit.',
    en: 'The last backup is more than a day old. Run preau backup and read what it says.',
  },
  BACKUP_FAILED: {
    status: 503,
    retryable: true,
    fr:
      'La sauvegarde a échoué ; les précédentes sont intactes. Corrigez ce que dit le ' +
      'détail, puis relancez preau backup.',
    en: 'The backup failed; the earlier ones are untouched. Mend what the detail says, then run preau backup again.',
  },
  BACKUP_UNREADABLE: {
    status: 422,
    retryable: false,
    fr:
      'Cette sauvegarde ne se lit pas : mauvaise clé, fichier tronqué ou abîmé. Rien n’a ' +
      'été changé. Essayez la précédente.',
    en: 'This backup cannot be read: wrong key, file cut short or damaged. Nothing was changed. Try the one before.',
  },
  BACKUP_NEWER: {
    status: 422,
    retryable: false,
    fr:
      'Cette sauvegarde vient d’une version plus récente de Préau. Rien n’a été changé. ' +
      'Installez d’abord cette version.',
    en: 'This backup was made by a newer version of Préau. Nothing was changed. Install that version first.',
  },
  RESTORE_OVER_EXISTING: {
    status: 409,
    retryable: false,
    fr: 'Une ville est déjà là. Rien n’a été changé. Ajoutez --replace : elle sera mise de côté, pas effacée.',
    en: 'A city is there already. Nothing was changed. Add --replace: it will be kept aside, not erased.',
  },
} as const satisfies Record<string, ErrorRow>;
