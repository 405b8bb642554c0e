/** Evaluates a rollout as soon as any controller process reports a change of it. If a wake-up is
 * lost, the next sweep does it. */

import type { Platform } from '#src/platform/platform.ts';
import { considerAnswers } from '#src/rollouts/plan/questions/ask.ts';
import { evaluateRollout } from '#src/rollouts/run/evaluate.ts';

import { runAgain } from './run-again.ts';

/** Shortest time between the starts of two runs, in ms: a thousand reports in a second cause a few
 * runs. */
const atLeastMs = 60;
/** Each run is followed by a pause of this many times its duration (at most `longestRestMs`), so
 * that evaluation stays a small share of this process's load. */
const restPerRun = 5;
const longestRestMs = 2000;

export function watchRollouts(deps: Platform): { close: () => Promise<void> } {
  const rollouts = runAgain<string>(
    async (id) => {
      await considerAnswers(deps, id);
      await evaluateRollout(deps, id);
    },
    (error, id) => deps.log.error({ err: error, rollout: id }, 'rollout not evaluated'),
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
