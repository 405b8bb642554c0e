/** Refusals about installing: failures that agents report, refused rollouts, and the catalogue. */
import type { ErrorRow } from './row.ts';

export const rolloutErrors = {
  WITHDRAWN: {
    status: 409,
    retryable: false,
    fr:
      'Une application ou une version demandée n’est plus au catalogue. Remettez-la au ' +
      'catalogue, ou choisissez-en une autre.',
    en:
      'An application or version that was asked for is no longer in the catalogue. Put it back, ' +
      'or choose another one.',
  },
  PACKAGE_NOT_FOUND: {
    status: 422,
    retryable: false,
    fr: 'Un paquet de la recette n’existe pas dans les sources du serveur. Corrigez la recette.',
    en: 'A package of the recipe does not exist in the server’s sources. Correct the recipe.',
  },
  INSTALL_FAILED: {
    status: 502,
    retryable: true,
    fr: 'L’installation a échoué. Lisez le détail, puis réessayez.',
    en: 'The installation failed. Read the detail, then try again.',
  },
  NOT_DETECTED: {
    status: 502,
    retryable: false,
    fr: 'L’installation s’est terminée, mais la règle de détection ne trouve pas l’application. Corrigez la recette.',
    en: 'The installation finished, but the detection rule does not find the application. Correct the recipe.',
  },
  REMOVE_FAILED: {
    status: 502,
    retryable: true,
    fr: 'La désinstallation a échoué. Lisez le détail, puis réessayez.',
    en: 'The removal failed. Read the detail, then try again.',
  },
  NOT_APPLICABLE: {
    status: 422,
    retryable: false,
    fr: 'Cette application n’a pas de recette pour le système de ce serveur.',
    en: 'This application has no recipe for this server’s system.',
  },
  HASH_MISMATCH: {
    status: 422,
    retryable: true,
    fr: 'Le fichier reçu n’est pas celui annoncé (empreinte ou taille). Vérifiez la source, puis réessayez.',
    en: 'The file received is not the one announced (hash or size). Check the source, then try again.',
  },
  DOWNLOAD_FAILED: {
    status: 502,
    retryable: true,
    fr: 'Le téléchargement a échoué ou n’avance plus. Vérifiez la ligne de l’école et la source, puis réessayez.',
    en: 'The download failed or no longer advances. Check the school’s line and the source, then try again.',
  },
  ARCHIVE_REFUSED: {
    status: 422,
    retryable: false,
    fr:
      'L’archive est dangereuse ou illisible (chemin hors du dossier, lien, taille). Rien n’a ' +
      'été écrit ; corrigez l’archive.',
    en:
      'The archive is dangerous or unreadable (path outside its folder, link, size). Nothing ' +
      'was written; correct the archive.',
  },
  SOURCE_REFUSED: {
    status: 422,
    retryable: false,
    fr: 'La source de paquets n’est pas signée par la clé de la recette. Vérifiez la clé et l’adresse.',
    en: 'The package source is not signed by the recipe’s key. Check the key and the address.',
  },
  SCRIPT_REFUSED: {
    status: 403,
    retryable: false,
    fr: 'Ce script n’a pas été relu et signé par un second technicien.',
    en: 'This script was not reviewed and signed by a second technician.',
  },
  INSTALL_TIMED_OUT: {
    status: 504,
    retryable: true,
    fr:
      'L’installation n’a pas fini à temps ; elle a été arrêtée. Le paquet attend peut-être une ' +
      'réponse : lisez le détail, corrigez le paquet ou le script, puis réessayez.',
    en:
      'The installation did not finish in time; it was stopped. The package may be waiting for an ' +
      'answer: read the detail, correct the package or the script, then try again.',
  },
  DISK_FULL: {
    status: 507,
    retryable: true,
    fr: 'Le disque du serveur est plein. Libérez de la place, puis réessayez.',
    en: 'The server’s disk is full. Make room, then try again.',
  },
  AGENT_CRASHED: {
    status: 502,
    retryable: true,
    fr: 'L’agent s’est arrêté pendant l’installation et l’application n’est pas là. Réessayez.',
    en: 'The agent stopped during the installation and the application is not there. Try again.',
  },
  ORDER_POISONED: {
    status: 422,
    retryable: false,
    fr: 'Cet ordre a fait tomber l’agent deux fois : il est refusé. Regardez le journal du serveur.',
    en: 'This order made the agent crash twice: it is refused. Look at the server’s log.',
  },
  ROLLBACK_FAILED: {
    status: 502,
    retryable: true,
    fr: 'Le retour à l’état précédent a échoué. Lisez le détail, puis réessayez.',
    en: 'Going back to the previous set failed. Read the detail, then try again.',
  },
  PLAN_DRIFTED: {
    status: 409,
    retryable: false,
    fr: 'Le parc a changé depuis ce plan. Refaites le plan, relisez-le, puis démarrez.',
    en: 'The fleet has changed since this plan. Make the plan again, read it, then start.',
  },
  PLAN_ASKING: {
    status: 409,
    retryable: true,
    fr: 'Les serveurs des écoles répondent encore. Attendez quelques secondes, relisez le plan, puis démarrez.',
    en: 'The schools’ servers are still answering. Wait a few seconds, read the plan, then start.',
  },
  PLAN_EMPTY: {
    status: 409,
    retryable: false,
    fr: 'Ce plan ne concerne aucun serveur. Choisissez d’autres écoles.',
    en: 'This plan concerns no server. Choose other schools.',
  },
  NEEDS_APPROVAL: {
    status: 409,
    retryable: false,
    fr: 'Ce déploiement doit être approuvé par un second technicien.',
    en: 'This rollout must be approved by a second technician.',
  },
  OWN_APPROVAL: {
    status: 403,
    retryable: false,
    fr: 'On n’approuve pas son propre déploiement : demandez à un collègue.',
    en: 'One does not approve one’s own rollout: ask a colleague.',
  },
  SCHOOL_ARRIVES: {
    status: 409,
    retryable: true,
    fr: 'Les classes s’installent entre 8 h 15 et 9 h : rien ne démarre. Attendez 9 h, ou forcez.',
    en: 'Classes settle in between 8:15 and 9:00: nothing begins. Wait until 9:00, or force it.',
  },
  BRAKE_ON: {
    status: 409,
    retryable: false,
    fr: 'Le frein est mis : aucun déploiement n’avance. Levez-le d’abord.',
    en: 'The brake is on: no rollout moves. Release it first.',
  },
  NOTHING_TO_RETRY: {
    status: 409,
    retryable: false,
    fr: 'Aucune école n’est en échec : il n’y a rien à réessayer.',
    en: 'No school has failed: there is nothing to try again.',
  },
  NOTHING_TO_ROLL_BACK: {
    status: 409,
    retryable: false,
    fr: 'Aucun état précédent éprouvé vers lequel revenir.',
    en: 'There is no proven earlier set to go back to.',
  },
  REQUIREMENTS_CIRCULAR: {
    status: 422,
    retryable: false,
    fr: 'Ces applications se demandent l’une l’autre en rond. Corrigez leurs dépendances.',
    en: 'These applications require each other in a circle. Correct their requirements.',
  },
  REQUIREMENTS_TOO_DEEP: {
    status: 422,
    retryable: false,
    fr:
      'Cette application en demande une autre, qui en demande une autre, et ainsi de suite ' +
      'trop loin. Raccourcissez la chaîne.',
    en: 'This application requires another, which requires another, and so on too far. Make the chain shorter.',
  },
  REQUIREMENT_MISSING: {
    status: 422,
    retryable: false,
    fr: 'Une application demandée par une autre n’est pas au catalogue.',
    en: 'An application that another requires is not in the catalogue.',
  },
} as const satisfies Record<string, ErrorRow>;
