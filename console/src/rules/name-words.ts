/** Names as sentences need them: schools, groups, roles, directory attributes. */
import type { AttributeTest } from '@preau/contract/rule.ts';

export type Language = 'fr' | 'en';
/** Chooses between the two languages: `say('oui', 'yes')`. */
export const sayIn =
  (language: Language) =>
  <T>(french: T, english: T): T =>
    language === 'fr' ? french : english;

export const quoted = (text: string, language: Language): string =>
  language === 'fr' ? `« ${text} »` : `“${text}”`;

const startsWithVowel = (name: string): boolean => /^[aeiouyhàâéèêëîïôöûüœ]/i.test(name);
/** "de l’École Jules Verne", "du Groupe scolaire", "de Préau". */
export function ofSchool(name: string): string {
  if (
    /^(école|ecole|établissement|institut|espace|annexe)\b/iu.test(name.normalize('NFC')) ||
    /^école/iu.test(name)
  )
    return `de l’${name}`;
  if (/^(collège|lycée|groupe|centre)/iu.test(name)) return `du ${name}`;
  if (/^(maternelle|primaire|maison)/iu.test(name)) return `de la ${name}`;
  return startsWithVowel(name) ? `d’${name}` : `de ${name}`;
}
export function atSchool(name: string): string {
  const of = ofSchool(name);
  return of.startsWith('du ')
    ? `au ${name}`
    : of.startsWith('de l’')
      ? `à l’${name}`
      : of.startsWith('de la ')
        ? `à la ${name}`
        : `à ${name}`;
}

/** The controller's group names end with their school: "CM2 A, École Jules Verne". */
export function groupAndSchool(name: string): { group: string; school: string | null } {
  const at = name.indexOf(', ');
  return at < 0
    ? { group: name, school: null }
    : { group: name.slice(0, at), school: name.slice(at + 2) };
}

const roleWords = {
  fr: {
    pupil: 'les élèves',
    teacher: 'les enseignants',
    contact: 'les référents',
    technician: 'les techniciens',
    administrator: 'les administrateurs',
  },
  en: {
    pupil: 'pupils',
    teacher: 'teachers',
    contact: 'school contacts',
    technician: 'technicians',
    administrator: 'administrators',
  },
} as const;
/** Negative subjects: "Tous ne peuvent pas" would mean that some can. */
export const noneWords = {
  fr: {
    pupil: 'Aucun élève',
    teacher: 'Aucun enseignant',
    contact: 'Aucun référent',
    technician: 'Aucun technicien',
    administrator: 'Aucun administrateur',
    everyone: 'Personne',
  },
  en: {
    pupil: 'No pupil',
    teacher: 'No teacher',
    contact: 'No school contact',
    technician: 'No technician',
    administrator: 'No administrator',
    everyone: 'Nobody',
  },
} as const;
export const roleWord = (role: keyof (typeof roleWords)['fr'], language: Language): string =>
  roleWords[language][role];

const testWords = {
  fr: { is: 'est', is_not: 'n’est pas', starts_with: 'commence par', contains: 'contient' },
  en: { is: 'is', is_not: 'is not', starts_with: 'starts with', contains: 'contains' },
} as const;
export const attributeWords = (
  { attribute, test, value }: AttributeTest,
  language: Language,
): string =>
  `${quoted(attribute, language)} ${testWords[language][test]} ${quoted(value, language)}`;

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const lists = { fr: ' et ', en: ' and ' } as const;
export const joined = (items: readonly string[], language: Language): string =>
  items.length < 2
    ? items.join('')
    : `${items.slice(0, -1).join(', ')}${lists[language]}${items.at(-1) ?? ''}`;
