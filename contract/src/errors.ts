/** The closed table of everything that can be refused: one code, one HTTP status, one sentence per language
 *  for the person in front of it, each ending with what to do next. */

export const errors = {
  VALIDATION_FAILED: { status: 400, retryable: false, fr: 'La demande est mal formée. Corrigez le champ indiqué puis recommencez.', en: 'The request is malformed. Correct the field named below and try again.' },
  NOT_SIGNED_IN: { status: 401, retryable: false, fr: 'Connectez-vous pour continuer.', en: 'Sign in to continue.' },
  SIGN_IN_REFUSED: { status: 401, retryable: false, fr: 'Identifiant ou mot de passe incorrect. Vérifiez les majuscules puis recommencez.', en: 'Wrong user name or password. Check capital letters and try again.' },
  FORBIDDEN: { status: 403, retryable: false, fr: 'Votre compte ne permet pas cette action. Demandez à un technicien de la ville.', en: 'Your account does not allow this. Ask a city technician.' },
  ORIGIN_REFUSED: { status: 403, retryable: false, fr: 'Cette page ne vient pas de Préau. Ouvrez Préau par son adresse habituelle.', en: 'This page does not come from Préau. Open Préau by its usual address.' },
  APPLICATION_NOT_ALLOWED: { status: 403, retryable: false, fr: 'Cette application ne fait pas partie de celles ouvertes pour vous. Demandez-la à votre enseignant ou au technicien.', en: 'This application is not among those opened for you. Ask your teacher or the technician for it.' },
  RULE_CHANGED: { status: 409, retryable: false, fr: 'Un collègue a modifié cette règle entre-temps. Rechargez la page, relisez-la, puis recommencez.', en: 'A colleague has changed this rule in the meantime. Reload the page, read it again, then start over.' },
  RULE_REFUSED: { status: 422, retryable: false, fr: 'Cette règle n’a pas de sens telle qu’elle est. Corrigez le point indiqué.', en: 'This rule makes no sense as it stands. Correct the point named below.' },
  OUTSIDE_HOURS: { status: 403, retryable: true, fr: 'Cette application n’est pas ouverte à cette heure. Revenez à l’heure indiquée.', en: 'This application is not open at this hour. Come back at the time shown.' },
  WRONG_DEVICE: { status: 403, retryable: false, fr: 'Cette application s’ouvre depuis d’autres postes de l’école. Changez de poste, ou demandez à votre enseignant.', en: 'This application opens from other PCs of the school. Change PCs, or ask your teacher.' },
  NOT_FOUND: { status: 404, retryable: false, fr: 'Ceci n’existe pas ou plus. Revenez à la page précédente.', en: 'This does not exist, or no longer. Go back to the previous page.' },
  APPLICATION_NOT_INSTALLED: { status: 409, retryable: true, fr: 'Cette application n’est pas encore installée dans votre école. Réessayez dans quelques minutes, ou prévenez le technicien.', en: 'This application is not installed in your school yet. Try again in a few minutes, or tell the technician.' },
  ALREADY_EXISTS: { status: 409, retryable: false, fr: 'Ce nom est déjà pris. Choisissez-en un autre.', en: 'This name is taken. Choose another one.' },
  STATE_FORBIDS: { status: 409, retryable: false, fr: 'Ce n’est plus possible dans l’état actuel. Rechargez la page.', en: 'This is no longer possible in the present state. Reload the page.' },
  SESSION_OVER: { status: 410, retryable: false, fr: 'Cette session est terminée. Relancez l’application depuis l’accueil.', en: 'This session is over. Start the application again from the home page.' },
  PAYLOAD_TOO_LARGE: { status: 413, retryable: false, fr: 'Ce fichier est trop volumineux.', en: 'This file is too large.' },
  ICON_REFUSED: { status: 415, retryable: false, fr: 'L’icône doit être une image PNG d’au plus 256 Ko et 1024 pixels de côté.', en: 'The icon must be a PNG image of at most 256 KB and 1024 pixels a side.' },
  BUSY: { status: 503, retryable: true, fr: 'Beaucoup de monde se connecte en même temps. Réessayez dans quelques secondes.', en: 'Many people are signing in at once. Try again in a few seconds.' },
  NO_SITE: { status: 409, retryable: false, fr: 'Votre compte n’est rattaché à aucune école : rien ne peut être lancé. Prévenez le technicien.', en: 'Your account belongs to no school: nothing can be started. Tell the technician.' },
  SERVER_OFFLINE: { status: 503, retryable: true, fr: 'Le serveur de votre école ne répond pas. Réessayez dans un instant ; si cela dure, prévenez le technicien.', en: 'Your school’s server is not answering. Try again in a moment; if it lasts, tell the technician.' },
  SERVER_FULL: { status: 503, retryable: true, fr: 'Toutes les places du serveur de l’école sont prises. Fermez une application ou réessayez dans un instant.', en: 'All places on the school’s server are taken. Close an application or try again in a moment.' },
  LAUNCH_TIMEOUT: { status: 504, retryable: true, fr: 'Le démarrage prend trop de temps. Réessayez ; si cela recommence, prévenez le technicien.', en: 'Starting takes too long. Try again; if it happens again, tell the technician.' },
  APPLICATION_EXITED: { status: 502, retryable: true, fr: 'L’application s’est arrêtée avant de s’afficher. Réessayez ; si cela recommence, prévenez le technicien.', en: 'The application stopped before showing itself. Try again; if it happens again, tell the technician.' },
  WINDOW_NOT_OPENED: { status: 504, retryable: true, fr: 'L’application n’a pas affiché de fenêtre. Réessayez ; si cela recommence, prévenez le technicien.', en: 'The application showed no window. Try again; if it happens again, tell the technician.' },
  DISPLAY_FAILED: { status: 502, retryable: true, fr: 'L’écran de l’application n’a pas pu être préparé. Réessayez ; si cela recommence, prévenez le technicien.', en: 'The application’s screen could not be prepared. Try again; if it happens again, tell the technician.' },
  GATEWAY_UNREACHABLE: { status: 502, retryable: true, fr: 'Le service d’affichage ne répond pas. Réessayez dans quelques secondes.', en: 'The display service is not answering. Try again in a few seconds.' },
  TICKET_REFUSED: { status: 403, retryable: true, fr: 'L’autorisation d’affichage a expiré ou a déjà servi. Réessayez.', en: 'The permission to show this has expired or was used already. Try again.' },
  SIZE_REFUSED: { status: 400, retryable: false, fr: 'La taille d’écran demandée est hors limites (200 à 8192 pixels).', en: 'The requested screen size is out of bounds (200 to 8192 pixels).' },
  ENROLMENT_CODE_REFUSED: { status: 403, retryable: false, fr: 'Ce code d’enrôlement est inconnu, expiré ou déjà utilisé. Créez-en un nouveau dans la console.', en: 'This enrolment code is unknown, expired or already used. Create a new one in the console.' },
  AGENT_REFUSED: { status: 401, retryable: false, fr: 'Ce serveur n’est pas reconnu. Enrôlez-le de nouveau.', en: 'This server is not recognised. Enrol it again.' },
  CLOCK_SKEWED: { status: 401, retryable: true, fr: 'L’horloge de ce serveur est décalée de plus de 5 minutes. Réglez-la puis réessayez.', en: 'This server’s clock is more than 5 minutes off. Set it and try again.' },
  PROTOCOL_UNSUPPORTED: { status: 426, retryable: false, fr: 'Cet agent parle un protocole inconnu. Mettez-le à jour.', en: 'This agent speaks an unknown protocol. Update it.' },
  STATE_SIGNATURE_INVALID: { status: 400, retryable: false, fr: 'L’état reçu n’est pas signé par le contrôleur connu.', en: 'The state received is not signed by the known controller.' },
  STATE_FOR_ANOTHER_SERVER: { status: 400, retryable: false, fr: 'L’état reçu est celui d’un autre serveur.', en: 'The state received is for another server.' },
  STATE_OLDER: { status: 400, retryable: false, fr: 'L’état reçu est plus ancien que celui déjà appliqué.', en: 'The state received is older than the one applied.' },
  STATE_MALFORMED: { status: 400, retryable: false, fr: 'L’état reçu contient un champ inconnu ou invalide.', en: 'The state received has an unknown or invalid field.' },
  PACKAGE_NOT_FOUND: { status: 422, retryable: false, fr: 'Un paquet de la recette n’existe pas dans les sources du serveur. Corrigez la recette.', en: 'A package of the recipe does not exist in the server’s sources. Correct the recipe.' },
  INSTALL_FAILED: { status: 502, retryable: true, fr: 'L’installation a échoué. Lisez le détail, puis réessayez.', en: 'The installation failed. Read the detail, then try again.' },
  NOT_DETECTED: { status: 502, retryable: false, fr: 'L’installation s’est terminée, mais la règle de détection ne trouve pas l’application. Corrigez la recette.', en: 'The installation finished, but the detection rule does not find the application. Correct the recipe.' },
  REMOVE_FAILED: { status: 502, retryable: true, fr: 'La désinstallation a échoué. Lisez le détail, puis réessayez.', en: 'The removal failed. Read the detail, then try again.' },
  NOT_APPLICABLE: { status: 422, retryable: false, fr: 'Cette application n’a pas de recette pour le système de ce serveur.', en: 'This application has no recipe for this server’s system.' },
  HASH_MISMATCH: { status: 422, retryable: true, fr: 'Le fichier reçu n’est pas celui annoncé (empreinte ou taille). Vérifiez la source, puis réessayez.', en: 'The file received is not the one announced (hash or size). Check the source, then try again.' },
  DOWNLOAD_FAILED: { status: 502, retryable: true, fr: 'Le téléchargement a échoué ou n’avance plus. Vérifiez la ligne de l’école et la source, puis réessayez.', en: 'The download failed or no longer advances. Check the school’s line and the source, then try again.' },
  ARCHIVE_REFUSED: { status: 422, retryable: false, fr: 'L’archive est dangereuse ou illisible (chemin hors du dossier, lien, taille). Rien n’a été écrit ; corrigez l’archive.', en: 'The archive is dangerous or unreadable (path outside its folder, link, size). Nothing was written; correct the archive.' },
  SOURCE_REFUSED: { status: 422, retryable: false, fr: 'La source de paquets n’est pas signée par la clé de la recette. Vérifiez la clé et l’adresse.', en: 'The package source is not signed by the recipe’s key. Check the key and the address.' },
  SCRIPT_REFUSED: { status: 403, retryable: false, fr: 'Ce script n’a pas été relu et signé par un second technicien.', en: 'This script was not reviewed and signed by a second technician.' },
  INSTALL_TIMED_OUT: { status: 504, retryable: true, fr: 'L’installation n’a pas fini à temps ; elle a été arrêtée. Le paquet pose peut-être une question.', en: 'The installation did not finish in time; it was stopped. The package may be asking a question.' },
  DISK_FULL: { status: 507, retryable: true, fr: 'Le disque du serveur est plein. Libérez de la place, puis réessayez.', en: 'The server’s disk is full. Make room, then try again.' },
  AGENT_CRASHED: { status: 502, retryable: true, fr: 'L’agent s’est arrêté pendant l’installation et l’application n’est pas là. Réessayez.', en: 'The agent stopped during the installation and the application is not there. Try again.' },
  ORDER_POISONED: { status: 422, retryable: false, fr: 'Cet ordre a fait tomber l’agent deux fois : il est refusé. Regardez le journal du serveur.', en: 'This order made the agent crash twice: it is refused. Look at the server’s log.' },
  ROLLBACK_FAILED: { status: 502, retryable: true, fr: 'Le retour à l’état précédent a échoué. Lisez le détail, puis réessayez.', en: 'Going back to the previous set failed. Read the detail, then try again.' },
  PLAN_DRIFTED: { status: 409, retryable: false, fr: 'Le parc a changé depuis ce plan. Refaites le plan, relisez-le, puis démarrez.', en: 'The fleet has changed since this plan. Make the plan again, read it, then start.' },
  PLAN_EMPTY: { status: 409, retryable: false, fr: 'Ce plan ne concerne aucun serveur. Choisissez d’autres écoles.', en: 'This plan concerns no server. Choose other schools.' },
  NEEDS_APPROVAL: { status: 409, retryable: false, fr: 'Ce déploiement doit être approuvé par un second technicien.', en: 'This rollout must be approved by a second technician.' },
  OWN_APPROVAL: { status: 403, retryable: false, fr: 'On n’approuve pas son propre déploiement : demandez à un collègue.', en: 'One does not approve one’s own rollout: ask a colleague.' },
  SCHOOL_ARRIVES: { status: 409, retryable: true, fr: 'Les classes s’installent entre 8 h 15 et 9 h : rien ne démarre. Attendez 9 h, ou forcez.', en: 'Classes settle in between 8:15 and 9:00: nothing begins. Wait until 9:00, or force it.' },
  BRAKE_ON: { status: 409, retryable: false, fr: 'Le frein est mis : aucun déploiement n’avance. Levez-le d’abord.', en: 'The brake is on: no rollout moves. Release it first.' },
  NOTHING_TO_RETRY: { status: 409, retryable: false, fr: 'Aucune école n’est en échec : il n’y a rien à réessayer.', en: 'No school has failed: there is nothing to try again.' },
  NOTHING_TO_ROLL_BACK: { status: 409, retryable: false, fr: 'Aucun état précédent éprouvé vers lequel revenir.', en: 'There is no proven earlier set to go back to.' },
  REQUIREMENTS_CIRCULAR: { status: 422, retryable: false, fr: 'Ces applications se demandent l’une l’autre en rond. Corrigez leurs dépendances.', en: 'These applications require each other in a circle. Correct their requirements.' },
  REQUIREMENT_MISSING: { status: 422, retryable: false, fr: 'Une application demandée par une autre n’est pas au catalogue.', en: 'An application that another requires is not in the catalogue.' },
  LICENCE_EXHAUSTED: { status: 409, retryable: true, fr: 'Toutes les licences de cette application sont utilisées. Réessayez quand quelqu’un l’aura fermée.', en: 'All licences of this application are in use. Try again when somebody has closed it.' },
  SERVER_QUARANTINED: { status: 403, retryable: false, fr: 'Deux machines utilisent l’identité de ce serveur : il est mis à l’écart. Enrôlez de nouveau chacune des deux.', en: 'Two machines use this server’s identity: it is set apart. Enrol each of them anew.' },
  HOST_KEY_CHANGED: { status: 409, retryable: false, fr: 'La clé du serveur n’est pas celle que vous avez confirmée. Vérifiez que c’est la bonne machine.', en: 'The server’s key is not the one you confirmed. Check that it is the right machine.' },
  SSH_FAILED: { status: 502, retryable: true, fr: 'La connexion SSH a échoué. Vérifiez l’adresse, l’identifiant et le mot de passe ou la clé.', en: 'The SSH connection failed. Check the address, the user and the password or key.' },
  SSH_SIGN_IN_REFUSED: { status: 401, retryable: false, fr: 'Le serveur refuse cet identifiant, ce mot de passe ou cette clé. Corrigez, puis recommencez.', en: 'The server refuses this user, password or key. Correct it, then start again.' },
  SUDO_REFUSED: { status: 403, retryable: false, fr: 'Ce compte ne peut pas agir en tant que root avec sudo. Vérifiez ses droits et son mot de passe.', en: 'This account cannot act as root with sudo. Check its rights and its password.' },
  SERVER_ENROLLED_ALREADY: { status: 409, retryable: false, fr: 'Cette machine est déjà enrôlée et garde son identité. Retirez d’abord ce serveur.', en: 'This machine is enrolled already and keeps its identity. Retire that server first.' },
  ADDITION_ABANDONED: { status: 410, retryable: true, fr: 'Le contrôleur s’est arrêté pendant l’ajout. Recommencez : l’installation reprend où elle en était.', en: 'The controller stopped during the addition. Start again: the installation takes up where it was.' },
  TOKEN_REFUSED: { status: 401, retryable: false, fr: 'Ce jeton est inconnu, expiré ou révoqué. Créez-en un dans la console.', en: 'This token is unknown, expired or revoked. Create one in the console.' },
  OUT_OF_SCOPE: { status: 403, retryable: false, fr: 'Ceci concerne une école hors de votre périmètre.', en: 'This concerns a school outside your scope.' },
  UPLOAD_REFUSED: { status: 422, retryable: false, fr: 'Le fichier reçu n’a pas l’empreinte ou la taille annoncée. Envoyez-le de nouveau.', en: 'The file received does not have the hash or size announced. Send it again.' },
  NOT_PUBLISHED_HERE: { status: 403, retryable: false, fr: 'Ce serveur n’a pas le droit d’ouvrir cette application.', en: 'This server may not open this application.' },
  INTERNAL: { status: 500, retryable: true, fr: 'Une erreur inattendue s’est produite. Réessayez ; si cela recommence, donnez ce code au technicien.', en: 'Something unexpected went wrong. Try again; if it happens again, give this code to the technician.' },
} as const satisfies Record<string, { status: number; retryable: boolean; fr: string; en: string }>;

export type ErrorCode = keyof typeof errors;
export const errorCodes = Object.keys(errors) as ErrorCode[];

/** The only error that verbs throw on purpose. `details` reaches the caller: no secret in it. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly details: Record<string, unknown>;
  constructor(code: ErrorCode, details: Record<string, unknown> = {}, options?: { cause?: unknown }) {
    super(`${code}: ${errors[code].en}`, options);
    this.name = 'AppError';
    this.code = code;
    this.details = details;
  }
}
