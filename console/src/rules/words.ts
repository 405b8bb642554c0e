/** A rule as one sentence, in French and in English. Pure: the same rule always gives the same
 * sentence. It comes in parts, so that a page can highlight whom and what; joined, they are the
 * sentence. */
import type { Rule, RuleAudience, RuleTarget } from '@preau/contract/rule.ts';
import { categories } from '../lib/categories.ts';
import {
  atSchool,
  attributeWords,
  capital,
  groupAndSchool,
  joined,
  type Language,
  noneWords,
  ofSchool,
  quoted,
  roleWord,
  sayIn,
} from './name-words.ts';
import { termsWords } from './terms-words.ts';
import { timesWords } from './time-words.ts';

/** `gone`: refers to something that no longer exists. `hole`: not chosen yet. */
export interface Part {
  text: string;
  kind: 'plain' | 'whom' | 'what' | 'where' | 'when' | 'gone' | 'hole';
}
/** A rule, or one still being edited: what is not chosen yet is null. */
export type Told = Pick<
  Rule,
  'effect' | 'place' | 'client' | 'when' | 'how' | 'targetName' | 'audienceName' | 'placeName'
> & { target: RuleTarget | null; audience: RuleAudience | null };

const plain = (text: string): Part => ({ text, kind: 'plain' });
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

/** The place, named after the person or after the application; null when it needs no mention. */
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
const whom = (text: string): Part => ({ text, kind: 'whom' });
const gone = (text: string): Part => ({ text: capital(text), kind: 'gone' });

function subjectOf(rule: Told, language: Language): Subject {
  const { audience, audienceName } = rule;
  const place = placeWords(rule, language, false);
  if (audience === null) return { parts: [{ text: '…', kind: 'hole' }], isOne: false, place };
  switch (audience.kind) {
    case 'everyone':
      return everyoneOf(rule, place, language);
    case 'role':
      return roleOf(rule, audience.role, language);
    case 'attributes': {
      const tests = joined(
        audience.all.map((test) => attributeWords(test, language)),
        language,
      );
      const say = sayIn(language);
      return peopleOfPlace(rule, language, {
        text: say('Les personnes', 'The people'),
        rest: say(` dont ${tests}`, ` whose ${tests}`),
      });
    }
    case 'person':
      return {
        parts: [audienceName === null ? gone(goneWords[language].person) : whom(audienceName)],
        isOne: true,
        place,
      };
    case 'group':
      return audienceName === null
        ? { parts: [gone(goneWords[language].group)], isOne: true, place }
        : groupOf(rule, audienceName, place, language);
  }
}

function everyoneOf({ effect }: Told, place: Part | null, language: Language): Subject {
  const where = place === null ? [] : [place];
  return effect === 'deny'
    ? {
        parts: [whom(noneWords[language].everyone), ...where],
        isOne: true,
        isNone: true,
        place: null,
      }
    : {
        parts: [whom(sayIn(language)('Tout le monde', 'Everyone')), ...where],
        isOne: true,
        place: null,
      };
}

function roleOf(
  rule: Told,
  role: Extract<RuleAudience, { kind: 'role' }>['role'],
  language: Language,
): Subject {
  if (rule.effect === 'deny')
    return {
      ...peopleOfPlace(rule, language, { text: noneWords[language][role], isOne: true }),
      isNone: true,
    };
  const all = rule.place.kind === 'everywhere' ? sayIn(language)('tous ', 'all ') : '';
  return peopleOfPlace(rule, language, { text: capital(`${all}${roleWord(role, language)}`) });
}

/** "Les élèves de l’École Jules Verne": the place directly follows the people. */
function peopleOfPlace(
  rule: Told,
  language: Language,
  { text, isOne = false, rest = '' }: { text: string; isOne?: boolean; rest?: string },
): Subject {
  const place = placeWords(rule, language, true);
  return {
    parts: [whom(text), ...(place === null ? [] : [place]), ...(rest === '' ? [] : [whom(rest)])],
    isOne,
    place: null,
  };
}

function groupOf(rule: Told, name: string, place: Part | null, language: Language): Subject {
  const { group, school } = groupAndSchool(name);
  const goesWithoutSaying = rule.place.kind === 'site' && rule.placeName === school;
  const own: Part[] =
    school === null
      ? []
      : [{ text: sayIn(language)(` ${ofSchool(school)}`, ` of ${school}`), kind: 'where' }];
  return {
    parts: [whom(group), ...own],
    isOne: false,
    place: goesWithoutSaying ? null : place,
  };
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
  const category = categories[target.category][language];
  return {
    text: french
      ? `les applications de la catégorie ${category}`
      : `applications of the category ${category}`,
    kind: 'what',
  };
}

function verbOf(effect: Told['effect'], { isNone, isOne }: Subject, language: Language): string {
  const say = sayIn(language);
  if (isNone === true) return say(' ne peut utiliser ', ' may use ');
  if (effect === 'allow') return say(isOne ? ' peut utiliser ' : ' peuvent utiliser ', ' may use ');
  return say(isOne ? ' ne peut pas utiliser ' : ' ne peuvent pas utiliser ', ' may not use ');
}

function clientPart(client: NonNullable<Told['client']>, language: Language): Part {
  const say = sayIn(language);
  if (client.kind !== 'label')
    return { text: `${say(' depuis ', ' from ')}${client.subnet}`, kind: 'where' };
  const label = quoted(client.label, language);
  return { text: say(` depuis les postes ${label}`, ` from the PCs ${label}`), kind: 'where' };
}

export function ruleParts(rule: Told, language: Language): Part[] {
  const subject = subjectOf(rule, language);
  const parts: Part[] = [
    ...subject.parts,
    plain(verbOf(rule.effect, subject, language)),
    targetPart(rule, language),
    ...(subject.place === null ? [] : [subject.place]),
  ];
  const { client, when, how } = rule;
  if (client !== null) parts.push(clientPart(client, language));
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
