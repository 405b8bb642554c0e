/** Advances a rollout as soon as something of it has changed, in whichever controller process.
 * Losing a wake-up costs the time until the next sweep. */

import type { Platform } from '#src/platform/platform.ts';
import { evaluateRollout } from '#src/rollouts/run/evaluate.ts';

import { runAgain } from './run-again.ts';

/** A thousand reports in a second are a few runs, not a thousand… */
const atLeastMs = 60;
/** …and they are a small part of what this process does, however many targets there are. */
const restPerRun = 5;
const longestRestMs = 2000;

export function watchRollouts(deps: Platform): { close: () => Promise<void> } {
  const rollouts = runAgain<string>(
    (id) => evaluateRollout(deps, id),
    (error, id) => deps.log.error({ err: error, rollout: id }, 'rollout not looked at'),
    {
      restMs: (tookMs) =>
        Math.max(atLeastMs - tookMs, Math.min(tookMs * restPerRun, longestRestMs)),
    },
  );
  const stop = deps.wakeups.listen((topics) => {
    for (const topic of topics)
      if (topic.startsWith('rollout:')) void rollouts.ask(topic.slice('rollout:'.length));
  });
  return {
    close: () => {
      stop();
      return rollouts.close();
    },
  };
}
