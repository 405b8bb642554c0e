/** Does what becomes due by time alone. The rows say what is due, so running it twice does nothing
 * more. */
import type { Platform } from '#src/platform/platform.ts';
import { sweepAnswers } from './plan/questions/ask.ts';
import { evaluateRollout } from './run/evaluate.ts';
import type { RolloutDeps } from './run/read-facts.ts';
import { runDueSchedules } from './schedules/run-due.ts';
import { watchFleet } from './settings.ts';
import { selectActiveRolloutIds } from './store.ts';

export async function sweepRollouts(deps: RolloutDeps & Pick<Platform, 'log'>): Promise<void> {
  await watchFleet(deps);
  await runDueSchedules(deps);
  await sweepAnswers(deps);
  // A rollout whose evaluation fails must not hold up the others.
  for (const id of await selectActiveRolloutIds(deps.database))
    await evaluateRollout(deps, id).catch((error: unknown) =>
      deps.log.error({ err: error, rollout: id }, 'rollout not evaluated'),
    );
}
