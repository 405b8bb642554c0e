/** Which days a school is open, and when something may be done there. Pure; every instant is in
 * epoch ms. The dates are in french-calendar.ts; what a window is for is up to the caller.
 * Rationale: docs/decisions/0010.
 *
 * Arguments must never be changed after they were first passed: calendars, windows and lists of
 * closures are prepared once and cached by identity. */
import { Temporal } from 'temporal-polyfill';
import { dayMs, dayOfDate, minutesOf, weekdayOf } from './days.ts';
import type { Period, Recurrence, WindowSpec, Windows } from './windows.ts';

const minuteMs = 60_000;
/** How many days ahead a search goes: more than a year, so that "in the summer holidays" is always
 * found. */
export const horizonDays = 400;

export const holidayZones = ['A', 'B', 'C'] as const;
export type HolidayZone = (typeof holidayZones)[number];

/** `from`: first day without class. `back`: the day on which class resumes. */
export interface Holiday {
  readonly name: string;
  readonly from: string;
  readonly back: string;
}

/** Dates are YYYY-MM-DD. School holidays are unknown outside `known`. Public holidays are the
 * national ones; regional ones (Alsace-Moselle, overseas) are closures of the schools there. */
export interface Calendar {
  readonly source: string;
  readonly readOn: string;
  readonly known: { readonly from: string; readonly until: string };
  readonly schoolHolidays: Readonly<Record<HolidayZone, readonly Holiday[]>>;
  readonly publicHolidays: readonly { readonly date: string; readonly name: string }[];
}

/** The facts about a school that this file reads. `timeZone` is an IANA name; `closures`:
 * the school's other days without class. */
export interface Place {
  readonly timeZone: string;
  readonly holidayZone: HolidayZone;
  readonly closures: readonly string[];
}

/** `unknown`: the calendar does not cover this day. When several kinds apply, the first of these
 * counts: public holiday, school holiday, weekend, closure. */
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

/** An unknown day may or may not be a holiday, so no period that depends on it opens then. */
const opensOn: Readonly<Record<Period, readonly DayKind[]>> = {
  always: dayKinds,
  school: ['school'],
  holidays: ['school_holiday', 'public_holiday'],
  outside_holidays: ['school', 'weekend', 'closure'],
};

/** The last date that the calendar covers; later days are `unknown`. Warn well before it. */
export const knownUntil = (calendar: Calendar): string => calendar.known.until;

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

/** The kind of this date at that place. */
export const dayKind = (calendar: Calendar, place: Place, date: string): DayKind =>
  kindOf(bookOf(calendar), place.holidayZone, daySetOf(place.closures), dayOfDate(date));

// ---- clocks ---------------------------------------------------------------------------------

/** A period with a constant UTC offset in a time zone: local = UTC + offset; `end` excluded. */
interface Stretch {
  start: number;
  end: number;
  offset: number;
}
const stretches = new Map<string, Stretch[]>();

/** Cached: looking up a time zone's offset costs a hundred times more than adding it, and the
 * offset changes only twice a year. */
function stretchAt(timeZone: string, moment: number): Stretch {
  const known = stretches.get(timeZone) ?? [];
  for (const stretch of known) if (stretch.start <= moment && moment < stretch.end) return stretch;
  const instant = Temporal.Instant.fromEpochMilliseconds(moment);
  const here = instant.toZonedDateTimeISO(timeZone);
  // The "previous" transition is strictly before, and a stretch may begin exactly at this instant.
  const start =
    instant.add({ milliseconds: 1 }).toZonedDateTimeISO(timeZone).getTimeZoneTransition('previous')
      ?.epochMilliseconds ?? Number.NEGATIVE_INFINITY;
  const end = here.getTimeZoneTransition('next')?.epochMilliseconds ?? Number.POSITIVE_INFINITY;
  const found = { start, end, offset: here.offsetNanoseconds / 1_000_000 };
  if (stretches.size > 1000) stretches.clear();
  stretches.set(timeZone, [...known, found]);
  return found;
}

/** The first instant at which the local clock shows `local` or later. When the clock skips that
 * hour, this is the instant of the skip; when the hour occurs twice, the first occurrence. */
function firstMomentOf(timeZone: string, local: number): number {
  // No time zone is more than 14 hours ahead.
  let stretch = stretchAt(timeZone, local - 15 * 60 * minuteMs);
  while (local - stretch.offset >= stretch.end) stretch = stretchAt(timeZone, stretch.end);
  return Math.max(stretch.start, local - stretch.offset);
}

/** The instant at which this day (days since 1970-01-01) begins at that place. */
export const momentOfDay = (place: Place, day: number): number =>
  firstMomentOf(place.timeZone, day * dayMs);

// ---- opening hours --------------------------------------------------------------------------

/** Milliseconds from the day's local midnight; `to` may reach into the next day. */
interface Hours {
  from: number;
  to: number;
}
/** The open hours of a day: sorted and disjoint. `isInDoubt` is set once an unknown day could have
 * changed the result. */
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

/** When the open period around this local time ends, searching no further than `limit`; null when
 * closed. */
function endOfOpen(rule: Rule, local: number, limit: number): number | null {
  let end = local;
  const extend = (day: number): void => {
    for (const { from, to } of rule.on(day))
      if (day * dayMs + from <= end) end = Math.max(end, day * dayMs + to);
  };
  // A window ends before the second day after its start begins, so each day is read once.
  let today = Math.floor(local / dayMs);
  extend(today - 1);
  for (let last = today - 1; last !== today && end < limit; today = Math.floor(end / dayMs)) {
    last = today;
    extend(today);
  }
  return end === local ? null : end;
}

/** Start of the first window at or after this local time; null when there is none up to `limit`. */
function nextBegin(rule: Rule, local: number, limit: number): number | null {
  for (let day = Math.floor(local / dayMs); day * dayMs <= limit; day++)
    for (const { from } of rule.on(day)) if (day * dayMs + from >= local) return day * dayMs + from;
  return null;
}

/** `until` and `opensAt` are exact: the first instant at which it is closed, or open. The search
 * goes 400 days ahead: `until` is at most that far, and `opensAt` is null when nothing opens.
 * `isInDoubt`: days that the calendar does not cover could change the result. */
export type WindowState =
  | { open: true; until: number; isInDoubt: boolean }
  | { open: false; opensAt: number | null; isInDoubt: boolean };

function stateOf(timeZone: string, rule: Rule, now: number): WindowState {
  const limit = now + horizonDays * dayMs;
  let stretch = stretchAt(timeZone, now);
  let at = now;
  let end = endOfOpen(rule, at + stretch.offset, limit + stretch.offset);
  if (end !== null) {
    // When the clock is moved forward or back, the new local time decides whether it stays open.
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
    // The clock was moved forward into a window, so it opens at that instant.
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

/** Whether it is open there now and until when, or else when it opens. Windows that touch or
 * overlap count as one. Open means that the local clock is inside a window: an hour that the clock
 * skips is never open, one that occurs twice is open twice. */
export const windowAt = (
  calendar: Calendar,
  place: Place,
  windows: Windows | readonly WindowSpec[],
  now: number,
): WindowState => stateOf(place.timeZone, windowsRule(calendar, place, windows), now);

const arrival: readonly Hours[] = [{ from: (8 * 60 + 15) * minuteMs, to: 9 * 60 * minuteMs }];

/** End of the arrival time (08:15 to 09:00 on a school day) in progress; null when there is none. A
 * weekday that the calendar does not cover counts as a school day, because waiting three quarters
 * of an hour is better than disturbing a class. */
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

/** `at` is null when there is none within 400 days. `isInDoubt`: the search depended on days that
 * the calendar does not cover. */
export interface Occurrence {
  at: number | null;
  isInDoubt: boolean;
}

/** The next occurrence strictly after `after`. It occurs once a day, even when the clock shows the
 * hour twice or skips it. */
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
