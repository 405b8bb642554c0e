/** Parses the bytes of a file into the lines an import is planned from. Unmapped columns (dates
 * of birth, for example) are dropped here. */
import { AppError } from '@preau/contract/errors.ts';
import { foldName } from '@preau/contract/fold.ts';
import {
  guessColumns,
  type ImportChoices,
  type ImportField,
  type ImportRole,
} from '@preau/contract/people-import.ts';
import type { Platform } from '#src/platform/platform.ts';
import { sha256 } from '#src/platform/secrets.ts';
import { breathe, isCsvError, readTable, type Table } from './csv.ts';
import type { ImportRow } from './plan-shapes.ts';

const maxLines = 200_000;

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

const refused = (fr: string, en: string, cause?: unknown) =>
  new AppError('IMPORT_REFUSED', { why: { fr, en } }, cause === undefined ? {} : { cause });

async function readLines(bytes: Buffer): Promise<{ table: Table; lines: TableLine[] }> {
  const lines: TableLine[] = [];
  try {
    const table = await readTable(bytes, (cells, at) => {
      if (lines.length >= maxLines)
        throw refused(
          `Ce fichier a plus de ${maxLines} lignes.`,
          `This file has more than ${maxLines} lines.`,
        );
      lines.push({ cells, at });
    });
    return { table, lines };
  } catch (error) {
    if (!isCsvError(error)) throw error;
    const at = typeof error.lines === 'number' ? error.lines : 0;
    throw refused(
      `Le tableau n’est plus lisible à la ligne ${at} : un guillemet n’est peut-être pas refermé.`,
      `The table cannot be read at line ${at}: a quote may not be closed.`,
      error,
    );
  }
}

/** Refuses with IMPORT_REFUSED a file that is not a table. No rows while required columns are
 * missing. */
export async function readRows(
  deps: Pick<Platform, 'secrets'>,
  bytes: Buffer,
  choices: ImportChoices,
  siteId: string | null,
): Promise<{ table: ImportTable; rows: ImportRow[] }> {
  const { table, lines } = await readLines(bytes);
  if (table.header.length === 0) throw refused('Ce fichier est vide.', 'This file is empty.');
  const { columns, absent } = columnsOf(table.header, choices.columns, siteId);
  // Children's identifiers are few enough to be guessed by trying all of them, so their
  // fingerprints need a secret salt. A salted hash is fast enough for a whole file.
  const salt = sha256(deps.secrets.sign('preau fingerprints of people'));
  const read = rowReader(
    columns,
    choices.who,
    (identifier) => `id:${sha256(`${salt} ${identifier}`).slice(0, 40)}`,
  );
  const rows: ImportRow[] = [];
  for (const line of absent.length === 0 ? lines : []) {
    rows.push(read(line));
    if (rows.length % 1000 === 0) await breathe();
  }
  const samples = lines.slice(0, 3).map(({ cells }) => cells);
  return { table: { ...table, columns, absent, lines: lines.length, samples }, rows };
}
