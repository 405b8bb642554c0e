/** When an application is open, and why one is not, in both languages; the compiler keeps them complete. */
import type { Why } from '@preau/contract/explanation.ts';
import { messages } from '../lib/page.svelte.ts';
import type { Both } from '../lib/words.ts';

export const openingWords = messages({
  cannotOpen: {
    fr: 'Les programmes ne peuvent pas s’ouvrir pour le moment. Cette page se remet à jour toute seule.',
    en: 'Programs cannot be opened at the moment. This page updates by itself.',
  },
  openUntil: { fr: (at: string) => `jusqu’à ${at}`, en: (at: string) => `until ${at}` },
  endsSoon: {
    fr: (at: string) => `Cette application se ferme à ${at} : enregistre ton travail.`,
    en: (at: string) => `This application closes at ${at}: save your work.`,
  },
  endsVerySoon: {
    fr: (at: string) => `Elle se ferme dans une minute, à ${at}. Enregistre maintenant !`,
    en: (at: string) => `It closes in a minute, at ${at}. Save now!`,
  },
  endedAccess: {
    fr: 'C’est l’heure : l’application est fermée',
    en: 'Time is up: the application is closed',
  },
  endedAccessText: {
    fr: 'Cette application n’est plus ouverte en ce moment.',
    en: 'This application is not open at this moment.',
  },
  endedRestart: { fr: 'Le serveur de l’école redémarre', en: 'The school’s server is restarting' },
  endedRestartText: {
    fr: 'Tes fichiers sont gardés. Reviens dans une dizaine de minutes.',
    en: 'Your files are kept. Come back in about ten minutes.',
  },
  endedTime: { fr: 'Le temps prévu est écoulé', en: 'Its time is over' },
  endedTimeText: {
    fr: 'Chacun son tour : tu pourras la rouvrir plus tard.',
    en: 'Everyone has a turn: you can open it again later.',
  },
  endedUnopened: {
    fr: 'Cette application n’a pas été ouverte à temps',
    en: 'This application was not opened in time',
  },
  endedUnopenedText: {
    fr: 'Sa place a été rendue aux autres. Rouvre-la quand tu en as besoin.',
    en: 'Its place was given back to the others. Open it again when you need it.',
  },
  endedIdle: {
    fr: 'L’application s’est fermée toute seule',
    en: 'The application closed by itself',
  },
  endedIdleText: {
    fr: 'Personne n’y touchait depuis un moment.',
    en: 'Nobody had touched it for a while.',
  },
  endedSaved: { fr: 'Ce que tu as enregistré est gardé.', en: 'What you have saved is kept.' },
  seatsTitle: { fr: 'Toutes les places sont prises', en: 'All seats are taken' },
  seatsAhead: {
    fr: (ahead: number) =>
      ahead === 0
        ? 'Tu es le premier dans la file. L’application s’ouvrira toute seule.'
        : `Tu es le ${ahead + 1}e dans la file. L’application s’ouvrira toute seule.`,
    en: (ahead: number) =>
      ahead === 0
        ? 'You are first in the queue. The application will open by itself.'
        : `You are number ${ahead + 1} in the queue. The application will open by itself.`,
  },
  giveUp: { fr: 'Ne plus attendre', en: 'Stop waiting' },
  whyTitle: { fr: 'Pas maintenant', en: 'Not now' },
  why: {
    open: { fr: 'Cette application est ouverte pour toi.', en: 'This application is open to you.' },
    forbidden: {
      fr: 'Cette application est fermée pour toi. Demande à ton enseignant.',
      en: 'This application is closed to you. Ask your teacher.',
    },
    not_published: {
      fr: 'Cette application n’est pas ouverte pour toi. Demande à ton enseignant.',
      en: 'This application is not open to you. Ask your teacher.',
    },
    out_of_hours: { fr: 'Ce n’est pas encore l’heure.', en: 'It is not time yet.' },
    other_device: {
      fr: 'Cette application s’ouvre depuis d’autres postes de l’école.',
      en: 'This application opens from other PCs of the school.',
    },
    not_installed: {
      fr: 'Cette application arrive bientôt dans ton école.',
      en: 'This application is coming to your school soon.',
    },
    no_school: {
      fr: 'Ton compte n’est rattaché à aucune école. Préviens le technicien.',
      en: 'Your account belongs to no school. Tell the technician.',
    },
  } satisfies Record<Why['reason'], Both>,
  opensAgain: {
    fr: (when: string) => `Elle s’ouvrira ${when}.`,
    en: (when: string) => `It will open ${when}.`,
  },
  today: { fr: (at: string) => `aujourd’hui à ${at}`, en: (at: string) => `today at ${at}` },
  tomorrow: { fr: (at: string) => `demain à ${at}`, en: (at: string) => `tomorrow at ${at}` },
  onDay: {
    fr: (day: string, at: string) => `${day} à ${at}`,
    en: (day: string, at: string) => `${day} at ${at}`,
  },
});
