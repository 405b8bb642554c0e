/** One range of bytes; what is not one is as if it were not asked (RFC 9110, 14.2). Null: nothing
 * of it exists. Pure. */
export function rangeOf(
  header: string | undefined,
  size: number,
): { start: number; end: number; whole: boolean } | null {
  const parts = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '');
  const [from, to] = [parts?.[1] ?? '', parts?.[2] ?? ''];
  if (from === '' && to === '') return { start: 0, end: size - 1, whole: true };
  const start = from === '' ? Math.max(size - Number(to), 0) : Number(from);
  const end = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (from !== '' && to !== '' && Number(to) < start)
    return { start: 0, end: size - 1, whole: true };
  return start > end ? null : { start, end, whole: false };
}
