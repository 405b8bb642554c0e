/** CSV for spreadsheets. A cell that a spreadsheet would treat as a formula is escaped, and a cell
 * with a separator, a quote or a line break is quoted. */
import { stringify } from 'csv-stringify/sync';

/** Semicolons, as French spreadsheets expect. `bom`: without it they do not recognise UTF-8; a
 * table written in parts has it in the first part only. */
export const toCsv = (
  rows: readonly (readonly string[])[],
  { bom = true, lineEnd }: { bom?: boolean; lineEnd: '\n' | '\r\n' },
): string =>
  stringify(
    rows.map((cells) => [...cells]),
    {
      delimiter: ';',
      bom,
      escape_formulas: true,
      record_delimiter: lineEnd,
      // Setting `record_delimiter` turns this off, and a line break in a cell would then end its
      // row.
      quote_record_delimiter: true,
    },
  );
