/** When rules change, in any controller process, ends the sessions they no longer allow at once
 * instead of at the next sweep. */
import type { Platform } from '#src/platform/platform.ts';
import { weighSessions } from '#src/sessions/end-of-access.ts';
import { runAgain } from './run-again.ts';

/** Pause after each check, in ms: changes during it are checked together. */
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
