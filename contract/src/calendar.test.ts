import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { Compile } from 'typebox/compile';
import { describe, expect, test } from 'vitest';
import {
  arrivalTimeEnds,
  type Calendar,
  dayKind,
  holidayZones,
  horizonDays,
  isArrivalTime,
  knownUntil,
  nextOccurrence,
  type Place,
  windowAt,
} from './calendar.ts';
import { dateOfDay, dayOfDate, weekdayOf } from './days.ts';
import { frenchCalendar } from './french-calendar.ts';
import {
  type Period,
  periods,
  Recurrence,
  recurrenceProblem,
  type WindowSpec,
  Windows,
  windowsProblem,
} from './windows.ts';

const place = (
  holidayZone: Place['holidayZone'] = 'A',
  timeZone = 'Europe/Paris',
  closures: string[] = [],
): Place => ({ timeZone, holidayZone, closures });
const paris = place();
/** A moment written with its distance from UTC. */
const at = (text: string): number => Date.parse(text);
const spec = (days: number[], from: string, to: string, period: Period = 'always'): WindowSpec => ({
  days,
  from,
  to,
  period,
});
const everyDay = [1, 2, 3, 4, 5, 6, 7];
const minute = 60_000;

/** What a person would write down of the answer: the wall clock there. */
const wall = (moment: number | null, timeZone = 'Europe/Paris') =>
  moment === null
    ? null
    : Temporal.Instant.fromEpochMilliseconds(moment)
        .toZonedDateTimeISO(timeZone)
        .toString({ timeZoneName: 'never', smallestUnit: 'minute' });
const told = (
  where: Place,
  windows: Windows | WindowSpec[],
  now: number,
  calendar: Calendar = frenchCalendar,
) => {
  const state = windowAt(calendar, where, windows, now);
  return state.open
    ? `open until ${wall(state.until, where.timeZone)}`
    : `opens ${wall(state.opensAt, where.timeZone)}`;
};

describe('what a day is', () => {
  // biome-ignore format: a table
  const cases: [date: string, zone: Place['holidayZone'], kind: ReturnType<typeof dayKind>][] = [
    ['2026-10-16', 'A', 'school'], ['2026-10-17', 'A', 'school_holiday'], ['2026-11-01', 'A', 'public_holiday'], ['2026-11-02', 'A', 'school'],
    ['2026-10-16', 'C', 'school'], ['2026-10-17', 'C', 'school_holiday'], ['2026-11-02', 'C', 'school'],
    ['2026-11-11', 'B', 'public_holiday'], ['2026-11-18', 'B', 'school'], ['2026-11-21', 'B', 'weekend'], ['2026-12-25', 'B', 'public_holiday'], ['2026-12-26', 'B', 'school_holiday'],
    ['2027-02-05', 'C', 'school'], ['2027-02-06', 'C', 'school_holiday'], ['2027-02-21', 'C', 'school_holiday'], ['2027-02-22', 'C', 'school'],
    ['2027-02-12', 'A', 'school'], ['2027-02-13', 'A', 'school_holiday'], ['2027-02-28', 'A', 'school_holiday'], ['2027-03-01', 'A', 'school'],
    ['2027-02-19', 'B', 'school'], ['2027-02-20', 'B', 'school_holiday'], ['2027-03-07', 'B', 'school_holiday'], ['2027-03-08', 'B', 'school'],
    ['2027-03-29', 'A', 'public_holiday'], ['2027-05-06', 'A', 'public_holiday'], ['2027-05-07', 'A', 'school_holiday'], ['2027-05-17', 'A', 'public_holiday'],
    ['2027-07-02', 'A', 'school'], ['2027-07-03', 'A', 'school_holiday'], ['2027-07-14', 'A', 'public_holiday'], ['2027-09-01', 'A', 'school_holiday'], ['2027-09-02', 'A', 'school'],
    ['2025-08-31', 'A', 'unknown'], ['2028-06-01', 'A', 'unknown'], ['2028-06-05', 'A', 'public_holiday'], ['2040-01-02', 'A', 'unknown'], ['not a date', 'A', 'unknown'],
  ];
  test.each(cases)('%s, zone %s: %s', (date, zone, kind) =>
    expect(dayKind(frenchCalendar, place(zone), date)).toBe(kind),
  );

  test('a closure makes a school day one without class, and nothing else', () => {
    const closed = place('A', 'Europe/Paris', [
      '2026-11-24',
      '2026-11-21',
      '2026-10-20',
      '2030-01-07',
    ]);
    expect(
      ['2026-11-23', '2026-11-24', '2026-11-21', '2026-10-20', '2030-01-07'].map((date) =>
        dayKind(frenchCalendar, closed, date),
      ),
    ).toEqual(['school', 'closure', 'weekend', 'school_holiday', 'unknown']);
  });
  test('weekdays and dates', () => {
    expect([
      dateOfDay(0),
      weekdayOf(0),
      weekdayOf(dayOfDate('2026-11-23')),
      weekdayOf(dayOfDate('2026-11-22')),
      weekdayOf(-1),
    ]).toEqual(['1970-01-01', 4, 1, 7, 3]);
  });
});

describe('the French calendar', () => {
  test('holidays begin on a Saturday, class begins again on a day of class, one follows the other', () => {
    for (const zone of holidayZones) {
      let before = '';
      for (const { name, from, back } of frenchCalendar.schoolHolidays[zone]) {
        expect([name, from > before, back > from]).toEqual([name, true, true]);
        if (!name.startsWith('Pont')) {
          expect([name, weekdayOf(dayOfDate(from))]).toEqual([name, 6]);
          if (back <= knownUntil(frenchCalendar))
            expect([name, dayKind(frenchCalendar, place(zone), back)]).toEqual([name, 'school']);
        }
        before = back;
      }
    }
  });
  test('the zones take turns: winter begins on three Saturdays in a row, spring the same number of weeks later', () => {
    for (const year of ['2025-2026', '2026-2027', '2027-2028']) {
      const begins = (name: string) =>
        holidayZones.map((zone) =>
          dayOfDate(
            frenchCalendar.schoolHolidays[zone].find((each) => each.name === `${name} ${year}`)
              ?.from ?? '',
          ),
        );
      const [winter, spring] = [begins('Hiver'), begins('Printemps')];
      const sorted = winter.toSorted((a, b) => a - b);
      expect(sorted.map((day) => day - (sorted[0] ?? 0))).toEqual([0, 7, 14]);
      expect(new Set(spring.map((day, zone) => day - (winter[zone] ?? 0))).size).toBe(1);
    }
  });
  test('says where it is from and how far it reaches', () => {
    expect(frenchCalendar.source).not.toBe('');
    expect(knownUntil(frenchCalendar) > '2027-09-01').toBe(true);
    expect(frenchCalendar.publicHolidays.filter(({ date }) => date.startsWith('2027')).length).toBe(
      11,
    );
  });
});

describe('windows', () => {
  const night = [spec([1, 2, 3, 4, 5], '22:00', '05:00')];
  // biome-ignore format: a table
  const cases: [name: string, where: Place, windows: Windows | WindowSpec[], now: string, answer: string][] = [
    ['open', paris, [spec([2], '12:00', '14:00')], '2026-11-24T12:30+01:00', 'open until 2026-11-24T14:00+01:00'],
    ['opens at its first moment', paris, [spec([2], '12:00', '14:00')], '2026-11-24T12:00+01:00', 'open until 2026-11-24T14:00+01:00'],
    ['closed at its last', paris, [spec([2], '12:00', '14:00')], '2026-11-24T14:00+01:00', 'opens 2026-12-01T12:00+01:00'],
    ['crosses midnight', paris, night, '2026-11-24T03:00+01:00', 'open until 2026-11-24T05:00+01:00'],
    ['belongs to the day it begins on: Friday’s runs into Saturday', paris, night, '2026-11-28T03:00+01:00', 'open until 2026-11-28T05:00+01:00'],
    ['Saturday has none', paris, night, '2026-11-28T23:00+01:00', 'opens 2026-11-30T22:00+01:00'],
    ['ends at midnight written 00:00', paris, [spec([2], '20:00', '00:00')], '2026-11-24T20:00+01:00', 'open until 2026-11-25T00:00+01:00'],
    ['ends at midnight written 24:00', paris, [spec([2], '20:00', '24:00')], '2026-11-24T20:00+01:00', 'open until 2026-11-25T00:00+01:00'],
    ['overlapping ones are one', paris, [spec([2], '12:00', '14:00'), spec([2], '13:00', '16:00')], '2026-11-24T12:30+01:00', 'open until 2026-11-24T16:00+01:00'],
    ['touching ones are one, over midnight too', paris, [spec([2], '20:00', '24:00'), spec([3], '00:00', '06:00')], '2026-11-24T21:00+01:00', 'open until 2026-11-25T06:00+01:00'],
    ['always open: as far as we look', paris, [spec(everyDay, '00:00', '24:00')], '2026-11-24T21:00+01:00', 'open until 2027-12-29T21:00+01:00'],
    ['school: the evening before the holidays runs into them', place('C'), [spec(everyDay, '20:00', '04:00', 'school')], '2027-02-06T01:00+01:00', 'open until 2027-02-06T04:00+01:00'],
    ['school: then not until class begins again', place('C'), [spec(everyDay, '20:00', '04:00', 'school')], '2027-02-06T05:00+01:00', 'opens 2027-02-22T20:00+01:00'],
    ['school: Wednesday counts', paris, [spec([3], '14:00', '17:00', 'school')], '2026-11-24T12:00+01:00', 'opens 2026-11-25T14:00+01:00'],
    ['school: not on a public holiday', paris, [spec([3], '14:00', '17:00', 'school')], '2026-11-05T12:00+01:00', 'opens 2026-11-18T14:00+01:00'],
    ['school: not on a closure', place('A', 'Europe/Paris', ['2026-11-25']), [spec([3], '14:00', '17:00', 'school')], '2026-11-24T12:00+01:00', 'opens 2026-12-02T14:00+01:00'],
    ['holidays: zone A', place('A'), [spec(everyDay, '09:00', '17:00', 'holidays')], '2027-01-10T12:00+01:00', 'opens 2027-02-13T09:00+01:00'],
    ['holidays: zone B', place('B'), [spec(everyDay, '09:00', '17:00', 'holidays')], '2027-01-10T12:00+01:00', 'opens 2027-02-20T09:00+01:00'],
    ['holidays: zone C', place('C'), [spec(everyDay, '09:00', '17:00', 'holidays')], '2027-01-10T12:00+01:00', 'opens 2027-02-06T09:00+01:00'],
    ['holidays: a public holiday is one', paris, [spec(everyDay, '09:00', '17:00', 'holidays')], '2026-11-09T12:00+01:00', 'opens 2026-11-11T09:00+01:00'],
    ['holidays: a closure is none', place('A', 'Europe/Paris', ['2026-11-10']), [spec(everyDay, '09:00', '17:00', 'holidays')], '2026-11-09T12:00+01:00', 'opens 2026-11-11T09:00+01:00'],
    ['outside holidays: a weekend is', paris, [spec([6], '09:00', '17:00', 'outside_holidays')], '2026-10-12T12:00+02:00', 'opens 2026-11-07T09:00+01:00'],
    ['outside holidays: a closure is', place('A', 'Europe/Paris', ['2026-11-25']), [spec([3], '14:00', '17:00', 'outside_holidays')], '2026-11-24T12:00+01:00', 'opens 2026-11-25T14:00+01:00'],
    ['nothing begins on an excepted date', paris, { open: night, exceptDates: ['2026-11-24'] }, '2026-11-24T12:00+01:00', 'opens 2026-11-25T22:00+01:00'],
    ['what began the evening before goes on', paris, { open: night, exceptDates: ['2026-11-24'] }, '2026-11-24T03:00+01:00', 'open until 2026-11-24T05:00+01:00'],
    ['nothing for 400 days', paris, [spec([6, 7], '09:00', '17:00', 'school')], '2026-11-24T12:00+01:00', 'opens null'],
    ['no window at all', paris, [], '2026-11-24T12:00+01:00', 'opens null'],

    // 2026-10-25: at 03:00 it is 02:00 again.
    ['the hour that comes twice: open the first time', paris, [spec([7], '01:30', '02:30')], '2026-10-25T01:30+02:00', 'open until 2026-10-25T02:30+02:00'],
    ['closed between', paris, [spec([7], '01:30', '02:30')], '2026-10-25T02:45+02:00', 'opens 2026-10-25T02:00+01:00'],
    ['and the second time', paris, [spec([7], '01:30', '02:30')], '2026-10-25T02:10+01:00', 'open until 2026-10-25T02:30+01:00'],
    ['around it: one window, an hour longer', paris, [spec([7], '01:30', '03:30')], '2026-10-25T01:30+02:00', 'open until 2026-10-25T03:30+01:00'],
    ['ends as the clock is put back: the second time remains', paris, [spec([7], '01:30', '03:00')], '2026-10-25T01:30+02:00', 'open until 2026-10-25T03:00+01:00'],
    // 2027-03-28: at 02:00 it is 03:00.
    ['the hour that does not exist: half a window', paris, [spec([7], '01:30', '02:30')], '2027-03-28T01:30+01:00', 'open until 2027-03-28T03:00+02:00'],
    ['a window within it: not that night', paris, [spec([7], '02:10', '02:50')], '2027-03-28T01:00+01:00', 'opens 2027-04-04T02:10+02:00'],
    ['begins in it: opens as the clock jumps', paris, [spec([7], '02:30', '04:00')], '2027-03-28T01:00+01:00', 'opens 2027-03-28T03:00+02:00'],
    ['around it: one window, an hour shorter', paris, [spec([6], '22:00', '06:00')], '2027-03-27T22:00+01:00', 'open until 2027-03-28T06:00+02:00'],

    ['Réunion', place('A', 'Indian/Reunion'), [spec([3], '12:00', '13:00')], '2026-11-25T08:30Z', 'open until 2026-11-25T13:00+04:00'],
    ['Martinique: still Tuesday', place('A', 'America/Martinique'), [spec([2], '22:00', '23:00')], '2026-11-25T02:30Z', 'open until 2026-11-24T23:00-04:00'],
    ['Nouméa: already Wednesday', place('A', 'Pacific/Noumea'), [spec([3], '06:00', '07:00')], '2026-11-24T19:30Z', 'open until 2026-11-25T07:00+11:00'],
  ];
  test.each(cases)('%s', (_name, where, windows, now, answer) =>
    expect(told(where, windows, at(now))).toBe(answer),
  );

  const length = (where: Place, windows: WindowSpec[], from: string): number => {
    const state = windowAt(frenchCalendar, where, windows, at(from));
    return state.open ? (state.until - at(from)) / 3_600_000 : 0;
  };
  test('a night from 22:00 to 06:00 lasts eight hours, nine in October and seven in March', () => {
    const windows = [spec(everyDay, '22:00', '06:00')];
    expect([
      length(paris, windows, '2026-11-24T22:00+01:00'),
      length(paris, windows, '2026-10-24T22:00+02:00'),
      length(paris, windows, '2027-03-27T22:00+01:00'),
    ]).toEqual([8, 9, 7]);
    expect(length(place('A', 'Indian/Reunion'), windows, '2026-10-24T22:00+04:00')).toBe(8);
  });

  test('beyond the calendar nothing of a period opens, and the answer says it is in doubt', () => {
    const late = at('2028-05-27T12:00+02:00');
    for (const period of ['school', 'holidays', 'outside_holidays'] as const) {
      const state = windowAt(
        frenchCalendar,
        paris,
        [spec([2, 3], '09:00', '17:00', period)],
        at('2028-07-04T10:00+02:00'),
      );
      expect([period, state.open, state.isInDoubt]).toEqual([period, false, true]);
    }
    expect(windowAt(frenchCalendar, paris, [spec(everyDay, '09:00', '17:00')], late)).toMatchObject(
      { open: true, isInDoubt: false },
    );
    expect(
      windowAt(
        frenchCalendar,
        paris,
        [spec(everyDay, '09:00', '17:00', 'school')],
        at('2026-11-24T08:00+01:00'),
      ),
    ).toMatchObject({ open: false, isInDoubt: false });
  });
});

describe('properties of windows', () => {
  const timeZone = fc.constantFrom(
    'Europe/Paris',
    'Indian/Reunion',
    'America/Martinique',
    'Pacific/Noumea',
    'America/Miquelon',
    'Australia/Lord_Howe',
  );
  const clock = fc
    .integer({ min: 0, max: 1439 })
    .map(
      (minutes) =>
        `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`,
    );
  const anySpec: fc.Arbitrary<WindowSpec> = fc
    .record({
      days: fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 7 }),
      from: clock,
      to: clock,
      period: fc.constantFrom(...periods),
    })
    .filter(({ from, to }) => from !== to);
  const date = fc
    .integer({ min: dayOfDate('2026-08-20'), max: dayOfDate('2027-07-20') })
    .map(dateOfDay);
  const anyWindows: fc.Arbitrary<Windows> = fc.record({
    open: fc.array(anySpec, { minLength: 1, maxLength: 4 }),
    exceptDates: fc.uniqueArray(date, { maxLength: 3 }),
  });
  const anyPlace: fc.Arbitrary<Place> = fc.record({
    timeZone,
    holidayZone: fc.constantFrom(...holidayZones),
    closures: fc.uniqueArray(date, { maxLength: 3 }),
  });
  // Half of the moments are around the nights on which clocks change.
  const change = fc
    .constantFrom(
      '2026-10-25T01:00Z',
      '2027-03-28T01:00Z',
      '2027-03-14T06:00Z',
      '2026-11-01T06:00Z',
      '2026-10-03T15:30Z',
      '2027-04-03T15:00Z',
    )
    .map(at);
  const moment = fc.oneof(
    fc.integer({ min: at('2026-09-01T00:00Z'), max: at('2027-06-30T00:00Z') }),
    fc
      .tuple(change, fc.integer({ min: -8 * 60, max: 8 * 60 }))
      .map(([near, minutes]) => near + minutes * minute),
  );
  const run = { numRuns: 400 };

  /** The definition, word for word, with nothing of the code under test but `dayKind`. */
  const isOpen = (where: Place, { open, exceptDates }: Windows, now: number): boolean => {
    const local = Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(where.timeZone);
    return [0, 1].some((ago) => {
      const day = local.toPlainDate().subtract({ days: ago });
      if (exceptDates.includes(day.toString())) return false;
      const kind = dayKind(frenchCalendar, where, day.toString());
      const time = `${String(local.hour + ago * 24).padStart(2, '0')}:${String(local.minute).padStart(2, '0')}`;
      return open.some(({ days, from, to, period }) => {
        const holiday = kind === 'school_holiday' || kind === 'public_holiday';
        const fits =
          period === 'always' ||
          (period === 'school' ? kind === 'school' : period === 'holidays' ? holiday : !holiday);
        const end =
          to > from ? to : `${String(Number(to.slice(0, 2)) + 24).padStart(2, '0')}${to.slice(2)}`;
        return fits && days.includes(day.dayOfWeek) && time >= from && time < end;
      });
    });
  };

  test('open is exactly: the clock on the wall is inside a window', () => {
    fc.assert(
      fc.property(anyPlace, anyWindows, moment, (where, windows, now) => {
        expect(windowAt(frenchCalendar, where, windows, now).open).toBe(
          isOpen(where, windows, now),
        );
      }),
      { numRuns: 1500 },
    );
  });
  test('`opensAt` is the first open moment, `until` the first closed one', () => {
    fc.assert(
      fc.property(anyPlace, anyWindows, moment, (where, windows, now) => {
        const state = windowAt(frenchCalendar, where, windows, now);
        const turn = state.open ? state.until : state.opensAt;
        if (turn === null || turn === now + horizonDays * 86_400_000) return;
        expect(turn).toBeGreaterThan(now);
        expect(windowAt(frenchCalendar, where, windows, turn).open).toBe(!state.open);
        expect(windowAt(frenchCalendar, where, windows, turn - 1).open).toBe(state.open);
        expect(isOpen(where, windows, turn)).toBe(!state.open);
        // And nothing changes in between.
        for (let part = 1; part < 12; part++)
          expect(isOpen(where, windows, now + Math.floor(((turn - now) * part) / 12))).toBe(
            state.open,
          );
      }),
      run,
    );
  });
  test('asking again between now and the answer gives the same answer', () => {
    fc.assert(
      fc.property(
        anyPlace,
        anyWindows,
        moment,
        fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        (where, windows, now, share) => {
          const state = windowAt(frenchCalendar, where, windows, now);
          const turn = state.open ? state.until : state.opensAt;
          if (turn === null || turn - now > 300 * 86_400_000) return;
          const again = windowAt(
            frenchCalendar,
            where,
            windows,
            now + Math.floor((turn - now) * share),
          );
          expect(again.open ? again.until : again.opensAt).toBe(turn);
        },
      ),
      run,
    );
  });
  test('a repetition comes after, on a day that fits, and none is left out', () => {
    const recurrence = fc.record({
      days: fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 7 }),
      at: clock,
      period: fc.constantFrom<Period>('always', 'holidays', 'outside_holidays'),
    });
    fc.assert(
      fc.property(anyPlace, recurrence, moment, (where, asked, after) => {
        const next = nextOccurrence(frenchCalendar, where, asked, after).at;
        if (next === null) throw new Error('there is always one within 400 days');
        expect(next).toBeGreaterThan(after);
        expect(nextOccurrence(frenchCalendar, where, asked, next - 1).at).toBe(next);
        expect(
          nextOccurrence(frenchCalendar, where, asked, after + Math.floor((next - after) / 2)).at,
        ).toBe(next);
        const local = Temporal.Instant.fromEpochMilliseconds(next).toZonedDateTimeISO(
          where.timeZone,
        );
        expect(asked.days).toContain(local.dayOfWeek);
        expect(local.toPlainTime().toString({ smallestUnit: 'minute' }) >= asked.at).toBe(true);
      }),
      run,
    );
  });
});

describe('the arrival of the class', () => {
  // biome-ignore format: a table
  const cases: [name: string, where: Place, now: string, ends: string | null][] = [
    ['a minute before', paris, '2026-11-24T08:14:59+01:00', null],
    ['it begins', paris, '2026-11-24T08:15+01:00', '2026-11-24T09:00+01:00'],
    ['its last moment', paris, '2026-11-24T08:59:59+01:00', '2026-11-24T09:00+01:00'],
    ['it is over', paris, '2026-11-24T09:00+01:00', null],
    ['on Wednesday', paris, '2026-11-25T08:30+01:00', '2026-11-25T09:00+01:00'],
    ['not on Saturday', paris, '2026-11-28T08:30+01:00', null],
    ['not in the holidays', paris, '2026-10-20T08:30+02:00', null],
    ['in the holidays of another zone', place('B'), '2027-02-15T08:30+01:00', '2027-02-15T09:00+01:00'],
    ['not on a public holiday', paris, '2026-11-11T08:30+01:00', null],
    ['not on a closure', place('A', 'Europe/Paris', ['2026-11-24']), '2026-11-24T08:30+01:00', null],
    ['by the school’s own clock', place('A', 'Indian/Reunion'), '2026-11-24T04:30Z', '2026-11-24T09:00+04:00'],
    ['a weekday nobody knows may be a school day', paris, '2028-09-12T08:30+02:00', '2028-09-12T09:00+02:00'],
    ['a weekend nobody knows is not', paris, '2028-09-16T08:30+02:00', null],
  ];
  test.each(cases)('%s', (_name, where, now, ends) => {
    expect(wall(arrivalTimeEnds(frenchCalendar, where, at(now)), where.timeZone)).toBe(ends);
    expect(isArrivalTime(frenchCalendar, where, at(now))).toBe(ends !== null);
  });
});

describe('repetitions', () => {
  // biome-ignore format: a table
  const cases: [name: string, asked: Recurrence, after: string, next: string | null][] = [
    ['Wednesdays at 14:00, outside holidays', { days: [3], at: '14:00', period: 'outside_holidays' }, '2026-10-14T14:00+02:00', '2026-11-04T14:00+01:00'],
    ['a public holiday is passed over', { days: [3], at: '14:00', period: 'outside_holidays' }, '2026-11-04T14:00+01:00', '2026-11-18T14:00+01:00'],
    ['later on the same day', { days: [2], at: '14:00', period: 'always' }, '2026-11-24T13:59+01:00', '2026-11-24T14:00+01:00'],
    ['never at the very moment', { days: [2], at: '14:00', period: 'always' }, '2026-11-24T14:00+01:00', '2026-12-01T14:00+01:00'],
    ['the hour that is skipped: as the clock jumps', { days: [7], at: '02:30', period: 'always' }, '2027-03-28T00:00+01:00', '2027-03-28T03:00+02:00'],
    ['the hour that comes twice: the first time', { days: [7], at: '02:30', period: 'always' }, '2026-10-25T00:00+02:00', '2026-10-25T02:30+02:00'],
    ['and not the second', { days: [7], at: '02:30', period: 'always' }, '2026-10-25T02:30+02:00', '2026-11-01T02:30+01:00'],
    ['there is none', { days: [7], at: '02:30', period: 'school' }, '2026-10-25T02:30+02:00', null],
  ];
  test.each(cases)('%s', (_name, asked, after, next) =>
    expect(wall(nextOccurrence(frenchCalendar, paris, asked, at(after)).at)).toBe(next),
  );
  test('beyond the calendar it says so', () => {
    expect(
      nextOccurrence(
        frenchCalendar,
        paris,
        { days: [3], at: '14:00', period: 'outside_holidays' },
        at('2028-05-25T00:00+02:00'),
      ),
    ).toEqual({ at: null, isInDoubt: true });
  });
});

describe('what is refused', () => {
  const windows = Compile(Windows);
  const recurrence = Compile(Recurrence);
  const good = { open: [spec([1], '22:00', '05:00')], exceptDates: ['2026-12-24'] };
  test('a good one passes', () => {
    expect(windows.Check(good)).toBe(true);
    expect(windowsProblem(good)).toBeNull();
    expect(recurrence.Check({ days: [3], at: '14:00', period: 'school' })).toBe(true);
  });
  test.each<[string, unknown]>([
    ['a field too many', { ...good, more: 1 }],
    ['an eighth day', { ...good, open: [spec([8], '22:00', '05:00')] }],
    ['a day twice', { ...good, open: [spec([1, 1], '22:00', '05:00')] }],
    ['25 o’clock', { ...good, open: [spec([1], '25:00', '05:00')] }],
    ['begins at 24:00', { ...good, open: [spec([1], '24:00', '05:00')] }],
    ['9:00 without a zero', { ...good, open: [spec([1], '9:00', '10:00')] }],
    [
      '21 windows',
      { ...good, open: Array.from({ length: 21 }, () => spec([1], '22:00', '05:00')) },
    ],
    ['a date in French', { ...good, exceptDates: ['24/12/2026'] }],
    ['a fourteenth month', { ...good, exceptDates: ['2026-14-01'] }],
  ])('by the schema: %s', (_name, value) => expect(windows.Check(value)).toBe(false));
  test.each<[string, Windows, string, string]>([
    ['none', { open: [], exceptDates: [] }, 'aucun créneau', 'no window'],
    [
      'no day',
      { ...good, open: [spec([1], '01:00', '02:00'), spec([], '22:00', '05:00')] },
      'Créneau 2 : choisissez au moins un jour',
      'Window 2: choose at least one day',
    ],
    [
      'no length',
      { ...good, open: [spec([1], '22:00', '22:00')] },
      'de 00:00 à 24:00',
      'from 00:00 to 24:00',
    ],
    [
      'class on Sunday',
      { ...good, open: [spec([7], '22:00', '23:00', 'school')] },
      'jamais classe',
      'never class',
    ],
    [
      '30 February',
      { ...good, exceptDates: ['2027-02-30'] },
      'Le 2027-02-30 n’existe pas',
      'no 2027-02-30',
    ],
  ])('with a sentence: %s', (_name, value, fr, en) => {
    expect(windows.Check(value)).toBe(true);
    expect(windowsProblem(value)?.fr).toContain(fr);
    expect(windowsProblem(value)?.en).toContain(en);
  });
  test('a repetition without a day', () => {
    expect(recurrenceProblem({ days: [], at: '14:00', period: 'always' })?.fr).toContain(
      'au moins un jour',
    );
    expect(recurrenceProblem({ days: [3], at: '14:00', period: 'always' })).toBeNull();
  });
});
