/** Tables for spreadsheets. A cell that a spreadsheet would reckon with is shown to it as text, and a
 * cell with a separator, a quote or a line break is quoted. */
import { stringify } from 'csv-stringify/sync';

/** Semicolons, as French spreadsheets expect. `bom`: without it they take UTF-8 for something else; a
 * table written in parts has it in its first part only. */
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
      // Named line ends turn this off, and a cell with another line break would end its row.
      quote_record_delimiter: true,
    },
  );
