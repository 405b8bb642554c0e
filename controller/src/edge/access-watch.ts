/** Rules have changed, here or in another controller process: sessions that they end are ended at
 * once, not at the next sweep. */
import type { Platform } from '#src/platform/platform.ts';
import { weighSessions } from '#src/sessions/end-of-access.ts';

/** What is saved in the meantime is looked at once, after it. */
const restMs = 250;

export function watchAccess(deps: Platform): { close: () => Promise<void> } {
  let asked = false;
  let working: Promise<void> | null = null;
  let closing = false;
  const work = async () => {
    while (asked && !closing) {
      asked = false;
      await weighSessions(deps, { kind: 'job', id: 'access', name: 'access' }).catch(
        (error: unknown) => deps.log.error({ err: error }, 'sessions not weighed'),
      );
      await new Promise((resolve) => setTimeout(resolve, restMs));
    }
    working = null;
  };
  const stop = deps.wakeups.listen((topics) => {
    if (!topics.includes('rules')) return;
    asked = true;
    working ??= work();
  });
  return {
    close: async () => {
      closing = true;
      stop();
      await working;
    },
  };
}
