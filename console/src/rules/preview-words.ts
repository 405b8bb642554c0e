/** What a rule changes, in words. */
import type { Preview } from '@preau/contract/explanation.ts';
import type { RuleAudience } from '@preau/contract/rule.ts';
import { isMany } from '../lib/plural.ts';
import { type Language, sayIn } from './name-words.ts';
import type { Told } from './words.ts';

const countedPeople = {
  fr: {
    pupil: ['élève', 'élèves'],
    teacher: ['enseignant', 'enseignants'],
    any: ['personne', 'personnes'],
  },
  en: { pupil: ['pupil', 'pupils'], teacher: ['teacher', 'teachers'], any: ['person', 'people'] },
} as const;
export function peopleCount(n: number, audience: RuleAudience | null, language: Language): string {
  const kind =
    audience?.kind === 'role' && (audience.role === 'pupil' || audience.role === 'teacher')
      ? audience.role
      : 'any';
  return (
    `${n.toLocaleString(language === 'fr' ? 'fr-FR' : 'en-GB')} ` +
    `${countedPeople[language][kind][isMany(n, language) ? 1 : 0]}`
  );
}

/** "412 élèves de 3 écoles gagnent GeoGebra, personne ne perd rien." */
export function previewSentence(
  { gains, losses }: Pick<Preview, 'gains' | 'losses'>,
  { target, targetName, audience }: Pick<Told, 'target' | 'targetName' | 'audience'>,
  language: Language,
): string {
  const say = sayIn(language);
  if (gains.people === 0 && losses.people === 0)
    return say('Rien ne change pour personne.', 'Nothing changes for anybody.');
  const told = (change: Preview['gains'], verb: readonly [one: string, many: string]): string => {
    const what =
      target?.kind === 'application' && targetName !== null
        ? targetName
        : applicationsCount(change.applications, language);
    const people = peopleCount(change.people, audience, language);
    const does = verb[isMany(change.people, language) ? 1 : 0];
    return `${people}${ofSchools(change.schools, language)} ${does} ${what}`;
  };
  const gained =
    gains.people === 0
      ? say('personne ne gagne rien', 'nobody gains anything')
      : told(gains, say(['gagne', 'gagnent'], ['gains', 'gain']));
  const lost =
    losses.people === 0
      ? say('personne ne perd rien', 'nobody loses anything')
      : told(losses, say(['perd', 'perdent'], ['loses', 'lose']));
  return `${gains.people === 0 ? `${lost}, ${gained}` : `${gained}, ${lost}`}.`;
}

function ofSchools(schools: number, language: Language): string {
  const say = sayIn(language);
  if (schools === 0) return '';
  return schools === 1
    ? say(' d’une école', ' in one school')
    : say(` de ${schools} écoles`, ` in ${schools} schools`);
}
const applicationsCount = (applications: number, language: Language): string =>
  applications === 1
    ? sayIn(language)('une application', 'one application')
    : `${applications} applications`;
