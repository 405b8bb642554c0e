/** Looks at a rollout as soon as something of it has changed, here or in another controller
 * process; what comes in the meantime is looked at once, after it. Losing a wake-up costs a sweep's
 * time. */

import type { Platform } from '#src/platform/platform.ts';
import { evaluateRollout } from '#src/rollouts/run/evaluate.ts';

/** A thousand reports in a second are a few looks, not a thousand… */
const atLeastMs = 60;
/** …and looking is a small part of what this process does, however many targets there are. */
const restPerLook = 5;

export function startLooker(deps: Platform): { close: () => Promise<void> } {
  const pending = new Map<string, { again: boolean; done: Promise<void> }>();
  let closing = false;
  const look = async (id: string) => {
    const mine = pending.get(id);
    while (mine?.again === true && !closing) {
      mine.again = false;
      const started = performance.now();
      await evaluateRollout(deps, id).catch((error: unknown) =>
        deps.log.error({ err: error, rollout: id }, 'rollout not looked at'),
      );
      const took = performance.now() - started;
      await new Promise((resolve) =>
        setTimeout(resolve, Math.max(atLeastMs - took, Math.min(took * restPerLook, 2000))),
      );
    }
    pending.delete(id);
  };
  const stop = deps.wakeups.listen((topics) => {
    for (const topic of topics) {
      if (!topic.startsWith('rollout:') || closing) continue;
      const id = topic.slice('rollout:'.length);
      const known = pending.get(id);
      if (known !== undefined) known.again = true;
      else {
        const entry = { again: true, done: Promise.resolve() };
        pending.set(id, entry);
        entry.done = look(id);
      }
    }
  });
  return {
    close: async () => {
      closing = true;
      stop();
      await Promise.all([...pending.values()].map((entry) => entry.done));
    },
  };
}
