/** Every sentence about recordings, in both languages; the compiler keeps them complete. */
import { page } from '../lib/page.svelte.ts';

const fr = {
  recordings: 'Enregistrements',
  hint: 'Ce qu’ont montré les écrans des séances qu’une règle enregistre. Chaque lecture est inscrite au journal. Ils s’effacent d’eux-mêmes au bout du délai fixé dans Données personnelles.',
  search: 'Personne, école ou application',
  none: 'Aucun enregistrement.',
  noneHint:
    'Rien n’est enregistré tant qu’aucune règle ne le demande (Règles, « Fixer les conditions d’usage »).',
  noMatch: 'Aucun enregistrement ne correspond.',
  duration: 'Durée',
  size: 'Taille',
  watch: 'Regarder',
  erase: 'Effacer',
  confirmErase: (who: string) =>
    `Effacer cet enregistrement de ${who} ? Il ne pourra pas être retrouvé.`,
  underWay: 'en cours',
  broken: 'incomplet',
  brokenHint: 'Le disque n’a pas suivi, ou l’enregistrement était trop gros : la fin manque.',
  more: 'Voir plus',
  back: 'Tous les enregistrements',
  loading: (percent: number) => `Chargement ${percent} %`,
  play: 'Lire',
  pause: 'Pause',
  position: 'Position',
  empty: 'Cet enregistrement ne contient aucune image.',
  back5: 'Reculer de 5 secondes',
  forward5: 'Avancer de 5 secondes',
};
export type RecordingMessages = typeof fr;
const en: RecordingMessages = {
  recordings: 'Recordings',
  hint: 'What the screens of sessions showed that a rule records. Each look is told in the audit. They erase themselves after the time set under Personal data.',
  search: 'Person, school or application',
  none: 'No recording.',
  noneHint: 'Nothing is recorded as long as no rule asks for it (Rules, “Set terms of use”).',
  noMatch: 'No recording matches.',
  duration: 'Time',
  size: 'Size',
  watch: 'Watch',
  erase: 'Erase',
  confirmErase: (who) => `Erase this recording of ${who}? It cannot be brought back.`,
  underWay: 'under way',
  broken: 'incomplete',
  brokenHint: 'The disk did not keep up, or the recording grew too large: its end is missing.',
  more: 'Show more',
  back: 'All recordings',
  loading: (percent) => `Loading ${percent}%`,
  play: 'Play',
  pause: 'Pause',
  position: 'Position',
  empty: 'There is no picture in this recording.',
  back5: 'Back 5 seconds',
  forward5: 'Forward 5 seconds',
};

export const g = (): RecordingMessages => (page.language === 'fr' ? fr : en);

/** "1:02:03", "4:05". */
export function clockWords(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return `${h > 0 ? `${h}:${String(m).padStart(2, '0')}` : m}:${String(s).padStart(2, '0')}`;
}
