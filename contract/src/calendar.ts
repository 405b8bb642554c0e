/** When: which days a school is open, and when something may be done there. Pure; every moment is
 * in epoch ms. Holds no dates (french-calendar.ts does) and does not say what a window is for. Why
 * it is so: docs/decisions/0010.
 *
 *  What is passed in is never changed after it was first passed: calendars, windows and lists of
 * closures are prepared once and remembered by identity. */
import { Temporal } from 'temporal-polyfill';
import { dayMs, dayOfDate, minutesOf, weekdayOf } from './days.ts';
import type { Period, Recurrence, WindowSpec, Windows } from './windows.ts';

const minuteMs = 60_000;
/** How far ahead anything is looked for: more than a year, so that "in the summer holidays" is
 * always found. */
export const horizonDays = 400;

export const holidayZones = ['A', 'B', 'C'] as const;
export type HolidayZone = (typeof holidayZones)[number];

/** `from`: first day without class. `back`: the day class begins again. */
export interface Holiday {
  readonly name: string;
  readonly from: string;
  readonly back: string;
}

/** Dates are YYYY-MM-DD. Outside `known` nothing is said about school holidays. Public holidays are
 * the national ones: what a region adds (Alsace-Moselle, overseas) is a closure of the schools
 * there. */
export interface Calendar {
  readonly source: string;
  readonly readOn: string;
  readonly known: { readonly from: string; readonly until: string };
  readonly schoolHolidays: Readonly<Record<HolidayZone, readonly Holiday[]>>;
  readonly publicHolidays: readonly { readonly date: string; readonly name: string }[];
}

/** What matters here of a school. `timeZone` satisfies `isTimeZone`; `closures`: other days without
 * class there. */
export interface Place {
  readonly timeZone: string;
  readonly holidayZone: HolidayZone;
  readonly closures: readonly string[];
}

/** `unknown`: the calendar does not reach this day. A day that is several of these is the first of:
 * public holiday, school holiday, weekend, closure. */
export type DayKind =
  | 'school'
  | 'school_holiday'
  | 'public_holiday'
  | 'weekend'
  | 'closure'
  | 'unknown';
const dayKinds: readonly DayKind[] = [
  'school',
  'school_holiday',
  'public_holiday',
  'weekend',
  'closure',
  'unknown',
];

/** Nobody knows whether an unknown day is a holiday: nothing that asks for the one or the other
 * opens on it. */
const opensOn: Readonly<Record<Period, readonly DayKind[]>> = {
  always: dayKinds,
  school: ['school'],
  holidays: ['school_holiday', 'public_holiday'],
  outside_holidays: ['school', 'weekend', 'closure'],
};

/** The last date the calendar covers. After it days are `unknown`: warn well before. */
export const knownUntil = (calendar: Calendar): string => calendar.known.until;

export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

interface Book {
  first: number;
  last: number;
  kinds: Record<HolidayZone, DayKind[]>;
  publicHolidays: ReadonlySet<number>;
}
const books = new WeakMap<Calendar, Book>();

function bookOf(calendar: Calendar): Book {
  const made = books.get(calendar);
  if (made !== undefined) return made;
  const [first, last] = [dayOfDate(calendar.known.from), dayOfDate(calendar.known.until)];
  const publicHolidays = new Set(calendar.publicHolidays.map(({ date }) => dayOfDate(date)));
  const kindsOf = (zone: HolidayZone): DayKind[] => {
    const kinds = Array.from(
      { length: last - first + 1 },
      (_, at): DayKind => (weekdayOf(first + at) > 5 ? 'weekend' : 'school'),
    );
    for (const { from, back } of calendar.schoolHolidays[zone])
      for (let day = Math.max(dayOfDate(from), first); day < dayOfDate(back) && day <= last; day++)
        kinds[day - first] = 'school_holiday';
    for (const day of publicHolidays)
      if (day >= first && day <= last) kinds[day - first] = 'public_holiday';
    return kinds;
  };
  const book: Book = {
    first,
    last,
    kinds: { A: kindsOf('A'), B: kindsOf('B'), C: kindsOf('C') },
    publicHolidays,
  };
  books.set(calendar, book);
  return book;
}

const daySets = new WeakMap<readonly string[], ReadonlySet<number>>();
function daySetOf(dates: readonly string[]): ReadonlySet<number> {
  const made = daySets.get(dates) ?? new Set(dates.map(dayOfDate));
  daySets.set(dates, made);
  return made;
}

function kindOf(
  book: Book,
  zone: HolidayZone,
  closures: ReadonlySet<number>,
  day: number,
): DayKind {
  const kind =
    book.kinds[zone][day - book.first] ??
    (book.publicHolidays.has(day) ? 'public_holiday' : 'unknown');
  return kind === 'school' && closures.has(day) ? 'closure' : kind;
}

/** What kind of day this date is there. */
export const dayKind = (calendar: Calendar, place: Place, date: string): DayKind =>
  kindOf(bookOf(calendar), place.holidayZone, daySetOf(place.closures), dayOfDate(date));

// ---- clocks ---------------------------------------------------------------------------------------------------------

/** A stretch of time during which a time zone keeps one distance from UTC: local = moment + offset,
 * `end` excluded. */
interface Stretch {
  start: number;
  end: number;
  offset: number;
}
const stretches = new Map<string, Stretch[]>();

/** Time zones are asked twice a year, not at every call: asking costs a hundred times more than
 * adding. */
function stretchAt(timeZone: string, moment: number): Stretch {
  const known = stretches.get(timeZone) ?? [];
  for (const stretch of known) if (stretch.start <= moment && moment < stretch.end) return stretch;
  const instant = Temporal.Instant.fromEpochMilliseconds(moment);
  const here = instant.toZonedDateTimeISO(timeZone);
  // "Previous" is strictly before, and a stretch may begin at this very moment.
  const start =
    instant.add({ milliseconds: 1 }).toZonedDateTimeISO(timeZone).getTimeZoneTransition('previous')
      ?.epochMilliseconds ?? Number.NEGATIVE_INFINITY;
  const end = here.getTimeZoneTransition('next')?.epochMilliseconds ?? Number.POSITIVE_INFINITY;
  const found = { start, end, offset: here.offsetNanoseconds / 1_000_000 };
  if (stretches.size > 1000) stretches.clear();
  stretches.set(timeZone, [...known, found]);
  return found;
}

/** The first moment at which the clock there shows `local` or later: when that hour does not exist,
 * the moment it is skipped; when it comes twice, the first time. */
function firstMomentOf(timeZone: string, local: number): number {
  // No time zone is more than 14 hours ahead.
  let stretch = stretchAt(timeZone, local - 15 * 60 * minuteMs);
  while (local - stretch.offset >= stretch.end) stretch = stretchAt(timeZone, stretch.end);
  return Math.max(stretch.start, local - stretch.offset);
}

/** When this day (days since 1970-01-01) begins there. */
export const momentOfDay = (place: Place, day: number): number =>
  firstMomentOf(place.timeZone, day * dayMs);

// ---- opening hours --------------------------------------------------------------------------------------------------

/** Milliseconds from the day's midnight on the wall; `to` may reach into the next day. */
interface Hours {
  from: number;
  to: number;
}
/** What is open on a day: sorted, apart from one another. `isInDoubt` is set once an unknown day
 * could have mattered. */
interface Rule {
  on(day: number): readonly Hours[];
  isInDoubt: boolean;
}

interface Timetable {
  /** By weekday, from 0 for Monday. */
  hours: readonly Readonly<Record<DayKind, readonly Hours[]>>[];
  asksCalendar: readonly boolean[];
  except: ReadonlySet<number>;
}
const timetables = new WeakMap<Windows | readonly WindowSpec[], Timetable>();

function timetableOf(windows: Windows | readonly WindowSpec[]): Timetable {
  const made = timetables.get(windows);
  if (made !== undefined) return made;
  const { open, exceptDates } = 'open' in windows ? windows : { open: windows, exceptDates: [] };
  const week = [1, 2, 3, 4, 5, 6, 7];
  const hoursOn = (weekday: number, kind: DayKind): Hours[] =>
    merged(
      open
        .filter(({ days, period }) => days.includes(weekday) && opensOn[period].includes(kind))
        .map(({ from, to }) => {
          const [begin, end] = [minutesOf(from), minutesOf(to)];
          return { from: begin * minuteMs, to: (end > begin ? end : end + 1440) * minuteMs };
        }),
    );
  const timetable: Timetable = {
    hours: week.map((weekday) => ({
      school: hoursOn(weekday, 'school'),
      school_holiday: hoursOn(weekday, 'school_holiday'),
      public_holiday: hoursOn(weekday, 'public_holiday'),
      weekend: hoursOn(weekday, 'weekend'),
      closure: hoursOn(weekday, 'closure'),
      unknown: hoursOn(weekday, 'unknown'),
    })),
    asksCalendar: week.map((weekday) =>
      open.some(({ days, period }) => days.includes(weekday) && period !== 'always'),
    ),
    except: daySetOf(exceptDates),
  };
  timetables.set(windows, timetable);
  return timetable;
}

function merged(hours: readonly Hours[]): Hours[] {
  const apart: Hours[] = [];
  for (const each of hours.toSorted((a, b) => a.from - b.from)) {
    const last = apart.at(-1);
    if (last !== undefined && each.from <= last.to) last.to = Math.max(last.to, each.to);
    else apart.push({ ...each });
  }
  return apart;
}

const nothing: readonly Hours[] = [];

function windowsRule(
  calendar: Calendar,
  place: Place,
  windows: Windows | readonly WindowSpec[],
): Rule {
  const [book, closures, { hours, asksCalendar, except }] = [
    bookOf(calendar),
    daySetOf(place.closures),
    timetableOf(windows),
  ];
  return {
    isInDoubt: false,
    on(day) {
      if (except.has(day)) return nothing;
      const [weekday, kind] = [weekdayOf(day) - 1, kindOf(book, place.holidayZone, closures, day)];
      if (kind === 'unknown' && asksCalendar[weekday] === true) this.isInDoubt = true;
      return hours[weekday]?.[kind] ?? nothing;
    },
  };
}

/** When the open time around this moment on the wall ends, looking no further than `limit`; null
 * when closed. */
function endOfOpen(rule: Rule, local: number, limit: number): number | null {
  let end = local;
  const extend = (day: number): void => {
    for (const { from, to } of rule.on(day))
      if (day * dayMs + from <= end) end = Math.max(end, day * dayMs + to);
  };
  // What begins on a day ends before the day after next begins: each day is looked at once.
  let today = Math.floor(local / dayMs);
  extend(today - 1);
  for (let last = today - 1; last !== today && end < limit; today = Math.floor(end / dayMs)) {
    last = today;
    extend(today);
  }
  return end === local ? null : end;
}

/** When something begins at or after this moment on the wall. */
function nextBegin(rule: Rule, local: number, limit: number): number | null {
  for (let day = Math.floor(local / dayMs); day * dayMs <= limit; day++)
    for (const { from } of rule.on(day)) if (day * dayMs + from >= local) return day * dayMs + from;
  return null;
}

/** `until` and `opensAt` are exact: the first moment at which it is closed, or open. Both look 400
 * days ahead: what is open for longer says so, and `opensAt` is null when nothing opens.
 * `isInDoubt`: days the calendar does not know could change this. */
export type WindowState =
  | { open: true; until: number; isInDoubt: boolean }
  | { open: false; opensAt: number | null; isInDoubt: boolean };

function stateOf(timeZone: string, rule: Rule, now: number): WindowState {
  const limit = now + horizonDays * dayMs;
  let stretch = stretchAt(timeZone, now);
  let at = now;
  let end = endOfOpen(rule, at + stretch.offset, limit + stretch.offset);
  if (end !== null) {
    // Where the clock is put forward or back, what the wall shows afterwards decides whether it
    // stays open.
    while (end !== null && end - stretch.offset >= stretch.end && stretch.end < limit) {
      at = stretch.end;
      stretch = stretchAt(timeZone, at);
      end = endOfOpen(rule, at + stretch.offset, limit + stretch.offset);
    }
    return {
      open: true,
      until: end === null ? at : Math.min(end - stretch.offset, limit),
      isInDoubt: rule.isInDoubt,
    };
  }
  let opensAt: number | null = null;
  for (;;) {
    const begin = nextBegin(rule, at + stretch.offset, limit + stretch.offset);
    if (begin === null) break;
    if (begin - stretch.offset < stretch.end) {
      opensAt = begin - stretch.offset;
      break;
    }
    at = stretch.end;
    stretch = stretchAt(timeZone, at);
    // The clock was put forward into a window: it opens at that moment.
    if (endOfOpen(rule, at + stretch.offset, at + stretch.offset + 1) !== null) {
      opensAt = at;
      break;
    }
  }
  return {
    open: false,
    opensAt: opensAt === null || opensAt > limit ? null : opensAt,
    isInDoubt: rule.isInDoubt,
  };
}

/** Is it open there now, and until when, or when does it open? Windows that touch or overlap are
 * one. Open means exactly that the clock on the wall is inside a window: an hour that does not
 * exist is not open, one that comes twice is open twice. */
export const windowAt = (
  calendar: Calendar,
  place: Place,
  windows: Windows | readonly WindowSpec[],
  now: number,
): WindowState => stateOf(place.timeZone, windowsRule(calendar, place, windows), now);

const arrival: readonly Hours[] = [{ from: (8 * 60 + 15) * minuteMs, to: 9 * 60 * minuteMs }];

/** When the arrival of the class (08:15 to 09:00 on a school day) that is going on now is over;
 * null when none is. A weekday the calendar does not know counts as a school day here: better to
 * wait three quarters of an hour than to disturb a class. */
export function arrivalTimeEnds(calendar: Calendar, place: Place, now: number): number | null {
  const [book, closures] = [bookOf(calendar), daySetOf(place.closures)];
  const hasClass = (day: number): boolean => {
    const kind = kindOf(book, place.holidayZone, closures, day);
    return kind === 'school' || (kind === 'unknown' && weekdayOf(day) <= 5 && !closures.has(day));
  };
  const rule: Rule = { isInDoubt: false, on: (day) => (hasClass(day) ? arrival : nothing) };
  const { offset } = stretchAt(place.timeZone, now);
  if (endOfOpen(rule, now + offset, now + offset + 1) === null) return null;
  const state = stateOf(place.timeZone, rule, now);
  return state.open ? state.until : null;
}

export const isArrivalTime = (calendar: Calendar, place: Place, now: number): boolean =>
  arrivalTimeEnds(calendar, place, now) !== null;

/** `at` is null when there is none within 400 days. `isInDoubt`: days the calendar does not know
 * were passed over. */
export interface Occurrence {
  at: number | null;
  isInDoubt: boolean;
}

/** The next time after `after` (never at it). Once a day even where the hour comes twice, and not
 * left out where it is skipped. */
export function nextOccurrence(
  calendar: Calendar,
  place: Place,
  { days, at, period }: Recurrence,
  after: number,
): Occurrence {
  const [book, closures] = [bookOf(calendar), daySetOf(place.closures)];
  const today = Math.floor((after + stretchAt(place.timeZone, after).offset) / dayMs);
  let isInDoubt = false;
  for (let day = today - 1; day <= today + horizonDays; day++) {
    if (!days.includes(weekdayOf(day))) continue;
    const kind = kindOf(book, place.holidayZone, closures, day);
    if (kind === 'unknown' && period !== 'always') isInDoubt = true;
    if (!opensOn[period].includes(kind)) continue;
    const moment = firstMomentOf(place.timeZone, day * dayMs + minutesOf(at) * minuteMs);
    if (moment > after) return { at: moment, isInDoubt };
  }
  return { at: null, isInDoubt };
}
