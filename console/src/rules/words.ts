/** A rule as one sentence, in French and in English. Pure: the same rule always reads
 * the same. The sentence comes in parts, so that a page can show whom and what at a glance; joined
 * they are the sentence. */

import type { Preview } from '@preau/contract/explanation.ts';
import type {
  AttributeTest,
  Rule,
  RuleAudience,
  RuleTarget,
  RuleTimes,
  Terms,
} from '@preau/contract/rule.ts';
import { WindowSpec } from '@preau/contract/windows.ts';
import { messages } from '../lib/messages.ts';

export type Language = 'fr' | 'en';
/** `gone`: named something that is there no longer. `hole`: not chosen yet. */
export interface Part {
  text: string;
  kind: 'plain' | 'whom' | 'what' | 'where' | 'when' | 'gone' | 'hole';
}
/** A rule, or one that is still being written: what is not chosen yet is null. */
export type Told = Pick<
  Rule,
  'effect' | 'place' | 'client' | 'when' | 'how' | 'targetName' | 'audienceName' | 'placeName'
> & { target: RuleTarget | null; audience: RuleAudience | null };

const plain = (text: string): Part => ({ text, kind: 'plain' });
const quoted = (text: string, language: Language): string =>
  language === 'fr' ? `« ${text} »` : `“${text}”`;

// ---- names ------------------------------------------------------------------------------------------------------------

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

/** The names the server gives to groups end with their school: "CM2 A, École Jules Verne". */
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
/** "Tous ne peuvent pas" would mean that some can: who forbids everybody names nobody. */
const noneWords = {
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

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const lists = { fr: ' et ', en: ' and ' } as const;
const joined = (items: readonly string[], language: Language): string =>
  items.length < 2
    ? items.join('')
    : `${items.slice(0, -1).join(', ')}${lists[language]}${items.at(-1) ?? ''}`;

// ---- when -------------------------------------------------------------------------------------------------------------

const dayNames = {
  fr: ['lundi', 'mardi', 'mercredi', 'jeudi', 'vendredi', 'samedi', 'dimanche'],
  en: ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'],
} as const;
const periodWords = {
  fr: {
    always: '',
    school: ' en période de classe',
    holidays: ' pendant les vacances et les jours fériés',
    outside_holidays: ' hors vacances',
  },
  en: {
    always: '',
    school: ' on days with class',
    holidays: ' in holidays',
    outside_holidays: ' outside holidays',
  },
} as const;

function daysWords(days: readonly number[], language: Language): string {
  const sorted = [...new Set(days)].sort((a, b) => a - b);
  const name = (day: number): string => dayNames[language][day - 1] ?? '?';
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (first === undefined || last === undefined)
    return language === 'fr' ? 'aucun jour' : 'on no day';
  if (sorted.length === 7) return language === 'fr' ? 'tous les jours' : 'every day';
  if (first === 6 && sorted.length === 2) return language === 'fr' ? 'le week-end' : 'at weekends';
  if (sorted.length > 2 && last - first === sorted.length - 1)
    return language === 'fr'
      ? `du ${name(first)} au ${name(last)}`
      : `${name(first)} to ${name(last)}`;
  return language === 'fr'
    ? joined(
        sorted.map((day) => `le ${name(day)}`),
        language,
      )
    : `on ${joined(
        sorted.map((day) => `${name(day)}s`),
        language,
      )}`;
}
const hour = (clock: string): string => clock.replace(/^0/, '');
function hoursWords({ from, to }: WindowSpec, language: Language): string {
  if (from === '00:00' && to === '24:00') return language === 'fr' ? 'toute la journée' : 'all day';
  return `${hour(from)}–${hour(to)}${to <= from ? (language === 'fr' ? ' (le lendemain)' : ' (the day after)') : ''}`;
}
/** Windows on the same days, in the same period, are told together. */
export function windowsWords(open: readonly WindowSpec[], language: Language): string {
  const together: { days: readonly number[]; period: WindowSpec['period']; hours: string[] }[] = [];
  for (const spec of open) {
    const last = together.at(-1);
    if (
      last !== undefined &&
      last.period === spec.period &&
      [...last.days].sort().join() === [...spec.days].sort().join()
    )
      last.hours.push(hoursWords(spec, language));
    else
      together.push({ days: spec.days, period: spec.period, hours: [hoursWords(spec, language)] });
  }
  return together
    .map(
      ({ days, period, hours }) =>
        `${daysWords(days, language)} ${joined(hours, language)}${periodWords[language][period]}`,
    )
    .join(language === 'fr' ? ', et ' : ', and ');
}

/** "30 juin 2027", of a date without an hour. */
export function dateWords(date: string, language: Language): string {
  const at = Date.parse(`${date}T00:00:00Z`);
  if (Number.isNaN(at)) return date;
  const words = new Intl.DateTimeFormat(language === 'fr' ? 'fr-FR' : 'en-GB', {
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    timeZone: 'UTC',
  }).format(at);
  return language === 'fr' ? words.replace(/^1 /, '1er ') : words;
}
const shownDates = 3;
export function timesWords(
  { open, exceptDates, from, until }: RuleTimes,
  language: Language,
): string[] {
  const date = (value: string): string => dateWords(value, language);
  const french = language === 'fr';
  const parts: string[] = open.length === 0 ? [] : [windowsWords(open, language)];
  if (from !== null && until !== null)
    parts.push(
      from === until
        ? french
          ? `le ${date(from)}`
          : `on ${date(from)}`
        : french
          ? `du ${date(from)} au ${date(until)}`
          : `from ${date(from)} to ${date(until)}`,
    );
  else if (from !== null)
    parts.push(french ? `à partir du ${date(from)}` : `from ${date(from)} on`);
  else if (until !== null) parts.push(french ? `jusqu’au ${date(until)}` : `until ${date(until)}`);
  const except = [...exceptDates].sort();
  if (except.length > shownDates)
    parts.push(french ? `sauf ${except.length} jours` : `except on ${except.length} days`);
  else if (except.length > 0)
    parts.push(
      french
        ? `sauf ${joined(
            except.map((one) => `le ${date(one)}`),
            language,
          )}`
        : `except on ${joined(except.map(date), language)}`,
    );
  return parts;
}

// ---- how --------------------------------------------------------------------------------------------------------------

const directionWords = {
  fr: {
    none: '',
    in: 'vers l’application',
    out: 'depuis l’application',
    both: 'dans les deux sens',
  },
  en: { none: '', in: 'into the application', out: 'out of the application', both: 'both ways' },
} as const;
/** What a rule grants beyond, or takes away from, "nothing flows, as long as one likes". */
export function termsWords(terms: Terms, language: Language): string[] {
  const french = language === 'fr';
  const words: string[] = [];
  if (terms.clipboard !== 'none')
    words.push(
      `${french ? 'copier-coller' : 'copy and paste'} ${directionWords[language][terms.clipboard]}`,
    );
  if (terms.files !== 'none')
    words.push(`${french ? 'fichiers' : 'files'} ${directionWords[language][terms.files]}`);
  if (terms.printing) words.push(french ? 'impression' : 'printing');
  if (terms.recording) words.push(french ? 'séance enregistrée' : 'recorded');
  if (terms.maxMinutes !== null)
    words.push(french ? `${terms.maxMinutes} min au plus` : `${terms.maxMinutes} min at most`);
  if (terms.idleMinutes !== null)
    words.push(
      french
        ? `fermée après ${terms.idleMinutes} min sans un geste`
        : `closed after ${terms.idleMinutes} min without a touch`,
    );
  if (terms.seats !== null)
    words.push(
      french
        ? `${terms.seats} place${terms.seats > 1 ? 's' : ''} par école`
        : `${terms.seats} seat${terms.seats > 1 ? 's' : ''} per school`,
    );
  return words;
}

// ---- the sentence -----------------------------------------------------------------------------------------------------

const goneWords = {
  fr: {
    target: 'une application qui n’existe plus',
    person: 'quelqu’un qui n’est plus là',
    group: 'une classe ou un groupe qui n’existe plus',
    place: 'un lieu qui n’existe plus',
  },
  en: {
    target: 'an application that is gone',
    person: 'somebody who is gone',
    group: 'a class or group that is gone',
    place: 'a place that is gone',
  },
} as const;

/** Where, told after the person or after the application: null when it goes without saying. */
function placeWords({ place, placeName }: Told, language: Language, isOf: boolean): Part | null {
  if (place.kind === 'everywhere') return null;
  if (placeName === null) return { text: ` (${goneWords[language].place})`, kind: 'gone' };
  const french = language === 'fr';
  if (place.kind === 'site')
    return {
      text: ` ${french ? (isOf ? ofSchool(placeName) : atSchool(placeName)) : `${isOf ? 'of' : 'at'} ${placeName}`}`,
      kind: 'where',
    };
  return {
    text: french
      ? ` ${isOf ? 'des' : 'dans les'} écoles ${quoted(placeName, language)}`
      : ` ${isOf ? 'of' : 'at'} the schools ${quoted(placeName, language)}`,
    kind: 'where',
  };
}

interface Subject {
  parts: Part[];
  isOne: boolean;
  isNone?: boolean;
  place: Part | null;
}
function subjectOf(rule: Told, language: Language): Subject {
  const { audience, audienceName } = rule;
  const french = language === 'fr';
  const [ofPlace, atPlace] = [placeWords(rule, language, true), placeWords(rule, language, false)];
  const withPlace = (text: string, isOne = false, rest = ''): Subject => ({
    parts: [
      { text, kind: 'whom' },
      ...(ofPlace === null ? [] : [ofPlace]),
      ...(rest === '' ? [] : [{ text: rest, kind: 'whom' as const }]),
    ],
    isOne,
    place: null,
  });
  if (audience === null)
    return { parts: [{ text: '…', kind: 'hole' }], isOne: false, place: atPlace };
  switch (audience.kind) {
    case 'everyone':
      if (rule.effect === 'deny')
        return {
          parts: [
            { text: noneWords[language].everyone, kind: 'whom' },
            ...(atPlace === null ? [] : [atPlace]),
          ],
          isOne: true,
          isNone: true,
          place: null,
        };
      return {
        parts: [
          { text: french ? 'Tout le monde' : 'Everyone', kind: 'whom' },
          ...(atPlace === null ? [] : [atPlace]),
        ],
        isOne: true,
        place: null,
      };
    case 'role':
      if (rule.effect === 'deny')
        return { ...withPlace(noneWords[language][audience.role], true), isNone: true };
      return withPlace(
        capital(
          rule.place.kind === 'everywhere'
            ? `${french ? 'tous ' : 'all '}${roleWord(audience.role, language)}`
            : roleWord(audience.role, language),
        ),
      );
    case 'attributes':
      return withPlace(
        french ? 'Les personnes' : 'The people',
        false,
        french
          ? ` dont ${joined(
              audience.all.map((test) => attributeWords(test, language)),
              language,
            )}`
          : ` whose ${joined(
              audience.all.map((test) => attributeWords(test, language)),
              language,
            )}`,
      );
    case 'person':
      return audienceName === null
        ? {
            parts: [{ text: capital(goneWords[language].person), kind: 'gone' }],
            isOne: true,
            place: atPlace,
          }
        : { parts: [{ text: audienceName, kind: 'whom' }], isOne: true, place: atPlace };
    case 'group': {
      if (audienceName === null)
        return {
          parts: [{ text: capital(goneWords[language].group), kind: 'gone' }],
          isOne: true,
          place: atPlace,
        };
      const { group, school } = groupAndSchool(audienceName);
      const goesWithoutSaying = rule.place.kind === 'site' && rule.placeName === school;
      const own: Part[] =
        school === null
          ? []
          : [{ text: french ? ` ${ofSchool(school)}` : ` of ${school}`, kind: 'where' }];
      return {
        parts: [{ text: group, kind: 'whom' }, ...own],
        isOne: false,
        place: goesWithoutSaying ? null : atPlace,
      };
    }
  }
}

function targetPart({ target, targetName }: Told, language: Language): Part {
  if (target === null) return { text: '…', kind: 'hole' };
  if (target.kind === 'application')
    return targetName === null
      ? { text: goneWords[language].target, kind: 'gone' }
      : { text: targetName, kind: 'what' };
  const french = language === 'fr';
  if (target.kind === 'label')
    return {
      text: french
        ? `les applications étiquetées ${quoted(target.label, language)}`
        : `applications labelled ${quoted(target.label, language)}`,
      kind: 'what',
    };
  const category = messages[language][target.category];
  return {
    text: french
      ? `les applications de la catégorie ${category}`
      : `applications of the category ${category}`,
    kind: 'what',
  };
}

export function ruleParts(rule: Told, language: Language): Part[] {
  const french = language === 'fr';
  const subject = subjectOf(rule, language);
  const verb =
    subject.isNone === true
      ? french
        ? ' ne peut utiliser '
        : ' may use '
      : french
        ? rule.effect === 'allow'
          ? subject.isOne
            ? ' peut utiliser '
            : ' peuvent utiliser '
          : subject.isOne
            ? ' ne peut pas utiliser '
            : ' ne peuvent pas utiliser '
        : rule.effect === 'allow'
          ? ' may use '
          : ' may not use ';
  const parts: Part[] = [
    ...subject.parts,
    plain(verb),
    targetPart(rule, language),
    ...(subject.place === null ? [] : [subject.place]),
  ];
  const { client, when, how } = rule;
  if (client !== null)
    parts.push({
      text:
        client.kind === 'label'
          ? french
            ? ` depuis les postes ${quoted(client.label, language)}`
            : ` from the PCs ${quoted(client.label, language)}`
          : `${french ? ' depuis ' : ' from '}${client.subnet}`,
      kind: 'where',
    });
  if (when !== null)
    for (const words of timesWords(when, language))
      parts.push(plain(', '), { text: words, kind: 'when' });
  const terms = how === null ? [] : termsWords(how, language);
  if (terms.length > 0) parts.push(plain(` (${terms.join(', ')})`));
  return [...parts, plain('.')];
}

export const ruleSentence = (rule: Told, language: Language): string =>
  ruleParts(rule, language)
    .map(({ text }) => text)
    .join('');

// ---- what it changes --------------------------------------------------------------------------------------------------

const peopleWords = {
  fr: {
    pupil: ['élève', 'élèves'],
    teacher: ['enseignant', 'enseignants'],
    any: ['personne', 'personnes'],
  },
  en: { pupil: ['pupil', 'pupils'], teacher: ['teacher', 'teachers'], any: ['person', 'people'] },
} as const;
/** French counts 0 and 1 as one. */
const isMany = (n: number, language: Language): boolean => (language === 'fr' ? n >= 2 : n !== 1);
export function peopleCount(n: number, audience: RuleAudience | null, language: Language): string {
  const kind =
    audience?.kind === 'role' && (audience.role === 'pupil' || audience.role === 'teacher')
      ? audience.role
      : 'any';
  return `${n.toLocaleString(language === 'fr' ? 'fr-FR' : 'en-GB')} ${peopleWords[language][kind][isMany(n, language) ? 1 : 0]}`;
}

/** "412 élèves de 3 écoles gagnent GeoGebra, personne ne perd rien." */
export function previewSentence(
  { gains, losses }: Pick<Preview, 'gains' | 'losses'>,
  { target, targetName, audience }: Pick<Told, 'target' | 'targetName' | 'audience'>,
  language: Language,
): string {
  const french = language === 'fr';
  if (gains.people === 0 && losses.people === 0)
    return french ? 'Rien ne change pour personne.' : 'Nothing changes for anybody.';
  const told = (change: Preview['gains'], verb: readonly [one: string, many: string]): string => {
    const schools =
      change.schools === 0
        ? ''
        : french
          ? change.schools === 1
            ? ' d’une école'
            : ` de ${change.schools} écoles`
          : ` in ${change.schools === 1 ? 'one school' : `${change.schools} schools`}`;
    const what =
      target?.kind === 'application' && targetName !== null
        ? targetName
        : french
          ? change.applications === 1
            ? 'une application'
            : `${change.applications} applications`
          : change.applications === 1
            ? 'one application'
            : `${change.applications} applications`;
    return `${peopleCount(change.people, audience, language)}${schools} ${verb[isMany(change.people, language) ? 1 : 0]} ${what}`;
  };
  const gained =
    gains.people === 0
      ? french
        ? 'personne ne gagne rien'
        : 'nobody gains anything'
      : told(gains, french ? ['gagne', 'gagnent'] : ['gains', 'gain']);
  const lost =
    losses.people === 0
      ? french
        ? 'personne ne perd rien'
        : 'nobody loses anything'
      : told(losses, french ? ['perd', 'perdent'] : ['loses', 'lose']);
  return `${gains.people === 0 ? `${lost}, ${gained}` : `${gained}, ${lost}`}.`;
}
