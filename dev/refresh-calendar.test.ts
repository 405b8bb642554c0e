import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { frenchCalendar } from '@preau/contract/french-calendar.ts';
import { describe, expect, test } from 'vitest';
import { calendarOf, differences, fileOf, recordsOf } from './refresh-calendar.ts';

/** In the form the ministry answers, with what makes it hard: teachers' dates, Corsica and
 * overseas, bridges that end when they begin. */
const fixture = readFileSync(join(import.meta.dirname, 'school-calendar.records.json'), 'utf8');
const records = recordsOf(fixture);
type Row = (typeof records)[number];
const head = { source: frenchCalendar.source, readOn: frenchCalendar.readOn };
const built = (rows: readonly Row[], warnings: string[] = []) =>
  calendarOf(rows, 2025, head, (text) => warnings.push(text));
/** The same records, some of them changed. */
const changed = (which: (row: Row) => boolean, change: Partial<Row>) =>
  records.map((row) => (which(row) ? { ...row, ...change } : row));
const winter = (zone: string) => (row: Row) =>
  row.description === "Vacances d'Hiver" &&
  row.zones === `Zone ${zone}` &&
  row.annee_scolaire === '2026-2027';
const summer = (row: Row) =>
  row.description === "Vacances d'Été" && row.annee_scolaire === '2026-2027';

describe('the calendar from the ministry’s records', () => {
  test('is the one in the repository, to the letter', () => {
    const warnings: string[] = [];
    const calendar = built(records, warnings);
    expect(warnings).toEqual([]);
    expect(differences(frenchCalendar, calendar)).toEqual([]);
    expect(fileOf(calendar)).toBe(
      readFileSync(join(import.meta.dirname, '../contract/src/french-calendar.ts'), 'utf8'),
    );
  });
  test('all three forms of the answer are read', () => {
    expect(recordsOf(JSON.stringify(records))).toEqual(records);
    expect(
      recordsOf(
        JSON.stringify({
          nhits: records.length,
          records: records.map((fields) => ({ datasetid: 'x', fields })),
        }),
      ),
    ).toEqual(records);
  });
  test('what changes is told, line by line', () => {
    const later = built(changed(winter('C'), { end_date: '2027-02-22T23:00:00+00:00' }));
    expect(differences(frenchCalendar, later)).toEqual([
      '- zone C  Hiver 2026-2027: 2027-02-06 to 2027-02-22',
      '+ zone C  Hiver 2026-2027: 2027-02-06 to 2027-02-23',
    ]);
  });
  test('of a weekday named as the last, the day after is free; of a Saturday, that day', () => {
    const calendar = built(changed(summer, { start_date: '2027-07-05T22:00:00+00:00' }));
    expect(calendar.schoolHolidays.A.find(({ name }) => name === 'Été 2026-2027')?.from).toBe(
      '2027-07-07',
    );
  });
  test('a summer of which only the beginning is known lasts until September', () => {
    const last = records
      .filter((row) => row.annee_scolaire !== '2027-2028')
      .map((row) =>
        summer(row)
          ? { ...row, description: "Début des Vacances d'Été", end_date: row.start_date }
          : row,
      );
    const calendar = built(last);
    expect(calendar.schoolHolidays.B.at(-1)).toEqual({
      name: 'Été 2026-2027',
      from: '2027-07-03',
      back: '2027-09-01',
    });
    expect(calendar.known.until).toBe('2027-08-31');
  });
  test('one academy that differs is told and left out', () => {
    const warnings: string[] = [];
    const third = records
      .filter(winter('A'))
      .slice(0, 1)
      .map((row) => ({ ...row, location: 'Grenoble', end_date: '2027-03-01T23:00:00+00:00' }));
    expect(differences(frenchCalendar, built([...records, ...third], warnings))).toEqual([]);
    expect(warnings.join()).toContain('Grenoble');
  });
  test('a holiday nobody knows is told and left out', () => {
    const warnings: string[] = [];
    built(
      [
        ...records,
        ...records.slice(0, 1).map((row) => ({ ...row, description: 'Semaine blanche' })),
      ],
      warnings,
    );
    expect(warnings.join()).toContain('Semaine blanche');
  });
  test('nothing of the answer but dates reaches the file', () => {
    const nasty = "Vacances d'Hiver' }]; process.exit(); //";
    expect(fileOf(built(changed(winter('A'), { description: nasty })))).toBe(
      fileOf(frenchCalendar),
    );
    expect(fileOf({ ...frenchCalendar, source: "x' + y\n`z`\\" })).toContain(
      "source: 'x\\' + y\\n`z`\\\\',",
    );
  });
});

describe('what is refused', () => {
  test.each<[string, string, RegExp]>([
    ['a page of a filter', '<html>Accès refusé</html>', /not JSON.*Accès/],
    ['another dataset', '[{"name": "x"}]', /form of the ministry/],
    [
      'a number for a date',
      JSON.stringify([{ ...records[0], start_date: 5 }]),
      /form of the ministry/,
    ],
    [
      'one page of several',
      JSON.stringify({ total_count: 900, results: records }),
      /holds \d+ of 900/,
    ],
    ['too much', `[${' '.repeat(9_000_000)}]`, /larger than/],
  ])('%s', (_name, text, why) => expect(() => recordsOf(text)).toThrow(why));

  test.each<[string, Row[], RegExp]>([
    ['nothing', [], /no holiday/],
    ['no date', changed(winter('A'), { start_date: 'soon' }), /not a date/],
    [
      'a date that does not exist',
      changed(winter('A'), { start_date: '2027-02-30' }),
      /not a date/,
    ],
    [
      'a date of another century',
      changed(winter('A'), { start_date: '1927-02-13' }),
      /out of all bounds/,
    ],
    [
      'another year’s dates',
      changed(winter('A'), { start_date: '2029-02-10', end_date: '2029-02-26' }),
      /not in that school year/,
    ],
    ['an end before the beginning', changed(winter('A'), { end_date: '2027-02-01' }), /cannot be/],
    ['half a year', changed(winter('A'), { end_date: '2027-06-30' }), /cannot be/],
    [
      'one within another',
      changed(winter('A'), { start_date: '2026-12-26', end_date: '2027-01-11' }),
      /within Noël/,
    ],
    ['a zone without winter', records.filter((row) => !winter('A')(row)), /zone A: Hiver missing/],
    [
      'a year without summer, although the next is known',
      records.filter((row) => !summer(row)),
      /Été missing/,
    ],
    [
      'a year left out',
      records.filter((row) => row.annee_scolaire !== '2026-2027'),
      /missing among/,
    ],
    [
      'a school year of two years',
      changed(winter('A'), { annee_scolaire: '2026-2028' }),
      /not a school year/,
    ],
    [
      'academies that disagree, one to one',
      changed((row) => winter('A')(row) && row.location === 'Lyon', {
        end_date: '2027-03-01T23:00:00+00:00',
      }),
      /academies differ/,
    ],
  ])('%s', (_name, rows, why) => expect(() => built(rows)).toThrow(why));
});
