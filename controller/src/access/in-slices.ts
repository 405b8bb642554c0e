/** Work over everybody, in slices, so that nobody else waits. */

/** Gives the event loop back every few milliseconds. */
export async function inSlices<T>(
  items: readonly T[],
  work: (item: T) => void,
  sliceMs = 8,
): Promise<void> {
  let began = performance.now();
  for (const item of items) {
    work(item);
    if (performance.now() - began < sliceMs) continue;
    await new Promise((resolve) => setImmediate(resolve));
    began = performance.now();
  }
}
