/** Reading a plan again while schools' servers answer it. */
import type { Rollout } from '@preau/contract/rollout.ts';
import { call } from '../lib/api.ts';

const everyMs = 700;

/** Whether servers still have time to answer: a start would be refused. */
export const isAsking = (rollout: Rollout | null): boolean =>
  (rollout?.asking?.until ?? null) !== null;

/** Reads the rollout again until nobody has time left. Call during component set-up. */
export function followAnswers(
  rollout: () => Rollout | null,
  onread: (rollout: Rollout) => void,
): void {
  $effect(() => {
    const followed = rollout();
    if (followed === null || !isAsking(followed)) return;
    const timer = setTimeout(() => {
      void call('readRollout', { params: { id: followed.id } }).then(
        (read) => {
          if (rollout()?.id === read.id) onread(read);
        },
        () => undefined,
      );
    }, everyMs);
    return () => clearTimeout(timer);
  });
}
