/** Reads tables as school offices save them, in any common encoding and with any common
 * separator. Cells are always plain text. */
import { Readable } from 'node:stream';
import type { ImportPreview } from '@preau/contract/people-import.ts';
import { CsvError, parse } from 'csv-parse';

export interface Table {
  encoding: ImportPreview['encoding'];
  separator: ImportPreview['separator'];
  header: string[];
}

const maxColumns = 200;
const maxCell = 400;
const chunkSize = 65_536;
export const breathe = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Decodes as UTF-8 when valid, otherwise as windows-1252, in which every byte is a character. A
 * UTF-16 byte order mark decides first. */
async function decodeText(
  bytes: Buffer,
): Promise<{ text: string[]; encoding: ImportPreview['encoding'] }> {
  const wide =
    bytes[0] === 0xff && bytes[1] === 0xfe
      ? 'utf-16le'
      : bytes[0] === 0xfe && bytes[1] === 0xff
        ? 'utf-16be'
        : null;
  const all = async (label: string, fatal: boolean): Promise<string[]> => {
    const decoder = new TextDecoder(label, { fatal });
    const text: string[] = [];
    for (let at = 0; at < bytes.length; at += chunkSize) {
      text.push(decoder.decode(bytes.subarray(at, at + chunkSize), { stream: true }));
      await breathe();
    }
    return [...text, decoder.decode()];
  };
  if (wide !== null) return { text: await all(wide, false), encoding: 'utf-16' };
  try {
    return { text: await all('utf-8', true), encoding: 'utf-8' };
  } catch {
    return { text: await all('windows-1252', false), encoding: 'windows-1252' };
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

/** Calls `row` for each line after the header; `at` is the line's number in the file, as an
 * editor counts it. Throws CsvError. */
export async function readTable(
  bytes: Buffer,
  row: (cells: string[], at: number) => void,
): Promise<Table> {
  const { text, encoding } = await decodeText(bytes);
  const delimiter = separatorOf(`${text[0] ?? ''}${text[1] ?? ''}`.slice(0, 20_000));
  const parser = parse({
    delimiter,
    bom: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    skip_records_with_empty_values: true,
    info: true,
    max_record_size: 100_000,
    trim: true,
  });
  let header: string[] | null = null;
  // Overlong cells are cut, not refused: no name is that long.
  const tidy = (cells: string[]) =>
    cells.slice(0, maxColumns).map((cell) => cell.slice(0, maxCell));
  let count = 0;
  for await (const { record, info } of Readable.from(text).pipe(parser) as AsyncIterable<{
    record: string[];
    info: { lines: number };
  }>) {
    if (header === null) header = tidy(record);
    else row(tidy(record), info.lines);
    count += 1;
    if (count % 500 === 0) await breathe();
  }
  return { encoding, separator: delimiter === '\t' ? 'tab' : delimiter, header: header ?? [] };
}

export const isCsvError = (error: unknown): error is CsvError => error instanceof CsvError;
