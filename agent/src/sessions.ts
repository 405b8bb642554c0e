/** People's sessions on this server: opens, attaches and ends them. After a restart it adopts those
 * that still run and reports the others as lost. */
import { join } from 'node:path';
import type { DesiredState } from '@preau/contract/desired-state.ts';
import type { OfferedFile } from '@preau/contract/exchange.ts';
import type { DisplayCredentials, ReportedSession } from '@preau/contract/report.ts';
import type { Driver, SessionEvents, SessionOutcome } from './drivers/driver.ts';
import { type Failures, maxRetryMs } from './failures.ts';
import { makeFolder, names, remove, writeDurably } from './files.ts';
import type { ActualSession, Step } from './reconcile/plan.ts';

interface LocalSession extends ActualSession {
  credentials: DisplayCredentials | null;
  openedAt: number | null;
  outcome: SessionOutcome | null;
}
type SessionStep = Extract<
  Step,
  { kind: 'open_session' | 'attach_session' | 'end_session' | 'refuse_session' }
>;

export interface Sessions {
  actual: ReadonlyMap<string, ActualSession>;
  /** Returns without waiting for the step. */
  start: (step: SessionStep) => void;
  /** Adopts sessions that still run (`alive`) and reports the others as lost. */
  recall: (alive: ReadonlySet<string>, desired: DesiredState | null) => Promise<void>;
  running: () => number;
  reported: () => ReportedSession[];
  /** Marks every session that has not ended as ended with this agent (`agent_stopped`). */
  endAll: () => void;
}

interface SessionsDeps {
  stateFolder: string;
  driver: Driver;
  now: () => number;
  failures: Failures;
  work: (task: () => Promise<void>) => void;
  tell: (when: true) => void;
  /** Files and pages that a session offers to the person's device. */
  offered: (sessionId: string) => OfferedFile[];
}

export function createSessions({
  stateFolder,
  driver,
  now,
  failures,
  work,
  tell,
  offered,
}: SessionsDeps): Sessions {
  const { failed, mended } = failures;
  const folder = join(stateFolder, 'sessions');
  const sessions = new Map<string, LocalSession>();

  const eventsOf = (sessionId: string): SessionEvents => ({
    opened: () => {
      const session = sessions.get(sessionId);
      if (session !== undefined) session.openedAt ??= now();
      tell(true);
    },
    over: (outcome) => {
      const session = sessions.get(sessionId);
      if (session === undefined || session.phase === 'ending' || session.phase === 'over') return;
      session.phase = 'ending';
      // Cleans up at once, before the controller knows that it ended.
      work(async () => {
        await tidyUp(sessionId);
        session.phase = 'over';
        session.credentials = null;
        session.outcome = outcome;
      });
    },
  });

  const open = async ({ session, application, terms }: Extract<Step, { kind: 'open_session' }>) => {
    const local = sessions.get(session.sessionId);
    if (local === undefined) return;
    try {
      writeDurably(
        join(folder, session.sessionId),
        JSON.stringify({ applicationId: application.applicationId, at: now() }),
      );
      await driver.openSession(session, application, eventsOf(session.sessionId), terms);
      if (local.phase !== 'opening') return;
      local.phase = 'running';
      await grant(session.sessionId, session.attachSerial);
      mended('open_session', session.sessionId);
    } catch (error) {
      const failure = failed('open_session', session.sessionId, error, 'no');
      await tidyUp(session.sessionId);
      local.phase = 'over';
      local.outcome = { state: 'failed', code: failure.code, message: failure.message };
      // The session's own report carries the failure; the list of failed steps would only grow.
      mended('open_session', session.sessionId);
    }
  };

  const grant = async (sessionId: string, serial: number) => {
    const local = sessions.get(sessionId);
    if (local === undefined || local.phase !== 'running' || local.serial >= serial) return;
    local.serial = serial;
    local.credentials = { ...(await driver.issueCredentials(sessionId)), serial };
  };

  const attach = async (sessionId: string, serial: number) => {
    try {
      await grant(sessionId, serial);
      mended('attach_session', sessionId);
    } catch (error) {
      // The person's next attempt has a new serial: nothing to retry here.
      failed('attach_session', sessionId, error, 'no');
    }
  };

  /** False when something of the session is left: recorded as a failed step, retried at
   * `retryAt`. */
  const tidyUp = async (sessionId: string): Promise<boolean> => {
    try {
      await driver.endSession(sessionId);
      mended('end_session', sessionId);
      return true;
    } catch (error) {
      const { retryAt } = failed('end_session', sessionId, error, 'if_useful');
      const session = sessions.get(sessionId);
      if (session !== undefined) session.retryAt = retryAt ?? now() + maxRetryMs;
      return false;
    }
  };

  const end = async (sessionId: string) => {
    if (await tidyUp(sessionId)) {
      remove(join(folder, sessionId));
      sessions.delete(sessionId);
      mended('attach_session', sessionId);
      return;
    }
    const session = sessions.get(sessionId);
    if (session !== undefined) session.phase = 'over';
  };

  return {
    actual: sessions,
    start: (step) => {
      switch (step.kind) {
        case 'open_session':
          sessions.set(step.session.sessionId, {
            phase: 'opening',
            serial: 0,
            credentials: null,
            openedAt: null,
            outcome: null,
          });
          return work(() => open(step));
        case 'attach_session':
          return work(() => attach(step.session.sessionId, step.session.attachSerial));
        case 'end_session': {
          const session = sessions.get(step.sessionId);
          if (session !== undefined) session.phase = 'ending';
          return work(() => end(step.sessionId));
        }
        case 'refuse_session':
          sessions.set(step.session.sessionId, {
            phase: 'over',
            serial: 0,
            credentials: null,
            openedAt: null,
            outcome: {
              state: 'failed',
              code: 'NOT_PUBLISHED_HERE',
              message: step.session.applicationId,
            },
          });
          tell(true);
      }
    },
    recall: async (alive, desired) => {
      makeFolder(folder, 0o700);
      for (const sessionId of names(folder)) {
        const lives = alive.has(sessionId);
        // An unused password is replaced (serial 0). After a used one, a new one is issued only on
        // request.
        const serial = driver.credentialsPending(sessionId)
          ? 0
          : (desired?.sessions.find((session) => session.sessionId === sessionId)?.attachSerial ??
            0);
        sessions.set(sessionId, {
          phase: lives ? 'running' : 'over',
          serial,
          credentials: null,
          openedAt: lives ? now() : null,
          outcome: lives ? null : { state: 'ended', reason: 'lost' },
        });
        if (lives) await driver.adoptSession(sessionId, eventsOf(sessionId));
      }
    },
    running: () => [...sessions.values()].filter(({ phase }) => phase === 'running').length,
    reported: () =>
      [...sessions].flatMap(([sessionId, session]): ReportedSession[] => {
        if (session.outcome !== null) return [{ sessionId, ...session.outcome }];
        if (session.phase !== 'running') return [];
        const pending = session.credentials !== null && driver.credentialsPending(sessionId);
        return [
          {
            sessionId,
            state: 'ready',
            attachment: pending ? session.credentials : null,
            openedAt: session.openedAt,
            offered: offered(sessionId),
          },
        ];
      }),
    endAll: () => {
      for (const session of sessions.values()) {
        session.outcome ??= { state: 'ended', reason: 'agent_stopped' };
        session.phase = 'over';
      }
    },
  };
}
