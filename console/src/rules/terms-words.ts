/** The terms of a rule, in words. */
import type { Terms } from '@preau/contract/rule.ts';
import { enS, frS } from '../lib/plural.ts';
import { type Language, sayIn } from './name-words.ts';

const directionWords = {
  fr: {
    none: '',
    in: 'vers l’application',
    out: 'depuis l’application',
    both: 'dans les deux sens',
  },
  en: { none: '', in: 'into the application', out: 'out of the application', both: 'both ways' },
} as const;
/** The terms that differ from the default: no transfer, no time limit. */
export function termsWords(terms: Terms, language: Language): string[] {
  const say = sayIn(language);
  const words: string[] = [];
  if (terms.clipboard !== 'none')
    words.push(
      `${say('copier-coller', 'copy and paste')} ${directionWords[language][terms.clipboard]}`,
    );
  if (terms.files !== 'none')
    words.push(`${say('fichiers', 'files')} ${directionWords[language][terms.files]}`);
  if (terms.printing) words.push(say('impression', 'printing'));
  if (terms.recording) words.push(say('séance enregistrée', 'recorded'));
  if (terms.maxMinutes !== null)
    words.push(say(`${terms.maxMinutes} min au plus`, `${terms.maxMinutes} min at most`));
  if (terms.idleMinutes !== null)
    words.push(
      say(
        `fermée après ${terms.idleMinutes} min sans un geste`,
        `closed after ${terms.idleMinutes} min without a touch`,
      ),
    );
  if (terms.seats !== null) words.push(seatsWords(terms.seats, language));
  return words;
}

function seatsWords(seats: number, language: Language): string {
  return sayIn(language)(
    `${seats} place${frS(seats)} par école`,
    `${seats} seat${enS(seats)} per school`,
  );
}
