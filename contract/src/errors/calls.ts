/** Refusals that any call can get: about the caller, the ids in it, or its data. */
import type { ErrorRow } from './row.ts';

export const callErrors = {
  VALIDATION_FAILED: {
    status: 400,
    retryable: false,
    fr: 'La demande est mal formée. Corrigez le champ indiqué puis recommencez.',
    en: 'The request is malformed. Correct the field named below and try again.',
  },
  FORBIDDEN: {
    status: 403,
    retryable: false,
    fr: 'Votre compte ne permet pas cette action. Demandez à un technicien de la ville.',
    en: 'Your account does not allow this. Ask a city technician.',
  },
  ORIGIN_REFUSED: {
    status: 403,
    retryable: false,
    fr: 'Cette page ne vient pas de Préau. Ouvrez Préau par son adresse habituelle.',
    en: 'This page does not come from Préau. Open Préau by its usual address.',
  },
  NOT_FOUND: {
    status: 404,
    retryable: false,
    fr: 'Ceci n’existe pas ou plus. Revenez à la page précédente.',
    en: 'This does not exist, or no longer. Go back to the previous page.',
  },
  ALREADY_EXISTS: {
    status: 409,
    retryable: false,
    fr: 'Ce nom est déjà pris. Choisissez-en un autre.',
    en: 'This name is taken. Choose another one.',
  },
  STATE_FORBIDS: {
    status: 409,
    retryable: false,
    fr: 'Ce n’est plus possible dans l’état actuel. Rechargez la page.',
    en: 'This is no longer possible in the present state. Reload the page.',
  },
  STILL_NEEDED: {
    status: 409,
    retryable: false,
    fr: 'Ceci sert encore. Retirez-le d’abord de là où il sert, puis recommencez.',
    en: 'This is still needed. First take it away from where it is used, then try again.',
  },
  PAYLOAD_TOO_LARGE: {
    status: 413,
    retryable: false,
    fr: 'Ce fichier est trop volumineux.',
    en: 'This file is too large.',
  },
  BUSY: {
    status: 503,
    retryable: true,
    fr: 'Préau a trop à faire en ce moment. Rien n’est perdu : réessayez dans quelques secondes.',
    en: 'Préau has too much to do right now. Nothing is lost: try again in a few seconds.',
  },
  SLOW_DOWN: {
    status: 429,
    retryable: true,
    fr: 'Trop de demandes en peu de temps. Attendez un instant, puis recommencez.',
    en: 'Too many requests in a short time. Wait a moment, then try again.',
  },
  RESTARTING: {
    status: 503,
    retryable: true,
    fr: 'Préau redémarre. Attendez quelques secondes, puis recommencez.',
    en: 'Préau is restarting. Wait a few seconds, then try again.',
  },
  TOKEN_REFUSED: {
    status: 401,
    retryable: false,
    fr: 'Ce jeton est inconnu, expiré ou révoqué. Créez-en un dans la console.',
    en: 'This token is unknown, expired or revoked. Create one in the console.',
  },
  OUT_OF_SCOPE: {
    status: 403,
    retryable: false,
    fr: 'Ceci concerne une école hors de votre périmètre.',
    en: 'This concerns a school outside your scope.',
  },
  UPLOAD_REFUSED: {
    status: 422,
    retryable: false,
    fr: 'Le fichier reçu n’a pas l’empreinte ou la taille annoncée. Envoyez-le de nouveau.',
    en: 'The file received does not have the hash or size announced. Send it again.',
  },
  INTERNAL: {
    status: 500,
    retryable: true,
    fr: 'Une erreur inattendue s’est produite. Réessayez ; si cela recommence, donnez ce code au technicien.',
    en: 'Something unexpected went wrong. Try again; if it happens again, give this code to the technician.',
  },
} as const satisfies Record<string, ErrorRow>;
