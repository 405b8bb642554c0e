/** Long computations in slices, so that other requests are served in between. */

/** Calls `work` on each item and yields to the event loop every `sliceMs` milliseconds. */
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
