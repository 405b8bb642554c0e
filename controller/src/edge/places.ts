import { AppError } from '@preau/contract/errors.ts';
import type { Places } from './verbs/verb.ts';

/** Runs `work` in one of the places, and destroys the call when it takes longer than they allow. No
 * limit when `places` is undefined. Refuses with BUSY when all are taken. */
export type TakePlace = <T>(
  places: Places | undefined,
  call: { destroy: () => unknown },
  work: () => Promise<T>,
) => Promise<T>;

export function createPlaces(): TakePlace {
  const taken = new Map<Places, number>();
  return async (places, call, work) => {
    if (places === undefined) return work();
    const now = taken.get(places) ?? 0;
    if (now >= places.most) throw new AppError('BUSY', { retryAfterS: 10 });
    taken.set(places, now + 1);
    const late =
      places.withinMs === undefined ? undefined : setTimeout(() => call.destroy(), places.withinMs);
    try {
      return await work();
    } finally {
      clearTimeout(late);
      taken.set(places, (taken.get(places) ?? 1) - 1);
    }
  };
}
