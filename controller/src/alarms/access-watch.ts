/** Ends sessions that a change of rules no longer allows at once, not at the next sweep, whichever
 * controller process made the change. */
import type { Platform } from '#src/platform/platform.ts';
import { weighSessions } from '#src/sessions/end-of-access.ts';
import { runAgain } from './run-again.ts';

/** Changes that follow each other within this time are looked at together. */
const restMs = 250;

export function watchAccess(deps: Platform): { close: () => Promise<void> } {
  const sessions = runAgain(
    () => weighSessions(deps, { kind: 'job', id: 'access', name: 'access' }),
    (error) => deps.log.error({ err: error }, 'sessions not weighed'),
    { restMs: () => restMs },
  );
  const stop = deps.wakeups.listen((topics) => {
    if (topics.includes('rules')) void sessions.ask();
  });
  return {
    close: () => {
      stop();
      return sessions.close();
    },
  };
}
