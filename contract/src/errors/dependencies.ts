/** Failures of what the controller stands on: its database, Redis, guacd, disk, clock. People are
 * told what they notice; what a technician does is in the runbook that errors/runbooks.ts names. */
import type { ErrorRow } from './row.ts';

export const dependencyErrors = {
  DATABASE_UNAVAILABLE: {
    status: 503,
    retryable: true,
    fr: 'La base de données de Préau ne répond pas. Réessayez dans une minute ; si cela dure, prévenez le technicien.',
    en: 'Préau’s database is not answering. Try again in a minute; if it lasts, tell the technician.',
  },
  DATABASE_BROKEN: {
    status: 503,
    retryable: true,
    fr: 'La base de données de Préau est illisible ou endommagée. Prévenez le technicien : elle doit être réparée.',
    en: 'Préau’s database cannot be read or is damaged. Tell the technician: it must be repaired.',
  },
  DATABASE_READ_ONLY: {
    status: 503,
    retryable: true,
    fr: 'La base de données de Préau n’accepte plus d’écriture : rien n’a été enregistré. Prévenez le technicien.',
    en: 'Préau’s database accepts no more changes: nothing was saved. Tell the technician.',
  },
  DATA_FOLDER_UNUSABLE: {
    status: 503,
    retryable: true,
    fr:
      'Le dossier de données de Préau a disparu ou ne s’écrit plus : rien n’a été ' +
      'enregistré. Prévenez le technicien.',
    en: 'Préau’s data folder is gone or cannot be written: nothing was saved. Tell the technician.',
  },
  DISK_LOW: {
    status: 507,
    retryable: true,
    fr: 'Il reste peu de place sur le disque de Préau. Libérez-en avant qu’il ne soit plein.',
    en: 'Little room is left on Préau’s disk. Make some before it is full.',
  },
  OUT_OF_RESOURCES: {
    status: 503,
    retryable: true,
    fr:
      'Préau manque de mémoire ou de fichiers ouverts. Réessayez dans une minute ; si cela ' +
      'dure, prévenez le technicien.',
    en: 'Préau lacks memory or open files. Try again in a minute; if it lasts, tell the technician.',
  },
  REDIS_UNAVAILABLE: {
    status: 503,
    retryable: true,
    fr: 'Redis ne répond pas ou n’accepte plus rien. Vérifiez le service Redis.',
    en: 'Redis is not answering or accepts nothing more. Check the Redis service.',
  },
  CLOCK_WRONG: {
    status: 503,
    retryable: true,
    fr:
      'L’horloge du contrôleur n’est pas à l’heure, ou a sauté. Vérifiez la synchronisation ' +
      'de l’heure (timedatectl).',
    en: 'The controller’s clock is wrong, or has jumped. Check its time synchronisation (timedatectl).',
  },
  QUEUE_LATE: {
    status: 503,
    retryable: true,
    fr: 'Les travaux de fond sont en retard. Vérifiez Redis et la base de données, puis relancez le contrôleur.',
    en: 'Background work is late. Check Redis and the database, then restart the controller.',
  },
  OVERLOADED: {
    status: 503,
    retryable: true,
    fr: 'Le contrôleur est surchargé et répond avec retard. Réessayez ; si cela dure, donnez-lui plus de processeur.',
    en: 'The controller is overloaded and answers late. Try again; if it lasts, give it more processor time.',
  },
  PORT_TAKEN: {
    status: 503,
    retryable: true,
    fr: 'Un autre programme écoute déjà sur ce port. Arrêtez-le, ou choisissez un autre port (PREAU_PORT).',
    en: 'Another program listens on this port already. End it, or choose another port (PREAU_PORT).',
  },
  DATA_FOLDER_IN_USE: {
    status: 503,
    retryable: true,
    fr:
      'Un autre contrôleur utilise déjà ce dossier de données. Arrêtez-le, ou passez à ' +
      'PostgreSQL pour en avoir plusieurs.',
    en: 'Another controller uses this data folder already. End it, or use PostgreSQL to run several.',
  },
  CERTIFICATE_OUT_OF_DATE: {
    status: 502,
    retryable: true,
    fr:
      'Le certificat de la ville n’est pas valable à la date de ce serveur. Vérifiez d’abord l’horloge de ce serveur ' +
      '(timedatectl), puis les dates du certificat.',
    en:
      'The city’s certificate is not valid at this server’s date. First check this server’s clock ' +
      '(timedatectl), then the dates of the certificate.',
  },
  DATABASE_NEWER: {
    status: 503,
    retryable: false,
    fr:
      'La base de données est celle d’une version plus récente de Préau. Installez cette ' +
      'version, ou revenez en arrière avec elle.',
    en: 'The database is that of a newer version of Préau. Install that version, or go back with it.',
  },
  DATABASE_OLDER: {
    status: 503,
    retryable: false,
    fr:
      'La base de données est celle d’une version plus ancienne de Préau. Mettez d’abord ' +
      'Préau à jour (preau upgrade).',
    en: 'The database is that of an older version of Préau. Upgrade Préau first (preau upgrade).',
  },
  MIGRATION_FAILED: {
    status: 503,
    retryable: false,
    fr:
      'La base de données n’a pas pu être mise à jour : rien n’a changé. Gardez la version ' +
      'd’avant et donnez ce message au technicien.',
    en:
      'The database could not be upgraded: nothing has changed. Keep the version before, ' +
      'and give this message to the technician.',
  },
  TARGET_NOT_EMPTY: {
    status: 409,
    retryable: false,
    fr: 'La base PostgreSQL indiquée contient déjà des données : rien n’a été copié. Créez une base vide.',
    en: 'The PostgreSQL database named has rows already: nothing was copied. Create an empty one.',
  },
  NO_DATABASE_THERE: {
    status: 503,
    retryable: false,
    fr: 'Il n’y a pas de base SQLite dans ce dossier de données. Vérifiez PREAU_DATA.',
    en: 'There is no SQLite database in this data folder. Check PREAU_DATA.',
  },
} as const satisfies Record<string, ErrorRow>;
