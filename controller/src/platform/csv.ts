/** CSV for spreadsheets. A cell that a spreadsheet would treat as a formula is escaped, and a cell
 * with a separator, a quote or a line break is quoted. */
import { setImmediate as breathe } from 'node:timers/promises';
import { stringify } from 'csv-stringify/sync';

type LineEnd = '\n' | '\r\n';
const atOnce = 1000;

/** A thousand lines at a time; others have their turn in between. */
export async function toCsv(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  lineEnd: LineEnd,
): Promise<string> {
  // Without the mark, spreadsheets do not recognise UTF-8.
  const parts = [written([head], { bom: true, lineEnd })];
  for (let at = 0; at < rows.length; at += atOnce) {
    parts.push(written(rows.slice(at, at + atOnce), { bom: false, lineEnd }));
    await breathe();
  }
  return parts.join('');
}

/** Semicolons, as French spreadsheets expect. */
const written = (
  rows: readonly (readonly string[])[],
  { bom, lineEnd }: { bom: boolean; lineEnd: LineEnd },
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
