/** The list, begun elsewhere each day, so that every file has its turn when the time is short. */
export function fromDay<T>(list: readonly T[], day: number): T[] {
  const first = list.length === 0 ? 0 : day % list.length;
  return [...list.slice(first), ...list.slice(0, first)];
}
