/** Runs the parts of a periodic job one after the other. One that fails stops no other: a single bad
 * row or file would hold up everything behind it, at every run. Throws what failed, once all have
 * run. */

/** A fault of the whole database fails every part; a log line holds so many. */
const mostTold = 5;

export async function inTurn(parts: Iterable<() => Promise<unknown>>): Promise<void> {
  const failed: unknown[] = [];
  for (const part of parts)
    try {
      await part();
    } catch (error) {
      failed.push(error);
    }
  if (failed.length === 1) throw failed[0];
  if (failed.length > 1)
    throw new AggregateError(failed.slice(0, mostTold), `${failed.length} parts of a job failed`);
}
