/** Does what becomes due by time alone. The rows say what is due, so running it twice does nothing
 * more. */
import { inTurn } from '#src/platform/in-turn.ts';
import type { Platform } from '#src/platform/platform.ts';
import { sweepAnswers } from './plan/questions/ask.ts';
import { evaluateRollout } from './run/evaluate.ts';
import type { RolloutDeps } from './run/read-facts.ts';
import { runDueSchedules } from './schedules/run-due.ts';
import { watchFleet } from './settings.ts';
import { selectActiveRolloutIds } from './store.ts';

export async function sweepRollouts(deps: RolloutDeps & Pick<Platform, 'log'>): Promise<void> {
  await inTurn([
    () => watchFleet(deps),
    () => runDueSchedules(deps),
    () => sweepAnswers(deps),
    () => evaluateActive(deps),
  ]);
}

async function evaluateActive(deps: RolloutDeps & Pick<Platform, 'log'>): Promise<void> {
  for (const id of await selectActiveRolloutIds(deps.database))
    await evaluateRollout(deps, id).catch((error: unknown) =>
      deps.log.error({ err: error, rollout: id }, 'rollout not evaluated'),
    );
}
