/** When a rule applies, in words: days, hours, dates. */

import type { RuleTimes } from '@preau/contract/rule.ts';
import type { WindowSpec } from '@preau/contract/windows.ts';
import { joined, type Language, sayIn } from './name-words.ts';

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
/** Windows on the same days and in the same period are grouped. */
function windowsWords(open: readonly WindowSpec[], language: Language): string {
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

/** "30 juin 2027": a date without an hour. */
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
  const say = sayIn(language);
  const date = (value: string): string => dateWords(value, language);
  const parts: string[] = open.length === 0 ? [] : [windowsWords(open, language)];
  if (from !== null && until !== null)
    parts.push(
      from === until
        ? say(`le ${date(from)}`, `on ${date(from)}`)
        : say(`du ${date(from)} au ${date(until)}`, `from ${date(from)} to ${date(until)}`),
    );
  else if (from !== null) parts.push(say(`à partir du ${date(from)}`, `from ${date(from)} on`));
  else if (until !== null) parts.push(say(`jusqu’au ${date(until)}`, `until ${date(until)}`));
  const except = [...exceptDates].sort();
  if (except.length > shownDates)
    parts.push(say(`sauf ${except.length} jours`, `except on ${except.length} days`));
  else if (except.length > 0) {
    const french = except.map((one) => `le ${date(one)}`);
    parts.push(
      say(`sauf ${joined(french, language)}`, `except on ${joined(except.map(date), language)}`),
    );
  }
  return parts;
}
