/** Every sentence about recordings, in both languages; the compiler keeps them complete. */
import { messages } from '../lib/page.svelte.ts';

export const recordingWords = messages({
  recordings: { fr: 'Enregistrements', en: 'Recordings' },
  hint: {
    fr:
      'Ce qu’ont montré les écrans des séances qu’une règle enregistre. Chaque lecture est ' +
      'inscrite au journal. Ils s’effacent d’eux-mêmes au bout du délai fixé dans Données ' +
      'personnelles.',
    en:
      'What the screens of sessions showed that a rule records. Each look is told in the audit. ' +
      'They erase themselves after the time set under Personal data.',
  },
  search: { fr: 'Personne, école ou application', en: 'Person, school or application' },
  none: { fr: 'Aucun enregistrement.', en: 'No recording.' },
  noneHint: {
    fr: 'Rien n’est enregistré tant qu’aucune règle ne le demande (Règles, « Fixer les conditions d’usage »).',
    en: 'Nothing is recorded as long as no rule asks for it (Rules, “Set terms of use”).',
  },
  noMatch: { fr: 'Aucun enregistrement ne correspond.', en: 'No recording matches.' },
  duration: { fr: 'Durée', en: 'Time' },
  size: { fr: 'Taille', en: 'Size' },
  watch: { fr: 'Regarder', en: 'Watch' },
  erase: { fr: 'Effacer', en: 'Erase' },
  confirmErase: {
    fr: (who: string) => `Effacer cet enregistrement de ${who} ? Il ne pourra pas être retrouvé.`,
    en: (who: string) => `Erase this recording of ${who}? It cannot be brought back.`,
  },
  underWay: { fr: 'en cours', en: 'under way' },
  broken: { fr: 'incomplet', en: 'incomplete' },
  brokenHint: {
    fr: 'Le disque n’a pas suivi, ou l’enregistrement était trop gros : la fin manque.',
    en: 'The disk did not keep up, or the recording grew too large: its end is missing.',
  },
  more: { fr: 'Voir plus', en: 'Show more' },
  back: { fr: 'Tous les enregistrements', en: 'All recordings' },
  loading: {
    fr: (percent: number) => `Chargement ${percent} %`,
    en: (percent: number) => `Loading ${percent}%`,
  },
  play: { fr: 'Lire', en: 'Play' },
  pause: { fr: 'Pause', en: 'Pause' },
  position: { fr: 'Position', en: 'Position' },
  empty: {
    fr: 'Cet enregistrement ne contient aucune image.',
    en: 'There is no picture in this recording.',
  },
  back5: { fr: 'Reculer de 5 secondes', en: 'Back 5 seconds' },
  forward5: { fr: 'Avancer de 5 secondes', en: 'Forward 5 seconds' },
});

/** "1:02:03", "4:05". */
export function clockWords(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return `${h > 0 ? `${h}:${String(m).padStart(2, '0')}` : m}:${String(s).padStart(2, '0')}`;
}
