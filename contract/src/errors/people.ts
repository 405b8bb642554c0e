/** Refusals about sign-in of any kind, directories, badges and the import of people. */
import type { ErrorRow } from './row.ts';

export const peopleErrors = {
  NOT_SIGNED_IN: {
    status: 401,
    retryable: false,
    fr: 'Connectez-vous pour continuer.',
    en: 'Sign in to continue.',
  },
  SIGN_IN_REFUSED: {
    status: 401,
    retryable: false,
    fr: 'Identifiant ou mot de passe incorrect. Vérifiez les majuscules puis recommencez.',
    en: 'Wrong user name or password. Check capital letters and try again.',
  },
  SECOND_FACTOR_REQUIRED: {
    status: 401,
    retryable: false,
    fr: 'Encore une étape : donnez le code de votre téléphone, ou utilisez votre clé d’accès.',
    en: 'One more step: give the code from your telephone, or use your passkey.',
  },
  SECOND_FACTOR_REFUSED: {
    status: 401,
    retryable: false,
    fr: 'Ce code n’est pas le bon, ou il a déjà servi. Attendez le suivant, puis réessayez.',
    en: 'That code is not right, or was used before. Wait for the next one, then try again.',
  },
  STEP_EXPIRED: {
    status: 401,
    retryable: false,
    fr: 'Cette étape a expiré ou a déjà servi. Recommencez la connexion.',
    en: 'This step has expired or was used before. Begin signing in again.',
  },
  PASSKEY_REFUSED: {
    status: 401,
    retryable: false,
    fr: 'Cette clé d’accès n’est pas acceptée ici. Utilisez votre mot de passe, ou une autre clé.',
    en: 'This passkey is not accepted here. Use your password, or another key.',
  },
  PASSWORD_WRONG: {
    status: 403,
    retryable: false,
    fr: 'Ce n’est pas votre mot de passe. Réessayez.',
    en: 'That is not your password. Try again.',
  },
  ACCOUNT_DISABLED: {
    status: 403,
    retryable: false,
    fr: 'Votre compte est désactivé dans l’annuaire. Adressez-vous à votre école ou à la mairie.',
    en: 'Your account is disabled in the directory. Ask your school or the city.',
  },
  ACCOUNT_EXPIRED: {
    status: 403,
    retryable: false,
    fr: 'Votre compte a expiré dans l’annuaire. Adressez-vous à votre école ou à la mairie.',
    en: 'Your account has expired in the directory. Ask your school or the city.',
  },
  ACCOUNT_LOCKED: {
    status: 403,
    retryable: true,
    fr:
      'L’annuaire a bloqué votre compte après trop d’essais. Attendez un moment, ou demandez à ' +
      'votre école de le débloquer.',
    en: 'The directory has locked your account after too many attempts. Wait a while, or ask your school to unlock it.',
  },
  PASSWORD_MUST_CHANGE: {
    status: 403,
    retryable: false,
    fr: 'Vous devez d’abord changer votre mot de passe, là où vous le changez d’habitude. Ensuite, revenez ici.',
    en: 'You must first change your password, where you usually do. Then come back here.',
  },
  PASSWORD_EXPIRED: {
    status: 403,
    retryable: false,
    fr: 'Votre mot de passe a expiré. Changez-le là où vous le changez d’habitude, puis revenez ici.',
    en: 'Your password has expired. Change it where you usually do, then come back here.',
  },
  DIRECTORY_UNAVAILABLE: {
    status: 503,
    retryable: true,
    fr: 'L’annuaire ne répond pas : personne n’y peut rien ici. Réessayez dans quelques minutes.',
    en: 'The directory is not answering; nobody here can help it. Try again in a few minutes.',
  },
  PROVIDER_REFUSED: {
    status: 401,
    retryable: false,
    fr: 'Le service d’identité n’a pas confirmé votre connexion. Recommencez.',
    en: 'The identity service did not confirm your sign-in. Start again.',
  },
  PROVIDER_ELSEWHERE: {
    status: 409,
    retryable: false,
    fr: 'Cette adresse se connecte par une autre page : utilisez son bouton.',
    en: 'This address signs in through another page: use its button.',
  },
  NOT_ADMITTED: {
    status: 403,
    retryable: false,
    fr: 'Votre compte existe, mais Préau ne vous est pas encore ouvert. Adressez-vous à votre école.',
    en: 'Your account exists, but Préau is not open to you yet. Ask your school.',
  },
  SYNC_BRAKED: {
    status: 409,
    retryable: false,
    fr: 'Trop de comptes disparaîtraient : rien n’a été changé. Vérifiez l’annuaire, puis confirmez.',
    en: 'Too many accounts would vanish: nothing was changed. Check the directory, then confirm.',
  },
  SYNC_RUNNING: {
    status: 409,
    retryable: true,
    fr: 'Cet annuaire est en cours de lecture. Attendez la fin.',
    en: 'This directory is being read. Wait until it is done.',
  },
  LAST_ADMINISTRATOR: {
    status: 409,
    retryable: false,
    fr: 'C’est le dernier administrateur : nommez-en d’abord un autre.',
    en: 'This is the last administrator: name another one first.',
  },
  BADGE_UNREADABLE: {
    status: 422,
    retryable: true,
    fr:
      'Ceci n’est pas un badge de l’école, ou il est abîmé. Montre ta carte bien à plat, ou ' +
      'demande à ton enseignant.',
    en: 'This is no badge of the school, or it is damaged. Hold your card flat, or ask your teacher.',
  },
  BADGE_FORGED: {
    status: 403,
    retryable: false,
    fr: 'Ce badge n’a pas été fait par la ville. Demande le tien à ton enseignant.',
    en: 'This badge was not made by the city. Ask your teacher for yours.',
  },
  BADGE_VOIDED: {
    status: 403,
    retryable: false,
    fr: 'Ce badge a été remplacé : il ne sert plus. Prends ta nouvelle carte, ou demande à ton enseignant.',
    en: 'This badge was replaced: it no longer works. Take your new card, or ask your teacher.',
  },
  BADGE_ELSEWHERE: {
    status: 403,
    retryable: false,
    fr: 'Les badges et les images ne servent qu’à l’école, sur son propre réseau. Connecte-toi depuis ton école.',
    en: 'Badges and pictures only work at school, on its own network. Sign in from your school.',
  },
  BADGE_NO_NETWORK: {
    status: 403,
    retryable: false,
    fr:
      'Les badges ne servent pas encore dans cette école : aucun réseau n’y est déclaré. Le ' +
      'technicien l’ajoute dans Administration, Écoles, Réglages, Réseaux.',
    en:
      'Badges do not work in this school yet: it has no network set. The technician adds it in ' +
      'Administration, Schools, Settings, Networks.',
  },
  BADGE_OUT_OF_HOURS: {
    status: 403,
    retryable: true,
    fr: 'Les badges et les images ne servent pas à cette heure. Reviens pendant la classe.',
    en: 'Badges and pictures do not work at this hour. Come back during class.',
  },
  PICTURES_REFUSED: {
    status: 401,
    retryable: true,
    fr: 'Ce ne sont pas tes images. Recommence, ou demande à ton enseignant.',
    en: 'These are not your pictures. Try again, or ask your teacher.',
  },
  IMPORT_REFUSED: {
    status: 422,
    retryable: false,
    fr: 'Ce fichier ne peut pas être lu ainsi. Corrigez le point indiqué.',
    en: 'This file cannot be read like this. Correct the point named below.',
  },
  FILE_TOO_COMPLEX: {
    status: 422,
    retryable: false,
    fr:
      'Ce fichier demande trop de temps ou de mémoire : rien n’a été changé. Allégez-le ou ' +
      'coupez-le en plusieurs fichiers, puis recommencez.',
    en:
      'This file takes too much time or memory: nothing was changed. Make it simpler, or cut it ' +
      'into several files, then try again.',
  },
  IMPORT_CHANGED: {
    status: 409,
    retryable: false,
    fr: 'Quelque chose a changé depuis cet aperçu. Relisez le nouvel aperçu, puis recommencez.',
    en: 'Something has changed since this preview. Read the new preview, then start over.',
  },
} as const satisfies Record<string, ErrorRow>;
