/** Input from a technician: windows during which something is open, and times at which something
 * recurs. calendar.ts defines which days belong to a period. */
import { type Static, Type } from 'typebox';
import { dateOfDay, dayOfDate } from './days.ts';
import { CalendarDate, OneOf, Strict, type Translated } from './schema.ts';

/** - `school`: a school day: Monday to Friday (Wednesday too: some schools have class, and all have
 *   staff at work), except holidays, public holidays and closures.
 * - `holidays`: a day of the zone's school holidays (Saturdays and Sundays included) or a public
 *   holiday.
 * - `outside_holidays`: every other day, including weekends and closures. */
export const periods = ['always', 'school', 'holidays', 'outside_holidays'] as const;
export type Period = (typeof periods)[number];
export const Period = OneOf(periods);

/** ISO weekdays: Monday is 1. `windowsProblem` checks that there is at least one, because it has an
 * error message for that. */
const Days = Type.Array(Type.Integer({ minimum: 1, maximum: 7 }), {
  maxItems: 7,
  uniqueItems: true,
});
const clock = '([01][0-9]|2[0-3]):[0-5][0-9]';
const Clock = Type.String({ pattern: `^${clock}$` });

/** Open from the instant the local clock shows `from` until it shows `to`. When `to` is at or
 * before `from`, it is on the next day; 24:00 is the end of the day. A window belongs to the day on
 * which it begins: that day's weekday, period and exception count. */
export const WindowSpec = Strict({
  days: Days,
  from: Clock,
  to: Type.String({ pattern: `^(${clock}|24:00)$` }),
  period: Period,
});
export type WindowSpec = Static<typeof WindowSpec>;

/** No window begins on `exceptDates`. */
export const Windows = Strict({
  open: Type.Array(WindowSpec, { maxItems: 20 }),
  exceptDates: Type.Array(CalendarDate, { maxItems: 400, uniqueItems: true }),
});
export type Windows = Static<typeof Windows>;

/** Once on each of these days, as soon as the local clock shows `at`. */
export const Recurrence = Strict({ days: Days, at: Clock, period: Period });
export type Recurrence = Static<typeof Recurrence>;

/** Why these windows are invalid, as text for people; null when they are valid. */
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

/** Why this recurrence is invalid; null when it is valid. */
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
