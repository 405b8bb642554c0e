/** Refusals about applications, rules, sessions and files: those that a person meets while
 * working. */
import type { ErrorRow } from './row.ts';

export const sessionErrors = {
  APPLICATION_NOT_ALLOWED: {
    status: 403,
    retryable: false,
    fr:
      'Cette application ne fait pas partie de celles ouvertes pour vous. Demandez-la à votre ' +
      'enseignant ou au technicien.',
    en: 'This application is not among those opened for you. Ask your teacher or the technician for it.',
  },
  RULE_CHANGED: {
    status: 409,
    retryable: false,
    fr: 'Un collègue a modifié cette règle entre-temps. Rechargez la page, relisez-la, puis recommencez.',
    en: 'A colleague has changed this rule in the meantime. Reload the page, read it again, then start over.',
  },
  RULE_REFUSED: {
    status: 422,
    retryable: false,
    fr: 'Cette règle n’a pas de sens telle qu’elle est. Corrigez le point indiqué.',
    en: 'This rule makes no sense as it stands. Correct the point named below.',
  },
  OUTSIDE_HOURS: {
    status: 403,
    retryable: true,
    fr: 'Cette application n’est pas ouverte à cette heure. Revenez à l’heure indiquée.',
    en: 'This application is not open at this hour. Come back at the time shown.',
  },
  WRONG_DEVICE: {
    status: 403,
    retryable: false,
    fr:
      'Cette application s’ouvre depuis d’autres postes de l’école. Changez de poste, ou ' +
      'demandez à votre enseignant.',
    en: 'This application opens from other PCs of the school. Change PCs, or ask your teacher.',
  },
  FILES_NOT_ALLOWED: {
    status: 403,
    retryable: false,
    fr:
      'Ici, les fichiers ou l’impression ne sont pas ouverts dans ce sens pour cette ' +
      'application. Demandez à votre enseignant ou au technicien.',
    en: 'Files or printing are not open this way for this application here. Ask your teacher or the technician.',
  },
  FILE_GONE: {
    status: 410,
    retryable: false,
    fr: 'Ce fichier n’est plus là. Rouvrez la liste, ou enregistrez-le de nouveau dans le dossier d’échange.',
    en: 'This file is there no longer. Open the list again, or save it into the exchange folder once more.',
  },
  TOO_MANY_FILES: {
    status: 429,
    retryable: true,
    fr: 'Trop de fichiers sont déjà en route. Attendez que les premiers soient arrivés.',
    en: 'Too many files are on their way already. Wait until the first have arrived.',
  },
  TOO_MANY_SESSIONS: {
    status: 409,
    retryable: true,
    fr:
      'Beaucoup de vos programmes sont déjà ouverts. Fermez-en un dont vous n’avez plus besoin, ' +
      'puis recommencez.',
    en: 'Many of your programs are already open. Close one that you no longer need, then try again.',
  },
  APPLICATION_NOT_INSTALLED: {
    status: 409,
    retryable: true,
    fr:
      'Cette application n’est pas encore installée dans votre école. Réessayez dans quelques ' +
      'minutes, ou prévenez le technicien.',
    en: 'This application is not installed in your school yet. Try again in a few minutes, or tell the technician.',
  },
  SESSION_OVER: {
    status: 410,
    retryable: false,
    fr: 'Cette session est terminée. Relancez l’application depuis l’accueil.',
    en: 'This session is over. Start the application again from the home page.',
  },
  ICON_REFUSED: {
    status: 415,
    retryable: false,
    fr: 'L’icône doit être une image PNG d’au plus 256 Ko et 1024 pixels de côté.',
    en: 'The icon must be a PNG image of at most 256 KB and 1024 pixels a side.',
  },
  NO_SITE: {
    status: 409,
    retryable: false,
    fr: 'Votre compte n’est rattaché à aucune école : rien ne peut être lancé. Prévenez le technicien.',
    en: 'Your account belongs to no school: nothing can be started. Tell the technician.',
  },
  SERVER_OFFLINE: {
    status: 503,
    retryable: true,
    fr: 'Le serveur de votre école ne répond pas. Réessayez dans un instant ; si cela dure, prévenez le technicien.',
    en: 'Your school’s server is not answering. Try again in a moment; if it lasts, tell the technician.',
  },
  SERVER_RESTARTS: {
    status: 409,
    retryable: true,
    fr: 'Le serveur de l’école redémarre. Réessayez dans une dizaine de minutes.',
    en: 'The school’s server is restarting. Try again in about ten minutes.',
  },
  SERVER_FULL: {
    status: 503,
    retryable: true,
    fr: 'Toutes les places du serveur de l’école sont prises. Fermez une application ou réessayez dans un instant.',
    en: 'All places on the school’s server are taken. Close an application or try again in a moment.',
  },
  LAUNCH_TIMEOUT: {
    status: 504,
    retryable: true,
    fr: 'Le démarrage prend trop de temps. Réessayez ; si cela recommence, prévenez le technicien.',
    en: 'Starting takes too long. Try again; if it happens again, tell the technician.',
  },
  APPLICATION_EXITED: {
    status: 502,
    retryable: true,
    fr: 'L’application s’est arrêtée avant de s’afficher. Réessayez ; si cela recommence, prévenez le technicien.',
    en: 'The application stopped before showing itself. Try again; if it happens again, tell the technician.',
  },
  WINDOW_NOT_OPENED: {
    status: 504,
    retryable: true,
    fr: 'L’application n’a pas affiché de fenêtre. Réessayez ; si cela recommence, prévenez le technicien.',
    en: 'The application showed no window. Try again; if it happens again, tell the technician.',
  },
  DISPLAY_FAILED: {
    status: 502,
    retryable: true,
    fr: 'L’écran de l’application n’a pas pu être préparé. Réessayez ; si cela recommence, prévenez le technicien.',
    en: 'The application’s screen could not be prepared. Try again; if it happens again, tell the technician.',
  },
  HOME_UNREACHABLE: {
    status: 503,
    retryable: true,
    fr:
      'Votre dossier personnel ne répond pas, l’application n’a donc pas été ouverte. Réessayez dans ' +
      'quelques minutes ; si cela dure, prévenez le technicien.',
    en:
      'Your personal folder is not answering, so the application was not opened. Try again in a few ' +
      'minutes; if it lasts, tell the technician.',
  },
  GATEWAY_UNREACHABLE: {
    status: 502,
    retryable: true,
    fr: 'Le service d’affichage ne répond pas. Réessayez dans quelques secondes.',
    en: 'The display service is not answering. Try again in a few seconds.',
  },
  TICKET_REFUSED: {
    status: 403,
    retryable: true,
    fr: 'L’autorisation d’affichage a expiré ou a déjà servi. Réessayez.',
    en: 'The permission to show this has expired or was used already. Try again.',
  },
  SIZE_REFUSED: {
    status: 400,
    retryable: false,
    fr: 'La taille d’écran demandée est hors limites (de 200 pixels de côté à un écran 4K). Rechargez la page.',
    en: 'The requested screen size is out of bounds (from 200 pixels a side to a 4K screen). Reload the page.',
  },
  LICENCE_EXHAUSTED: {
    status: 409,
    retryable: true,
    fr: 'Toutes les licences de cette application sont utilisées. Réessayez quand quelqu’un l’aura fermée.',
    en: 'All licences of this application are in use. Try again when somebody has closed it.',
  },
  NOT_PUBLISHED_HERE: {
    status: 403,
    retryable: false,
    fr: 'Ce serveur n’a pas le droit d’ouvrir cette application.',
    en: 'This server may not open this application.',
  },
} as const satisfies Record<string, ErrorRow>;
