/** What a technician asks for: windows during which something is open, and times at which something
 * is repeated. Which days are meant by a period, calendar.ts knows. */
import { type Static, Type } from 'typebox';
import { dateOfDay, dayOfDate } from './days.ts';
import { OneOf, Strict, type Translated } from './schema.ts';

/** - `school`: a day with class: Monday to Friday (Wednesday too: some schools have class, all have
 * somebody at work), no
 *    holiday, no public holiday, no closure.
 *  - `holidays`: a day of the school holidays of the zone (its Saturdays and Sundays too) or a
 *  public holiday.
 *  - `outside_holidays`: every other day, weekends and closures too. */
export const periods = ['always', 'school', 'holidays', 'outside_holidays'] as const;
export type Period = (typeof periods)[number];
export const Period = OneOf(periods);

/** ISO: Monday is 1. That there is at least one is asked by `windowsProblem`, which has a sentence
 * for it. */
const Days = Type.Array(Type.Integer({ minimum: 1, maximum: 7 }), {
  maxItems: 7,
  uniqueItems: true,
});
const clock = '([01][0-9]|2[0-3]):[0-5][0-9]';
const Clock = Type.String({ pattern: `^${clock}$` });
const CalendarDate = Type.String({
  pattern: '^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$',
});

/** Open from the moment the clock on the wall shows `from` until it shows `to`; `to` at or before
 * `from` is on the next day, 24:00 is the end of the day. A window belongs to the day it begins on:
 * that day's weekday, period and exception decide. */
export const WindowSpec = Strict({
  days: Days,
  from: Clock,
  to: Type.String({ pattern: `^(${clock}|24:00)$` }),
  period: Period,
});
export type WindowSpec = Static<typeof WindowSpec>;

/** `exceptDates`: no window begins on them. */
export const Windows = Strict({
  open: Type.Array(WindowSpec, { maxItems: 20 }),
  exceptDates: Type.Array(CalendarDate, { maxItems: 400, uniqueItems: true }),
});
export type Windows = Static<typeof Windows>;

/** Once on each of these days, as soon as the clock shows `at`. */
export const Recurrence = Strict({ days: Days, at: Clock, period: Period });
export type Recurrence = Static<typeof Recurrence>;

/** Why these windows make no sense, for a person to read; null when they do. */
export function windowsProblem(windows: Windows | readonly WindowSpec[]): Translated | null {
  const { open, exceptDates } = 'open' in windows ? windows : { open: windows, exceptDates: [] };
  if (open.length === 0)
    return {
      fr: 'Il n’y a aucun créneau : ajoutez-en au moins un.',
      en: 'There is no window: add at least one.',
    };
  for (const [at, spec] of open.entries()) {
    const problem = daysProblem(spec);
    if (problem !== null)
      return { fr: `Créneau ${at + 1} : ${problem.fr}`, en: `Window ${at + 1}: ${problem.en}` };
    if (spec.from === spec.to) {
      return {
        fr:
          `Créneau ${at + 1} : il commence et finit à ${spec.from}. Pour une journée entière, ` +
          'choisissez de 00:00 à 24:00.',
        en: `Window ${at + 1}: it begins and ends at ${spec.from}. For a whole day, choose from 00:00 to 24:00.`,
      };
    }
  }
  const missing = exceptDates.find((date) => dateOfDay(dayOfDate(date)) !== date);
  return missing === undefined
    ? null
    : { fr: `Le ${missing} n’existe pas.`, en: `There is no ${missing}.` };
}

/** Why this repetition makes no sense; null when it does. */
export function recurrenceProblem(recurrence: Recurrence): Translated | null {
  const problem = daysProblem(recurrence);
  return problem === null
    ? null
    : { fr: `Répétition : ${problem.fr}`, en: `Repetition: ${problem.en}` };
}

function daysProblem({
  days,
  period,
}: {
  days: readonly number[];
  period: Period;
}): Translated | null {
  if (days.length === 0)
    return { fr: 'choisissez au moins un jour.', en: 'choose at least one day.' };
  if (period === 'school' && days.every((day) => day > 5))
    return {
      fr: 'il n’y a jamais classe le samedi ni le dimanche.',
      en: 'there is never class on a Saturday or a Sunday.',
    };
  return null;
}
