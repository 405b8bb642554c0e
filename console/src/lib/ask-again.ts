/** A device that changes networks, or whose network changes, loses the requests on their way. What
 * only reads is asked once more; what writes may have arrived, and is not. */
export async function askAgain<T>(
  ask: () => Promise<T>,
  method: string,
  afterMs = 300,
): Promise<T> {
  if (method !== 'GET') return ask();
  try {
    return await ask();
  } catch {
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    return ask();
  }
}
