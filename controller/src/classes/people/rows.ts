/** Parses the bytes of a file into the lines an import is planned from. Unmapped columns (dates
 * of birth, for example) are dropped here. */
import { foldName } from '@preau/contract/fold.ts';
import {
  guessColumns,
  type ImportChoices,
  type ImportField,
  type ImportRole,
} from '@preau/contract/people-import.ts';
import { sha256 } from '#src/platform/secrets.ts';
import { readTable, type Table } from './csv.ts';
import type { ImportRow } from './plan-shapes.ts';
import { refusedFile } from './refused.ts';

export interface ImportTable extends Table {
  samples: string[][];
  columns: (ImportField | null)[];
  absent: ImportField[];
  lines: number;
}
interface TableLine {
  cells: string[];
  /** Line number in the file. */
  at: number;
}

/** The role in a cell of the column `role`; `otherwise` when it is not recognised. */
export function roleOf(text: string, otherwise: ImportRole): ImportRole {
  const folded = foldName(text);
  if (/^(eleve|pupil|student)/.test(folded)) return 'pupil';
  if (/^(ens|prof|maitre|directeur|directrice|teacher|instit)/.test(folded)) return 'teacher';
  return otherwise;
}

/** Which field each column holds, and which required fields have no column. `siteId` null: lines
 * must name their school. */
export function columnsOf(
  header: readonly string[],
  chosen: ImportChoices['columns'],
  siteId: string | null,
): Pick<ImportTable, 'columns' | 'absent'> {
  const named = chosen ?? guessColumns(header);
  const columns = header.map((_, at) => named[at] ?? null);
  const needed: ImportField[] =
    siteId === null ? ['lastName', 'firstName', 'uai'] : ['lastName', 'firstName'];
  return { columns, absent: needed.filter((field) => !columns.includes(field)) };
}

/** Returns a function that reads one line; `fingerprint` pseudonymises identifiers. */
function rowReader(
  columns: ImportTable['columns'],
  who: ImportRole,
  fingerprint: (identifier: string) => string,
): (line: TableLine) => ImportRow {
  const at = (field: ImportField) => columns.indexOf(field);
  const columnAt = {
    lastName: at('lastName'),
    firstName: at('firstName'),
    className: at('className'),
    level: at('level'),
    externalId: at('externalId'),
    uai: at('uai'),
    siteName: at('siteName'),
    city: at('city'),
    role: at('role'),
    mail: at('mail'),
  };
  return ({ cells, at: line }) => {
    const cell = (field: ImportField) => cells[columnAt[field]] ?? '';
    const identifier = cell('externalId').replace(/\s+/g, '').toUpperCase();
    return {
      line,
      lastName: cell('lastName'),
      firstName: cell('firstName'),
      className: cell('className'),
      level: cell('level'),
      externalId: identifier === '' ? null : fingerprint(identifier),
      uai: cell('uai'),
      siteName: cell('siteName'),
      city: cell('city'),
      role: roleOf(cell('role'), who),
      mail: cell('mail'),
    };
  };
}

/** No rows while required columns are missing. `salt`: children's identifiers are few enough to be
 * guessed by trying all of them, so their fingerprints need a secret. Refuses with IMPORT_REFUSED
 * a file that is not a table. */
export function readRows(
  bytes: Uint8Array,
  choices: ImportChoices,
  siteId: string | null,
  salt: string,
): { table: ImportTable; rows: ImportRow[] } {
  const lines: TableLine[] = [];
  const table = readTable(bytes, (cells, at) => lines.push({ cells, at }));
  if (table.header.length === 0)
    throw refusedFile(
      'Ce fichier est vide. Choisissez le tableau que vous avez enregistré.',
      'This file is empty. Choose the table that you have saved.',
    );
  const { columns, absent } = columnsOf(table.header, choices.columns, siteId);
  const read = rowReader(
    columns,
    choices.who,
    // A salted hash is fast enough for a whole file.
    (identifier) => `id:${sha256(`${salt} ${identifier}`).slice(0, 40)}`,
  );
  const rows = absent.length === 0 ? lines.map(read) : [];
  const samples = lines.slice(0, 3).map(({ cells }) => cells);
  return { table: { ...table, columns, absent, lines: lines.length, samples }, rows };
}
