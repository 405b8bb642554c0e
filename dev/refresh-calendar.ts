/** `npm run refresh-calendar`: reads the ministry's school calendar, prints the changes, and writes
 * contract/src/french-calendar.ts.
 *
 *    npm run refresh-calendar -- [--from URL|FILE] [--source TEXT] [--dry-run]
 *
 *  The response is not trusted: its size is limited, it is checked, and only its dates are written;
 *  names are ours. Any inconsistency stops the command and leaves the file as it was.
 *  docs/runbooks/school-calendar.md */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import {
  type Calendar,
  type Holiday,
  type HolidayZone,
  holidayZones,
} from '@preau/contract/calendar.ts';
import { dateOfDay, dayOfDate, weekdayOf } from '@preau/contract/days.ts';
import { frenchCalendar } from '@preau/contract/french-calendar.ts';
import Holidays from 'date-holidays';
import { Temporal } from 'temporal-polyfill';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';

/** The calendar is only read forward, so the ministry's older years are not requested. */
const address =
  'https://data.education.gouv.fr/api/explore/v2.1/catalog/datasets/fr-en-calendrier-sc' +
  "olaire/exports/json?where=start_date%20%3E%3D%20date'2025-09-01'";
const maxBytes = 8 * 1024 * 1024;
const maxRecords = 20_000;

/** One line of the dataset. `start_date` and `end_date` are midnights in Paris, written in UTC; the
 * end is the day classes begin again. Unknown fields are ignored. */
const Record_ = Type.Object({
  description: Type.String({ maxLength: 200 }),
  start_date: Type.String({ maxLength: 40 }),
  end_date: Type.Union([Type.String({ maxLength: 40 }), Type.Null()]),
  zones: Type.Union([Type.String({ maxLength: 80 }), Type.Null()]),
  annee_scolaire: Type.Union([Type.String({ maxLength: 20 }), Type.Null()]),
  population: Type.Union([Type.String({ maxLength: 80 }), Type.Null()]),
  location: Type.Union([Type.String({ maxLength: 120 }), Type.Null()]),
});
type CalendarRecord = Type.Static<typeof Record_>;
const Records = Type.Array(Record_, { maxItems: maxRecords });
/** The three accepted formats: the exported dataset, and the records API in version 2 and version
 * 1. */
const Answer = Compile(
  Type.Union([
    Records,
    Type.Object({ total_count: Type.Integer(), results: Records }),
    Type.Object({
      nhits: Type.Integer(),
      records: Type.Array(Type.Object({ fields: Record_ }), { maxItems: maxRecords }),
    }),
  ]),
);

/** The data are wrong; the message is for the person who runs the command. */
export class Refused extends Error {}

/** The records of an answer in any of the three formats. */
export function recordsOf(text: string): CalendarRecord[] {
  if (Buffer.byteLength(text) > maxBytes)
    throw new Refused(`The answer is larger than ${maxBytes} bytes.`);
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new Refused(
      `The answer is not JSON; it begins with ${JSON.stringify(text.slice(0, 60))}.`,
    );
  }
  if (!Answer.Check(answer)) {
    const [issue] = Answer.Errors(answer);
    throw new Refused(
      `The answer does not have the form of the ministry's dataset: ` +
        `${issue?.instancePath || 'at the top'} ${issue?.message ?? ''}`,
    );
  }
  if (Array.isArray(answer)) return answer;
  const [records, count] =
    'results' in answer
      ? [answer.results, answer.total_count]
      : [answer.records.map(({ fields }) => fields), answer.nhits];
  if (count !== records.length)
    throw new Refused(
      `The answer holds ${records.length} of ${count} records: ask for the export of the whole ` +
        'dataset, not for one page of it.',
    );
  return records;
}

const names: readonly [RegExp, string][] = [
  [/toussaint/i, 'Toussaint'],
  [/no[eë]l/i, 'Noël'],
  [/hiver/i, 'Hiver'],
  [/printemps/i, 'Printemps'],
  [/[ée]t[ée]\b|[ée]t[ée]$/i, 'Été'],
  [/^pont\b.*ascension/i, 'Pont de l’Ascension'],
];
/** Every complete year has these four; a year without them is a mistake, or not published yet. */
const everyYear = ['Toussaint', 'Noël', 'Hiver', 'Printemps'];

function dateInParis(text: string, what: string): number {
  let date = '';
  try {
    date =
      text.length === 10
        ? Temporal.PlainDate.from(text).toString()
        : Temporal.Instant.from(text).toZonedDateTimeISO('Europe/Paris').toPlainDate().toString();
  } catch {
    throw new Refused(`${what}: ${JSON.stringify(text)} is not a date.`);
  }
  if (date < '2015-01-01' || date > '2045-01-01')
    throw new Refused(`${what}: ${date} is out of all bounds.`);
  return dayOfDate(date);
}

interface Dated {
  zone: HolidayZone;
  year: string;
  name: string;
  from: number;
  back: number;
  hasEnd: boolean;
  academy: string;
}

/** First day without class and the day it begins again. The ministry: "one leaves after the class
 * of the day named, class begins in the morning of the day named". A Saturday or Sunday named is
 * free already; of a weekday named, the day after is the first. */
function datedOf(record: CalendarRecord, zone: HolidayZone, year: string, name: string): Dated {
  const what = `${record.description} ${year}, zone ${zone}, ${record.location ?? '?'}`;
  const named = dateInParis(record.start_date, what);
  const end = record.end_date === null ? named : dateInParis(record.end_date, what);
  const head = { zone, year, name, academy: record.location ?? '?' };
  // A bridge day starts and ends on the same day, which is itself free; of the summer only the
  // beginning is known, and class begins again in September at the earliest.
  const from =
    weekdayOf(named) > 5 || (name.startsWith('Pont') && end === named) ? named : named + 1;
  const hasEnd = end !== named;
  const back = hasEnd
    ? end
    : name === 'Été'
      ? dayOfDate(`${dateOfDay(named).slice(0, 4)}-09-01`)
      : named + 1;
  if (back <= from || back - from > 80)
    throw new Refused(`${what}: from ${dateOfDay(from)} to ${dateOfDay(back)} cannot be.`);
  if (Math.abs(from - dayOfDate(`${year.slice(5)}-01-01`)) > 260)
    throw new Refused(`${what}: ${dateOfDay(from)} is not in that school year.`);
  return { ...head, from, back, hasEnd };
}

/** Academies of one zone have the same dates. Where one differs, the majority decides and the
 * differences are reported. */
function agreed(dated: readonly Dated[], warn: (text: string) => void): Dated {
  const votes = Map.groupBy(dated, ({ from, back }) => `${from} ${back}`);
  const [most, second] = [...votes.values()].toSorted((a, b) => b.length - a.length);
  const [winner] = most ?? [];
  if (winner === undefined || most === undefined) throw new Refused('No dates to agree on.');
  const told = ({ from, back, academy }: Dated) =>
    `${academy}: ${dateOfDay(from)} to ${dateOfDay(back)}`;
  if (second !== undefined && second.length === most.length)
    throw new Refused(
      `${winner.name} ${winner.year}, zone ${winner.zone}: academies differ, and as many say the ` +
        `one as the other (${[winner, ...second].map(told).join('; ')}).`,
    );
  for (const other of dated)
    if (!most.includes(other))
      warn(
        `${other.name} ${other.year}, zone ${other.zone}: ${told(other)} differs from the others of ` +
          'its zone and is left out',
      );
  return winner;
}

/** Pupils' holidays of the zones A, B and C. */
function readRecords(
  records: readonly CalendarRecord[],
  firstYear: number,
  warn: (text: string) => void,
): Dated[] {
  const found: Dated[] = [];
  const unknown = new Set<string>();
  for (const record of records) {
    const zone = holidayZones.find((each) => record.zones === `Zone ${each}`);
    // Corsica and overseas have other zones; teachers' dates are not the pupils'.
    if (zone === undefined || /enseignant/i.test(record.population ?? '')) continue;
    const year = /^(20\d\d)-(20\d\d)$/.exec(record.annee_scolaire ?? '');
    if (year === null || Number(year[2]) !== Number(year[1]) + 1)
      throw new Refused(`${JSON.stringify(record.annee_scolaire)} is not a school year.`);
    if (Number(year[1]) < firstYear) continue;
    const name = names.find(([pattern]) => pattern.test(record.description))?.[1];
    if (name === undefined) unknown.add(record.description);
    else found.push(datedOf(record, zone, year[0], name));
  }
  for (const description of unknown)
    warn(`left out, since it is not a holiday we know: ${JSON.stringify(description)}`);
  return found;
}

/** Each zone must have every holiday of every year; of the `last` year, the summer is not known
 * yet. */
function mustBeComplete(holidays: readonly Dated[], years: readonly string[], last: string): void {
  for (const year of years)
    for (const zone of holidayZones) {
      const has = holidays
        .filter((each) => each.year === year && each.zone === zone)
        .map(({ name }) => name);
      const missing = [...everyYear, ...(year === last ? [] : ['Été'])].filter(
        (name) => !has.includes(name),
      );
      if (missing.length > 0)
        throw new Refused(`${year}, zone ${zone}: ${missing.join(', ')} missing.`);
    }
}

/** Sorted holidays of one zone: none may begin within another. */
function mustBeInOrder(holidays: readonly Dated[], warn: (text: string) => void): void {
  for (const [at, { name, year, zone, from, back }] of holidays.entries()) {
    const before = holidays[at - 1];
    if (before !== undefined && from < before.back)
      throw new Refused(
        `${name} ${year}, zone ${zone}, begins on ${dateOfDay(from)}, within ${before.name} (until ` +
          `${dateOfDay(before.back)}).`,
      );
    if (name.startsWith('Pont')) continue;
    if (weekdayOf(from) !== 6)
      warn(`${name} ${year}, zone ${zone}, begins on a weekday: ${dateOfDay(from)}`);
    if (weekdayOf(back) > 5)
      warn(`${name} ${year}, zone ${zone}: class begins again on a weekend: ${dateOfDay(back)}`);
  }
}

/** Builds the calendar from the records, from the school year of `firstYear` (2025 is 2025-2026)
 * on. Pure. */
export function calendarOf(
  records: readonly CalendarRecord[],
  firstYear: number,
  head: { source: string; readOn: string },
  warn: (text: string) => void,
): Calendar {
  const byHoliday = [
    ...Map.groupBy(
      readRecords(records, firstYear, warn),
      ({ zone, year, name }) => `${zone} ${year} ${name}`,
    ).values(),
  ]
    .map((dated) => agreed(dated, warn))
    .toSorted((a, b) => a.from - b.from);
  const years = [...new Set(byHoliday.map(({ year }) => year))].toSorted();
  const [first, last] = [years[0], years.at(-1)];
  if (first === undefined || last === undefined)
    throw new Refused(`There is no holiday of the zones A, B and C from ${firstYear} on.`);
  if (Number(last.slice(0, 4)) - Number(first.slice(0, 4)) !== years.length - 1)
    throw new Refused(`A school year is missing among ${years.join(', ')}.`);
  mustBeComplete(byHoliday, years, last);
  const of = (zone: HolidayZone) => byHoliday.filter((each) => each.zone === zone);
  for (const zone of holidayZones) mustBeInOrder(of(zone), warn);
  const written = (zone: HolidayZone): Holiday[] =>
    of(zone).map(({ name, year, from, back }) => ({
      name: `${name} ${year}`,
      from: dateOfDay(from),
      back: dateOfDay(back),
    }));
  // If the end of the last summer is unknown, the calendar ends with the last known day; the next
  // school year's data bring the rest.
  const until =
    Math.min(...holidayZones.map((zone) => Math.max(...of(zone).map(({ back }) => back)))) - 1;
  const civilYears = Array.from(
    { length: Number(last.slice(5)) - firstYear + 1 },
    (_, at) => firstYear + at,
  );
  return {
    ...head,
    known: { from: `${first.slice(0, 4)}-09-01`, until: dateOfDay(until) },
    schoolHolidays: { A: written('A'), B: written('B'), C: written('C') },
    publicHolidays: civilYears.flatMap(publicHolidaysOf),
  };
}

function publicHolidaysOf(year: number): { date: string; name: string }[] {
  const found = new Holidays('FR')
    .getHolidays(year, 'fr')
    .filter(({ type }) => type === 'public')
    .map(({ date, name }) => ({ date: date.slice(0, 10), name }));
  if (found.length !== 11)
    throw new Refused(
      `${year} should have the eleven public holidays of the labour code, not ${found.length}.`,
    );
  return found;
}

/** The changes, one per line. */
export function differences(before: Calendar, after: Calendar): string[] {
  const lines = (calendar: Calendar) => [
    ...holidayZones.flatMap((zone) =>
      calendar.schoolHolidays[zone].map(
        ({ name, from, back }) => `zone ${zone}  ${name}: ${from} to ${back}`,
      ),
    ),
    ...calendar.publicHolidays.map(({ date, name }) => `${date}  ${name}`),
    `known from ${calendar.known.from} until ${calendar.known.until}`,
  ];
  const [old, young] = [lines(before), lines(after)];
  return [
    ...old.filter((line) => !young.includes(line)).map((line) => `- ${line}`),
    ...young.filter((line) => !old.includes(line)).map((line) => `+ ${line}`),
  ];
}

const quoted = (text: string) =>
  `'${JSON.stringify(text).slice(1, -1).replaceAll("'", "\\'").replaceAll('\\"', '"')}'`;

/** The file as it is committed. */
export function fileOf({
  source,
  readOn,
  known,
  schoolHolidays,
  publicHolidays,
}: Calendar): string {
  const zones = holidayZones.map((zone) => {
    const rows = schoolHolidays[zone].map(
      ({ name, from, back }) =>
        `      { name: ${quoted(name)}, from: '${from}', back: '${back}' },\n`,
    );
    return `    ${zone}: [\n${rows.join('')}    ],\n`;
  });
  return `/** School holidays of the zones A, B and C, and public holidays. Written by \`npm run
 * refresh-calendar\`: change nothing by hand. */
import type { Calendar } from './calendar.ts';

// biome-ignore format: a table
export const frenchCalendar: Calendar = {
  source: ${quoted(source)},
  readOn: '${readOn}',
  known: { from: '${known.from}', until: '${known.until}' },
  schoolHolidays: {
${zones.join('')}  },
  publicHolidays: [
${publicHolidays.map(({ date, name }) => `    { date: '${date}', name: ${quoted(name)} },\n`).join('')}  ],
};
`;
}

async function textAt(from: string): Promise<string> {
  if (!/^[a-z]+:\/\//i.test(from)) {
    if (statSync(from).size > maxBytes)
      throw new Refused(`${from} is larger than ${maxBytes} bytes.`);
    return readFileSync(from, 'utf8');
  }
  if (!from.startsWith('https://'))
    throw new Refused(`${from} is not an https address: on the way anyone could change its dates.`);
  const answer = await fetch(from, {
    signal: AbortSignal.timeout(60_000),
    headers: { accept: 'application/json' },
  });
  if (!answer.ok || answer.body === null) throw new Refused(`${from} answered ${answer.status}.`);
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of answer.body) {
    size += part.byteLength;
    if (size > maxBytes) throw new Refused(`${from} sends more than ${maxBytes} bytes.`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      from: { type: 'string', default: address },
      source: { type: 'string' },
      'dry-run': { type: 'boolean', default: false },
    },
  });
  const file = join(import.meta.dirname, '../contract/src/french-calendar.ts');
  const today = new Date().toISOString().slice(0, 10);
  const source = (
    values.source ??
    (values.from === address
      ? 'Ministère de l’Éducation nationale, « Calendrier scolaire », data.education.gouv.fr'
      : values.from)
  ).slice(0, 300);
  const firstYear = Number(frenchCalendar.known.from.slice(0, 4));
  const calendar = calendarOf(
    recordsOf(await textAt(values.from)),
    firstYear,
    { source, readOn: today },
    (text) => console.log(`! ${text}`),
  );
  if (calendar.known.until < frenchCalendar.known.until)
    throw new Refused(
      `These data end on ${calendar.known.until}, ours on ${frenchCalendar.known.until}: nothing is gained by them.`,
    );
  const changes = differences(frenchCalendar, calendar);
  console.log(changes.length === 0 ? 'No date changes.' : changes.join('\n'));
  if (values['dry-run']) return;
  writeFileSync(file, fileOf(calendar));
  console.log(
    `${relative(process.cwd(), file)} is written; it is known until ${calendar.known.until}. ` +
      'Look at the changes, run npm test -- --quick, and commit.',
  );
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    console.error(
      error instanceof Refused ||
        (error instanceof Error && 'code' in error) ||
        error instanceof TypeError
        ? `Refused: ${error.message}${error.cause instanceof Error ? ` (${error.cause.message})` : ''}` +
            `\nNothing was changed.`
        : error,
    );
    process.exitCode = 1;
  }
}
