import { parse } from 'range-parser';

/** The bytes a `Range` header asks for; `end` is inclusive. A header that is not a single valid
 * range is ignored (RFC 9110, 14.2), which gives the whole file. Null when the range lies outside
 * the file. Pure. */
export function rangeOf(
  header: string | undefined,
  size: number,
): { start: number; end: number; whole: boolean } | null {
  const { type, code, ranges } = parse(size, header ?? '');
  const [only, ...others] = ranges;
  const isMalformed = type !== 'bytes' || (code & 1) !== 0;
  if (isMalformed || others.length > 0) return { start: 0, end: size - 1, whole: true };
  return only === undefined ? null : { ...only, whole: false };
}
