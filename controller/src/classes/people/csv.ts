/** Reads tables as school offices save them, in any common encoding and with any common
 * separator. Cells are always plain text. Every bound is checked before the parser builds anything
 * of what exceeds it. */
import type { ImportPreview } from '@preau/contract/people-import.ts';
import { CsvError } from 'csv-parse';
import { parse } from 'csv-parse/sync';
import { budget } from '#src/platform/budget.ts';
import { refusedFile } from './refused.ts';

export interface Table {
  encoding: ImportPreview['encoding'];
  separator: ImportPreview['separator'];
  header: string[];
}

const { lines: maxLines, columns: maxColumns } = budget.imports;
const { separators: maxSeparators, lineCharacters, cellCharacters } = budget.imports;
/** Longer cells are cut: no name is that long. */
const keptOfCell = 400;

/** The first bytes of what is saved by a spreadsheet or is a document, not a text table. */
const notTables: readonly (readonly [bytes: string, fr: string, en: string])[] = [
  ['504b0304', 'un classeur (XLSX, ODS) ou une archive', 'a workbook (XLSX, ODS) or an archive'],
  ['d0cf11e0', 'un classeur (XLS)', 'a workbook (XLS)'],
  ['25504446', 'un PDF', 'a PDF'],
  ['1f8b', 'une archive', 'an archive'],
];

function refuseOtherKinds(bytes: Uint8Array): void {
  const start = Buffer.from(bytes.subarray(0, 4)).toString('hex');
  const kind = notTables.find(([first]) => start.startsWith(first));
  if (kind === undefined) return;
  throw refusedFile(
    `Ce fichier est ${kind[1]}. Enregistrez le tableau au format CSV, puis envoyez-le.`,
    `This file is ${kind[2]}. Save the table as CSV, then send that file.`,
  );
}

/** Decodes as UTF-8 when valid, otherwise as windows-1252, in which every byte is a character. A
 * UTF-16 byte order mark decides first. */
function decodeText(bytes: Uint8Array): { text: string; encoding: ImportPreview['encoding'] } {
  const wide =
    bytes[0] === 0xff && bytes[1] === 0xfe
      ? 'utf-16le'
      : bytes[0] === 0xfe && bytes[1] === 0xff
        ? 'utf-16be'
        : null;
  if (wide !== null) return { text: new TextDecoder(wide).decode(bytes), encoding: 'utf-16' };
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), encoding: 'utf-8' };
  } catch {
    return { text: new TextDecoder('windows-1252').decode(bytes), encoding: 'windows-1252' };
  }
}

/** The separator that occurs most often in the first line, outside quotes. Pure. */
export function separatorOf(start: string): Exclude<ImportPreview['separator'], 'tab'> | '\t' {
  const line =
    /^[^\r\n]*/.exec(start.replace(/^[\uFEFF\r\n\s]*/, '').replace(/"[^"]*"/g, ''))?.[0] ?? '';
  const counted = ([';', '\t', ',', '|'] as const).map((sign) => ({
    sign,
    count: line.split(sign).length - 1,
  }));
  return counted.reduce((best, next) => (next.count > best.count ? next : best)).sign;
}

const signs = { zero: 0, lineFeed: 10, carriageReturn: 13 };

/** Refuses lines that no table has, by looking at each character once. */
function checkLines(text: string, delimiter: string): void {
  const separator = delimiter.charCodeAt(0);
  let [line, start, separators] = [1, 0, 0];
  for (let at = 0; at < text.length; at += 1) {
    const sign = text.charCodeAt(at);
    if (sign === signs.lineFeed || sign === signs.carriageReturn) {
      if (!(sign === signs.carriageReturn && text.charCodeAt(at + 1) === signs.lineFeed)) line += 1;
      [start, separators] = [at + 1, 0];
    } else if (sign === separator) {
      separators += 1;
      if (separators > maxSeparators) throw tooManyColumns(line);
    } else if (sign === signs.zero) throw notText(line, at - start + 1);
    if (at - start >= lineCharacters) throw tooLong(line, separators + 1, lineCharacters);
  }
}

const tooManyColumns = (line: number) =>
  refusedFile(
    `Ligne ${line} : plus de ${maxColumns} colonnes. Enregistrez le tableau avec les seules ` +
      'colonnes utiles.',
    `Line ${line}: more than ${maxColumns} columns. Save the table with the useful columns only.`,
  );
const notText = (line: number, sign: number) =>
  refusedFile(
    `Ligne ${line}, caractère ${sign} : ce n’est pas du texte (octet nul). Enregistrez le tableau ` +
      'au format CSV, encodage UTF-8.',
    `Line ${line}, character ${sign}: this is not text (a zero byte). Save the table as CSV, ` +
      'encoded as UTF-8.',
  );
const tooLong = (line: number, column: number, most: number) =>
  refusedFile(
    `Ligne ${line}, colonne ${column} : plus de ${most} caractères d’un trait. Un guillemet n’est ` +
      'peut-être pas refermé, ou ce fichier n’est pas un tableau.',
    `Line ${line}, column ${column}: more than ${most} characters on end. A quote may not be ` +
      'closed, or this file is not a table.',
  );

/** Calls `row` for each line after the header; `at` is the line's number in the file, as an
 * editor counts it. Refuses with IMPORT_REFUSED. */
export function readTable(bytes: Uint8Array, row: (cells: string[], at: number) => void): Table {
  refuseOtherKinds(bytes);
  const { text, encoding } = decodeText(bytes);
  const delimiter = separatorOf(text.slice(0, 20_000));
  checkLines(text, delimiter);
  let header: string[] | null = null;
  let lines = 0;
  const take = (record: string[], at: number): void => {
    if (record.length > maxColumns) throw tooManyColumns(at);
    const absurd = record.findIndex((cell) => cell.length > cellCharacters);
    if (absurd >= 0) throw tooLong(at, absurd + 1, cellCharacters);
    const cells = record.map((cell) => cell.slice(0, keptOfCell));
    if (header === null) {
      header = cells;
      return;
    }
    lines += 1;
    if (lines > maxLines)
      throw refusedFile(
        `Ligne ${at} : ce fichier a plus de ${maxLines} lignes. Envoyez-le en plusieurs fichiers.`,
        `Line ${at}: this file has more than ${maxLines} lines. Send it as several files.`,
      );
    row(cells, at);
  };
  try {
    parse(text, {
      delimiter,
      bom: true,
      relax_column_count: true,
      relax_quotes: true,
      skip_empty_lines: true,
      skip_records_with_empty_values: true,
      max_record_size: lineCharacters,
      trim: true,
      // Nothing is collected: rows are taken one by one.
      on_record: (record: string[], { lines: at }) => {
        take(record, at);
        return null;
      },
    });
  } catch (error) {
    throw error instanceof CsvError ? unreadable(error) : error;
  }
  return { encoding, separator: delimiter === '\t' ? 'tab' : delimiter, header: header ?? [] };
}

function unreadable(error: CsvError): Error {
  const number = (value: unknown) => (typeof value === 'number' ? value : 0);
  const [line, column] = [number(error.lines), number(error.index) + 1];
  return refusedFile(
    `Ligne ${line}, colonne ${column} : le tableau n’est plus lisible. Un guillemet n’est ` +
      'peut-être pas refermé.',
    `Line ${line}, column ${column}: the table cannot be read any further. A quote may not be ` +
      'closed.',
    error,
  );
}
