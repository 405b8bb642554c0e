/** For code of a page that could not be fetched. Browsers remember a module that failed and do not
 * ask for it again: once the city answers, the whole page is loaded anew. That also helps after an
 * update, when the file is no longer there. */
import { call, Refused } from '../lib/api.ts';

const key = 'preau-reloaded-at';
/** A file that never comes must not reload the page for ever. */
const notAgainWithinMs = 30_000;

export async function reloadWhenBack(): Promise<void> {
  const answers = await call('me').then(
    () => true,
    (error: unknown) => error instanceof Refused && error.code === 'NOT_SIGNED_IN',
  );
  const last = Number(sessionStorage.getItem(key) ?? 0);
  if (!answers || Date.now() - last < notAgainWithinMs) return;
  sessionStorage.setItem(key, String(Date.now()));
  location.reload();
}
