/** The reconcile loop: wake or tick → newest desired state → plan → start steps → report. A pass never waits for a step:
 *  installing takes minutes and a pupil's click must not; when a step ends, another pass follows. */
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { packagesOf } from '@preau/contract/application.ts';
import type { DesiredApplication, DesiredSession, DesiredState } from '@preau/contract/desired-state.ts';
import { AppError, type ErrorCode, errors } from '@preau/contract/errors.ts';
import { PROTOCOL } from '@preau/contract/protocol.ts';
import type { FailedStep, Report, ReportedApplication, ReportedSession } from '@preau/contract/report.ts';
import { reportEveryMs } from '@preau/contract/server.ts';
import type { Static } from 'typebox';
import { acceptState } from './accept-state.ts';
import type { ControllerLink } from './controller-link.ts';
import type { Access, Driver, Installable, SessionEvents, SessionOutcome } from './drivers/driver.ts';
import { makeFolder, names, readText, remove, writeDurably } from './files.ts';
import { type ActualApplication, type ActualSession, plan, type Step } from './reconcile/plan.ts';

export interface AgentDeps {
  serverId: string;
  stateFolder: string;
  driver: Driver;
  link: Pick<ControllerLink, 'readDesiredState' | 'sendReport' | 'sendIcon' | 'onWake'>;
  verify: (text: string, signature: string) => boolean;
  now: () => number;
  log: { info: (facts: object, text: string) => void; warn: (facts: object, text: string) => void };
}

interface LocalApplication extends ActualApplication {
  reported: Static<typeof ReportedApplication>;
}
interface LocalSession extends ActualSession {
  access: (Access & { serial: number }) | null;
  openedAt: number | null;
  outcome: SessionOutcome | null;
}

const tickMs = 2000;
const maxRetryMs = 3_600_000;

export interface Agent {
  start: () => Promise<void>;
  stop: () => Promise<void>;
}

export function createAgent(deps: AgentDeps): Agent {
  const { driver, link, log, now } = deps;
  const statePath = join(deps.stateFolder, 'desired.json');
  const sessionsFolder = join(deps.stateFolder, 'sessions');
  const epoch = randomBytes(16).toString('base64url');
  let seq = 0;
  let desired: DesiredState | null = null;
  const applications = new Map<string, LocalApplication>();
  const sessions = new Map<string, LocalSession>();
  const failures = new Map<string, FailedStep>();
  const icons = new Map<string, { hash: string; png: Buffer }>();
  const working = new Set<Promise<void>>();
  let packagesBusy = false;
  const displays = { preparing: 0, retryAt: null as number | null };
  let stopping = false;
  let passRequested = false;
  let fetchRequested = true;
  let reportRequested = true;
  let lastReportAt = 0;
  /** A state that was refused would be refused again: reports ask for it anew only from here on. A wake-up asks at once. */
  let fetchAgainAt = 0;
  let wakeLoop: () => void = () => undefined;

  const again = (ask: { fetch?: boolean; report?: boolean } = {}) => {
    passRequested = true;
    fetchRequested ||= ask.fetch === true;
    reportRequested ||= ask.report === true;
    wakeLoop();
  };

  const failed = (step: FailedStep['step'], element: string, error: unknown, retry: boolean): FailedStep => {
    const key = `${step} ${element}`;
    const attempt = (failures.get(key)?.attempt ?? 0) + 1;
    const code: ErrorCode = error instanceof AppError ? error.code : 'INTERNAL';
    const why = error instanceof AppError ? (error.details['why'] ?? errors[code].en) : error instanceof Error ? error.message : error;
    const retryAt = retry && errors[code].retryable ? now() + Math.min(30_000 * 2 ** (attempt - 1), maxRetryMs) : null;
    const entry = { step, code, element, message: String(why).slice(0, 2000), attempt, at: now(), retryAt };
    failures.set(key, entry);
    log.warn({ ...entry }, 'step failed');
    return entry;
  };
  const mended = (step: FailedStep['step'], element: string) => failures.delete(`${step} ${element}`);

  // ---- what the controller wants ------------------------------------------------------------------------------

  const fetchDesired = async () => {
    const signed = await link.readDesiredState();
    const verdict = acceptState({ serverId: deps.serverId, newestGeneration: desired?.generation ?? 0, verify: deps.verify }, signed);
    if ('refused' in verdict) {
      failed('refuse_state', `generation after ${desired?.generation ?? 0}`, new AppError(verdict.refused, { why: verdict.why }), false);
      reportRequested = true;
      fetchAgainAt = now() + reportEveryMs;
      return;
    }
    fetchAgainAt = 0;
    for (const key of failures.keys()) if (key.startsWith('refuse_state')) failures.delete(key);
    if (verdict.accepted.generation === desired?.generation) return;
    // On disk before it is obeyed: after a crash this server goes on from here, city or no city.
    writeDurably(statePath, JSON.stringify(signed));
    desired = verdict.accepted;
  };

  const recallDesired = () => {
    const text = readText(statePath);
    if (text === undefined) return;
    const verdict = acceptState({ serverId: deps.serverId, newestGeneration: 0, verify: deps.verify }, JSON.parse(text) as { document: string; signature: string });
    if ('accepted' in verdict) desired = verdict.accepted;
  };

  // ---- steps --------------------------------------------------------------------------------------------------

  const work = (task: () => Promise<void>) => {
    const promise = task().catch((error: unknown) => log.warn({ err: error }, 'a step broke')).finally(() => {
      working.delete(promise);
      again({ report: true });
    });
    working.add(promise);
  };

  const start = (step: Step) => {
    switch (step.kind) {
      case 'prepare_display':
        displays.preparing += 1;
        return work(() => prepareDisplay().finally(() => {
          displays.preparing -= 1;
        }));
      case 'install_application':
      case 'remove_application':
        packagesBusy = true;
        return work(() => changeApplication(step.kind, step.application).finally(() => {
          packagesBusy = false;
        }));
      case 'open_session':
        sessions.set(step.session.sessionId, { phase: 'opening', serial: 0, access: null, openedAt: null, outcome: null });
        return work(() => openSession(step.session, step.application));
      case 'attach_session':
        return work(() => attachSession(step.session.sessionId, step.session.attachSerial));
      case 'end_session': {
        const session = sessions.get(step.sessionId);
        if (session !== undefined) session.phase = 'ending';
        return work(() => endSession(step.sessionId));
      }
      case 'refuse_session':
        sessions.set(step.session.sessionId, { phase: 'over', serial: 0, access: null, openedAt: null, outcome: { state: 'failed', code: 'NOT_PUBLISHED_HERE', message: step.session.applicationId } });
        reportRequested = true;
    }
  };

  const prepareDisplay = async () => {
    try {
      await driver.prepareDisplay();
      displays.retryAt = null;
      mended('prepare_display', 'standby');
    } catch (error) {
      displays.retryAt = failed('prepare_display', 'standby', error, true).retryAt ?? now() + maxRetryMs;
    }
  };

  const changeApplication = async (kind: 'install_application' | 'remove_application', application: DesiredApplication) => {
    const { applicationId, versionId, slug, askedAt } = application;
    const installing = kind === 'install_application';
    const past = applications.get(applicationId);
    if (past !== undefined && past.askedAt !== askedAt) mended(kind, slug);
    const note = (state: ActualApplication['state'], reported: LocalApplication['reported']['state'], more: Partial<LocalApplication['reported']> = {}, retryAt: number | null = null) => {
      applications.set(applicationId, { versionId, state, askedAt, retryAt, reported: { applicationId, state: reported, version: null, error: null, iconHash: null, ...more } });
      again({ report: true });
    };
    try {
      // Looked at before and after: what is there is not installed twice, and exit code 0 is not proof.
      let version = await driver.detect(application);
      if ((version !== null) !== installing) {
        note(past?.state ?? 'unknown', installing ? 'installing' : 'removing');
        await change({ ...(installing ? application : withoutSharedPackages(application)), want: installing ? 'present' : 'absent' });
        version = await driver.detect(application);
      }
      if ((version !== null) !== installing) throw new AppError(installing ? 'NOT_DETECTED' : 'REMOVE_FAILED', { why: `the detection rule ${installing ? 'does not find' : 'still finds'} ${slug}` });
      mended(kind, slug);
      if (installing) note('installed', 'installed', { version, iconHash: await readIcon(application) });
      else note('absent', 'removed');
    } catch (error) {
      const failure = failed(kind, slug, error, true);
      note('failed', 'failed', { error: { code: failure.code, message: failure.message } }, failure.retryAt);
    }
  };

  const change = async (application: Installable) => {
    const key = `want-${application.slug}`;
    const refusal = driver.refuses(application);
    if (refusal !== null) throw new AppError(refusal, { why: application.slug });
    const { signal } = new AbortController();
    await driver.stage(key, [application], { kibibytesPerSecond: null, progress: () => undefined, signal });
    const [applied] = await driver.apply(key, [application], { progress: () => undefined, signal, timeoutMs: 30 * 60_000 });
    if (applied !== undefined && applied.code !== null) throw new AppError(applied.code, { why: applied.message });
    driver.discard(key);
  };

  /** What another wanted application lists too stays. */
  const withoutSharedPackages = (application: DesiredApplication): DesiredApplication => {
    const { linux } = application.recipes;
    if (linux?.kind !== 'apt') return application;
    const shared = new Set(desired?.applications.flatMap((other) => packagesOf(other.recipes.linux)));
    return { ...application, recipes: { ...application.recipes, linux: { ...linux, packages: linux.packages.filter((name) => !shared.has(name.split('=')[0] ?? name)) } } };
  };

  const readIcon = async (application: DesiredApplication): Promise<string | null> => {
    try {
      const png = await driver.readIcon(application);
      if (png === null) return null;
      const hash = createHash('sha256').update(png).digest('hex');
      icons.set(application.applicationId, { hash, png });
      mended('read_icon', application.slug);
      return hash;
    } catch (error) {
      failed('read_icon', application.slug, error, false);
      return null;
    }
  };

  const eventsOf = (sessionId: string): SessionEvents => ({
    opened: () => {
      const session = sessions.get(sessionId);
      if (session !== undefined) session.openedAt ??= now();
      again({ report: true });
    },
    over: (outcome) => {
      const session = sessions.get(sessionId);
      if (session === undefined || session.phase === 'ending' || session.phase === 'over') return;
      session.phase = 'ending';
      // Nothing of it stays while the controller has not heard yet.
      work(async () => {
        await tidyUp(sessionId);
        session.phase = 'over';
        session.access = null;
        session.outcome = outcome;
      });
    },
  });

  const openSession = async (session: DesiredSession, application: DesiredApplication) => {
    const local = sessions.get(session.sessionId);
    if (local === undefined) return;
    const journal = join(sessionsFolder, session.sessionId);
    try {
      writeDurably(journal, JSON.stringify({ applicationId: application.applicationId, at: now() }));
      await driver.openSession(session, application, eventsOf(session.sessionId));
      if (local.phase !== 'opening') return;
      local.phase = 'running';
      await grant(session.sessionId, session.attachSerial);
      mended('open_session', session.sessionId);
    } catch (error) {
      const failure = failed('open_session', session.sessionId, error, false);
      await tidyUp(session.sessionId);
      local.phase = 'over';
      local.outcome = { state: 'failed', code: failure.code, message: failure.message };
      // The session carries its own failure; a list of past ones would only grow.
      mended('open_session', session.sessionId);
    }
  };

  const grant = async (sessionId: string, serial: number) => {
    const local = sessions.get(sessionId);
    if (local === undefined || local.phase !== 'running' || local.serial >= serial) return;
    local.serial = serial;
    local.access = { ...(await driver.grantAccess(sessionId)), serial };
  };

  const attachSession = async (sessionId: string, serial: number) => {
    try {
      await grant(sessionId, serial);
      mended('attach_session', sessionId);
    } catch (error) {
      // The person asks again with a new serial: nothing to retry here.
      failed('attach_session', sessionId, error, false);
    }
  };

  /** False when something of the session is left: told, and due again at its `retryAt`. */
  const tidyUp = async (sessionId: string): Promise<boolean> => {
    try {
      await driver.endSession(sessionId);
      mended('end_session', sessionId);
      return true;
    } catch (error) {
      const { retryAt } = failed('end_session', sessionId, error, true);
      const session = sessions.get(sessionId);
      if (session !== undefined) session.retryAt = retryAt ?? now() + maxRetryMs;
      return false;
    }
  };

  const endSession = async (sessionId: string) => {
    if (await tidyUp(sessionId)) {
      remove(join(sessionsFolder, sessionId));
      sessions.delete(sessionId);
      mended('attach_session', sessionId);
      return;
    }
    const session = sessions.get(sessionId);
    if (session !== undefined) session.phase = 'over';
  };

  // ---- reports ------------------------------------------------------------------------------------------------

  const reportedSessions = (): Static<typeof ReportedSession>[] =>
    [...sessions].flatMap(([sessionId, session]): Static<typeof ReportedSession>[] => {
      if (session.outcome !== null) return [{ sessionId, ...session.outcome }];
      if (session.phase !== 'running') return [];
      const pending = session.access !== null && driver.accessPending(sessionId);
      return [{ sessionId, state: 'ready', attachment: pending ? session.access : null, openedAt: session.openedAt }];
    });

  const report = async () => {
    const steps = desired === null ? [] : plan(desired, actual(), now());
    const body: Report = {
      protocol: PROTOCOL,
      epoch,
      seq: ++seq,
      generation: steps.length === 0 && working.size === 0 ? (desired?.generation ?? 0) : Math.max((desired?.generation ?? 1) - 1, 0),
      health: { ...(await driver.health()), sessions: [...sessions.values()].filter((session) => session.phase === 'running').length },
      inventory: await driver.inventory(),
      applications: [...applications.values()].map((application) => application.reported),
      sessions: reportedSessions(),
      failedSteps: [...failures.values()].slice(-100),
      orders: [],
    };
    const reply = await link.sendReport(body);
    lastReportAt = now();
    if (reply.generation > (desired?.generation ?? 0) && now() >= fetchAgainAt) again({ fetch: true });
    for (const applicationId of reply.icons) {
      const icon = icons.get(applicationId);
      if (icon !== undefined) await link.sendIcon({ applicationId, png: icon.png.toString('base64') });
    }
  };

  const actual = () => ({ applications, sessions, displays: { ready: driver.displaysReady(), ...displays }, packagesBusy });

  // ---- the loop -----------------------------------------------------------------------------------------------

  /** One pass at a time. The controller away is no reason to stop serving: steps go on from the state on disk. */
  const pass = async () => {
    if (fetchRequested) {
      fetchRequested = false;
      await fetchDesired().catch((error: unknown) => log.info({ reason: error instanceof Error ? error.message : String(error) }, 'desired state not read'));
    }
    if (desired !== null) for (const step of plan(desired, actual(), now())) start(step);
    if (reportRequested || now() - lastReportAt >= reportEveryMs) {
      reportRequested = false;
      await report().catch((error: unknown) => {
        log.info({ reason: error instanceof Error ? error.message : String(error) }, 'report not sent');
        // Asked again at the next tick, not at once: a controller that is down is not hammered.
        lastReportAt = now() - reportEveryMs + tickMs;
      });
    }
  };

  const loop = async () => {
    while (!stopping) {
      if (!passRequested) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, tickMs);
          wakeLoop = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      passRequested = false;
      if (!stopping) await pass();
    }
  };
  let looping: Promise<void> = Promise.resolve();

  return {
    start: async () => {
      makeFolder(sessionsFolder, 0o700);
      recallDesired();
      const running = new Set(await driver.start());
      for (const sessionId of names(sessionsFolder)) {
        const alive = running.has(sessionId);
        // A password nobody has used yet is replaced; one that was used needs no other until somebody asks.
        const serial = driver.accessPending(sessionId) ? 0 : (desired?.sessions.find((session) => session.sessionId === sessionId)?.attachSerial ?? 0);
        sessions.set(sessionId, { phase: alive ? 'running' : 'over', serial, access: null, openedAt: alive ? now() : null, outcome: alive ? null : { state: 'ended', reason: 'lost' } });
        if (alive) await driver.adoptSession(sessionId, eventsOf(sessionId));
      }
      link.onWake(() => again({ fetch: true, report: true }));
      looping = loop();
      again({ fetch: true, report: true });
    },
    stop: async () => {
      stopping = true;
      wakeLoop();
      await looping;
      await Promise.allSettled([...working]);
      for (const session of sessions.values()) {
        if (session.outcome === null) session.outcome = { state: 'ended', reason: 'agent_stopped' };
        session.phase = 'over';
      }
      await driver.stop();
      await report().catch(() => undefined);
    },
  };
}
