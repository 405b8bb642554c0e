/** The reconcile loop: wake or tick → newest desired state → plan → start steps → report. A pass
 * never waits for a step: installing takes minutes and a pupil's click must not; when a step ends,
 * another pass follows. */
import { randomBytes } from 'node:crypto';
import type { Boot, WantedRestart } from '@preau/contract/asking.ts';
import type { DesiredState } from '@preau/contract/desired-state.ts';
import { AppError } from '@preau/contract/errors.ts';
import { PROTOCOL } from '@preau/contract/protocol.ts';
import type { FailedStep, Report } from '@preau/contract/report.ts';
import { createApplications } from './applications.ts';
import type { ControllerLink } from './controller-link.ts';
import { createDesired } from './desired.ts';
import type { Driver } from './drivers/driver.ts';
import { createErasures } from './erasures.ts';
import { createExchange, type TermsOf } from './exchange.ts';
import { createFailures, maxRetryMs } from './failures.ts';
import { createOrders } from './orders.ts';
import { createPace, tickMs } from './pace.ts';
import { createQuestions } from './questions.ts';
import { type Actual, plan, type Step } from './reconcile/plan.ts';
import { createSessions } from './sessions.ts';

export interface AgentDeps {
  serverId: string;
  stateFolder: string;
  driver: Driver;
  link: Pick<
    ControllerLink,
    | 'readDesiredState'
    | 'sendReport'
    | 'sendIcon'
    | 'readTransfer'
    | 'sendTransfer'
    | 'onWake'
    | 'clockSkewMs'
  >;
  verify: (text: string, signature: string) => boolean;
  now: () => number;
  /** Overrides the delay that the controller sets (tests). */
  momentMs?: number;
  log: { info: (facts: object, text: string) => void; warn: (facts: object, text: string) => void };
}

/** Delay before the first desired state; the controller then sets it. */
const firstMomentMs = 1000;

export interface Agent {
  start: () => Promise<void>;
  stop: () => Promise<void>;
}

export function createAgent(deps: AgentDeps): Agent {
  const { driver, link, log, now, stateFolder } = deps;
  const epoch = randomBytes(16).toString('base64url');
  let seq = 0;
  const working = new Set<Promise<void>>();
  let changing = false;
  let looking = false;
  let lastLookAt = 0;
  const displays = { preparing: 0, retryAt: null as number | null };
  let stopping = false;
  let passRequested = false;
  let wakeLoop: () => void = () => undefined;

  const anotherPass = () => {
    passRequested = true;
    wakeLoop();
  };
  const pace = createPace({
    now,
    momentMs: () => deps.momentMs ?? desired.state()?.momentMs ?? firstMomentMs,
    pass: anotherPass,
  });

  /** `report`: when the end of the task is reported. */
  const work = (task: () => Promise<void>, report: true | 'soon' = true) => {
    const promise = task()
      .catch((error: unknown) => log.warn({ err: error }, 'a step broke'))
      .finally(() => {
        working.delete(promise);
        pace.tell(report);
      });
    working.add(promise);
  };

  const failures = createFailures(now, log);
  const { failed, mended } = failures;
  const desired = createDesired({ ...deps, failures, pace });
  // Transfers run outside `work`: a long one must not delay the generation that is reported as
  // reached.
  const aside = (task: () => Promise<void>) =>
    void task().catch((error: unknown) => log.warn({ err: error }, 'work aside broke'));
  const exchange = createExchange({ stateFolder, driver, link, now, work: aside, tell: pace.tell });
  const sessions = createSessions({
    stateFolder,
    driver,
    now,
    failures,
    work,
    tell: pace.tell,
    offered: exchange.offered,
  });
  const applications = createApplications({ stateFolder, driver, failures, tell: pace.tell });
  const orders = createOrders({
    stateFolder,
    driver,
    now,
    failures,
    pace,
    again: anotherPass,
    knowsTime: () => link.clockSkewMs() !== null,
    applications,
    wanted: () => desired.state()?.applications ?? [],
  });

  const packagesBusy = () => changing || orders.working();
  const questions = createQuestions({ driver, now, busy: packagesBusy, tell: pace.tell });
  const erasures = createErasures({ driver, now, failures, work: aside, tell: pace.tell });
  let boot: Boot | null = null;
  /** The restart that was ordered last. */
  let restarted: (WantedRestart & { retryAt: number | null }) | null = null;

  // ---- steps --------------------------------------------------------------------------------

  const start = (step: Step, wanted: DesiredState) => {
    switch (step.kind) {
      case 'prepare_display':
        displays.preparing += 1;
        return work(() =>
          prepareDisplay().finally(() => {
            displays.preparing -= 1;
          }),
        );
      case 'install_application':
      case 'remove_application':
        changing = true;
        return work(
          () =>
            applications
              .change(
                step.kind === 'install_application' ? 'present' : 'absent',
                step.application,
                wanted,
              )
              .finally(() => {
                changing = false;
              }),
          'soon',
        );
      default:
        return sessions.start(step);
    }
  };

  /** Terms of a session that runs here, by the current rules; null: it does not run, or is not
   * allowed. */
  const termsOf =
    (wanted: DesiredState): TermsOf =>
    (session) => {
      const application = wanted.applications.find(
        (candidate) => candidate.applicationId === session.applicationId,
      );
      const decision =
        application === undefined || sessions.actual.get(session.sessionId)?.phase !== 'running'
          ? null
          : desired.decide(session, application);
      return decision?.allowed === true ? decision.terms : null;
    };

  const prepareDisplay = async () => {
    try {
      await driver.prepareDisplay();
      displays.retryAt = null;
      mended('prepare_display', 'standby');
    } catch (error) {
      displays.retryAt =
        failed('prepare_display', 'standby', error, 'if_useful').retryAt ?? now() + maxRetryMs;
    }
  };

  /** Checks that installed applications are still there: at most once per tick, never while
   * packages change. */
  const lookAgain = (wanted: DesiredState) => {
    if (looking || packagesBusy() || now() - lastLookAt < tickMs) return;
    looking = true;
    lastLookAt = now();
    applications
      .lookAgain(wanted.applications, packagesBusy)
      .catch((error: unknown) => log.warn({ err: error }, 'applications not looked at'))
      .finally(() => {
        looking = false;
      });
  };

  /** Restarts the machine when the city asks for it and this is still the boot it means; packages
   * that are being changed are finished first. Stopping this agent ends the sessions. */
  const restartOnce = ({ restart }: DesiredState) => {
    const isTime = restart !== undefined && restart.bootId === boot?.bootId && restart.at <= now();
    if (!isTime || packagesBusy()) return;
    const isSame = restarted?.bootId === restart.bootId && restarted.at === restart.at;
    if (isSame && (restarted?.retryAt ?? Number.POSITIVE_INFINITY) > now()) return;
    const ordered: NonNullable<typeof restarted> = { ...restart, retryAt: null };
    restarted = ordered;
    work(async () => {
      try {
        await driver.restartMachine();
        mended('restart_machine', restart.bootId);
      } catch (error) {
        // Somebody else's apt, for example, forbids it while it works.
        ordered.retryAt = failed('restart_machine', restart.bootId, error, 'yes').retryAt;
      }
    });
  };

  /** Sources of packages that are dead, which the driver finds while it does something else. */
  const unreadSources = (): FailedStep[] =>
    driver.unreadSources().map(({ source, why }) => ({
      step: 'read_source',
      code: 'SOURCE_UNREADABLE',
      element: source.slice(0, 200),
      message: why.slice(0, 2000),
      attempt: 1,
      at: now(),
      retryAt: null,
    }));

  // ---- reports ------------------------------------------------------------------------------

  const actual = (): Actual => ({
    applications: applications.actual,
    sessions: sessions.actual,
    displays: { ready: driver.displaysReady(), ...displays },
    packagesBusy: packagesBusy(),
    held: orders.held(desired.state()?.orders ?? []),
  });

  const report = async () => {
    const [health, inventory] = [await driver.health(), await driver.inventory()];
    const bootNow = await driver.boot();
    boot = bootNow;
    // Nothing is awaited from here until the body is complete, so it holds every change announced
    // so far.
    pace.reporting();
    const skewMs = link.clockSkewMs();
    const wanted = desired.state();
    const steps = wanted === null ? [] : plan(wanted, actual(), now(), desired.decide);
    const body: Report = {
      protocol: PROTOCOL,
      epoch,
      seq: ++seq,
      generation:
        steps.length === 0 && working.size === 0
          ? (wanted?.generation ?? 0)
          : Math.max((wanted?.generation ?? 1) - 1, 0),
      health: {
        ...health,
        sessions: sessions.running(),
        ...(skewMs === null ? {} : { clockSkewMs: skewMs }),
      },
      inventory,
      applications: applications.reported(),
      sessions: sessions.reported(),
      failedSteps: [...failures.list(), ...unreadSources()].slice(-100),
      orders: orders.tell(wanted?.orders ?? []),
      transfers: exchange.reported(),
      answers: questions.answers(),
      boot: bootNow,
      ...erasures.erased(),
    };
    const reply = await link.sendReport(body);
    orders.heard(body.orders);
    pace.heard();
    // Not urgent: for urgent changes the controller sends a wake-up.
    if (!stopping && reply.generation > (desired.state()?.generation ?? 0)) pace.readAtLeisure();
    for (const applicationId of reply.icons) {
      const png = applications.iconOf(applicationId);
      if (png !== undefined) await link.sendIcon({ applicationId, png: png.toString('base64') });
    }
  };

  // ---- the loop -----------------------------------------------------------------------------

  /** True when the controller asked for a pause: it is kept. */
  const honour = (error: unknown): boolean => {
    const wait = error instanceof AppError ? error.details['retryAfterS'] : undefined;
    if (typeof wait === 'number') pace.slowDown(wait * 1000);
    return typeof wait === 'number';
  };

  /** What breaks in one part of a pass ends neither the other parts nor this process. */
  const apart = (part: () => void) => {
    try {
      part();
    } catch (error) {
      log.warn({ err: error }, 'a part of a pass broke');
    }
  };

  /** Passes never overlap. While the controller is unreachable, steps go on from the state on
   * disk. */
  const pass = async () => {
    if (pace.takeRead())
      await desired.renew().catch((error: unknown) => {
        log.info(
          { reason: error instanceof Error ? error.message : String(error) },
          'desired state not read',
        );
        if (honour(error)) pace.read();
      });
    const wanted = desired.state();
    if (wanted !== null) {
      // Orders first: they have a window and a deadline.
      apart(() => orders.pass(wanted.orders, changing));
      apart(() => {
        for (const step of plan(wanted, actual(), now(), desired.decide)) start(step, wanted);
      });
      apart(() => exchange.pass(wanted, termsOf(wanted)));
      apart(() => lookAgain(wanted));
      apart(() => questions.pass(wanted));
      apart(() => erasures.pass(wanted));
      apart(() => restartOnce(wanted));
    }
    if (pace.mayReport()) {
      await report().catch((error: unknown) => {
        log.info(
          { reason: error instanceof Error ? error.message : String(error) },
          'report not sent',
        );
        honour(error);
        pace.unheard();
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
      applications.recall((await driver.inventory()).platform);
      boot = await driver.boot();
      desired.recall();
      await sessions.recall(new Set(await driver.start()), desired.state());
      orders.recall(boot.bootId);
      exchange.recall();
      link.onWake(pace.rung);
      lastLookAt = now();
      looping = loop();
      anotherPass();
    },
    stop: async () => {
      stopping = true;
      questions.stop();
      pace.stop();
      wakeLoop();
      await looping;
      await orders.stop();
      await Promise.allSettled([...working]);
      sessions.endAll();
      await driver.stop();
      await report().catch(() => undefined);
    },
  };
}
