import { parse } from 'range-parser';

/** The bytes a `Range` header asks for; `end` is the last one, included. What is no single range is
 * as if nothing were asked (RFC 9110, 14.2): the whole file. Null: nothing of it exists. Pure. */
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
