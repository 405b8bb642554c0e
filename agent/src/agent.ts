/** The reconcile loop: wake or tick → newest desired state → plan → start steps → report. A pass
 * never waits for a step: installing takes minutes and a pupil's click must not; when a step ends,
 * another pass follows. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { DesiredState, SignedState } from '@preau/contract/desired-state.ts';
import { AppError } from '@preau/contract/errors.ts';
import { PROTOCOL } from '@preau/contract/protocol.ts';
import type { Report } from '@preau/contract/report.ts';
import { defaultTerms } from '@preau/contract/rule.ts';
import { acceptState, type KnownPolicy } from './accept-state.ts';
import { createApplications } from './applications.ts';
import type { ControllerLink } from './controller-link.ts';
import type { Driver } from './drivers/driver.ts';
import { createExchange, type TermsOf } from './exchange.ts';
import { createFailures, maxRetryMs } from './failures.ts';
import { readText, writeDurably } from './files.ts';
import { createOrders } from './orders.ts';
import { createPace, tickMs } from './pace.ts';
import { createDecideHere, type DecideHere } from './policy.ts';
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
  /** In place of what the city says of it. */
  momentMs?: number;
  log: { info: (facts: object, text: string) => void; warn: (facts: object, text: string) => void };
}

/** How long a moment is, the city says; before it has: */
const firstMomentMs = 1000;

export interface Agent {
  start: () => Promise<void>;
  stop: () => Promise<void>;
}

export function createAgent(deps: AgentDeps): Agent {
  const { driver, link, log, now, stateFolder } = deps;
  const statePath = join(stateFolder, 'desired.json');
  const epoch = randomBytes(16).toString('base64url');
  let seq = 0;
  let desired: DesiredState | null = null;
  let neighbours = '';
  const working = new Set<Promise<void>>();
  let changing = false;
  let looking = false;
  let lastLookAt = 0;
  const displays = { preparing: 0, retryAt: null as number | null };
  let stopping = false;
  let passRequested = false;
  /** The rules of the school, and where it is. Until they are known nothing is opened. */
  let known: KnownPolicy | null = null;
  let place = '';
  let wholePolicy = false;
  let decideHere: DecideHere = () => ({ allowed: false, terms: defaultTerms });
  let wakeLoop: () => void = () => undefined;

  const anotherPass = () => {
    passRequested = true;
    wakeLoop();
  };
  const pace = createPace({
    now,
    momentMs: () => deps.momentMs ?? desired?.momentMs ?? firstMomentMs,
    pass: anotherPass,
  });

  /** `report`: when its end is told. */
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
  // A long file is no step that the school's state waits for.
  const aside = (task: () => Promise<void>) =>
    void task().catch((error: unknown) => log.warn({ err: error }, 'a transfer broke'));
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
    applications,
    skewMs: () => link.clockSkewMs(),
    wanted: () => desired?.applications ?? [],
  });

  // ---- what the controller wants ------------------------------------------------------------------------------

  const obey = (state: DesiredState, policy: KnownPolicy) => {
    desired = state;
    const here = JSON.stringify(state.site);
    if (policy !== known || here !== place)
      decideHere = createDecideHere(policy.document, state.site, now);
    known = policy;
    place = here;
    const { cache, peers } = state;
    const named = JSON.stringify({ cache, peers });
    if (named !== neighbours) driver.setNeighbours({ cache, peers });
    neighbours = named;
  };

  const fetchDesired = async () => {
    const signed = await link.readDesiredState(wholePolicy ? null : (known?.hash ?? null));
    const verdict = acceptState(
      {
        serverId: deps.serverId,
        newestGeneration: desired?.generation ?? 0,
        verify: deps.verify,
        knownPolicy: known,
      },
      signed,
    );
    // Whatever went wrong with the difference does not go wrong with the whole.
    wholePolicy = 'refused' in verdict && verdict.refused === 'STATE_MALFORMED';
    if ('refused' in verdict) {
      failed(
        'refuse_state',
        `generation after ${desired?.generation ?? 0}`,
        new AppError(verdict.refused, { why: verdict.why }),
        'no',
      );
      pace.refused();
      return;
    }
    pace.accepted();
    failures.mendedAll('refuse_state');
    if (verdict.accepted.generation === desired?.generation) return;
    // On disk before it is obeyed: after a crash this server goes on from here, city or no city.
    const { document, signature } = signed;
    writeDurably(
      statePath,
      JSON.stringify({ document, signature, policy: verdict.policy.text } satisfies SignedState),
    );
    obey(verdict.accepted, verdict.policy);
  };

  const recallDesired = () => {
    const text = readText(statePath);
    if (text === undefined) return;
    const verdict = acceptState(
      { serverId: deps.serverId, newestGeneration: 0, verify: deps.verify, knownPolicy: null },
      JSON.parse(text) as SignedState,
    );
    if ('accepted' in verdict) obey(verdict.accepted, verdict.policy);
  };

  // ---- steps --------------------------------------------------------------------------------------------------

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

  /** Of a session that runs here, by the rules as they are now. */
  const termsOf =
    (wanted: DesiredState): TermsOf =>
    (session) => {
      const application = wanted.applications.find(
        (candidate) => candidate.applicationId === session.applicationId,
      );
      const decision =
        application === undefined || sessions.actual.get(session.sessionId)?.phase !== 'running'
          ? null
          : decideHere(session, application);
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

  /** Is what was installed still there? Not while something is being changed. */
  const lookAgain = (wanted: DesiredState) => {
    const busy = () => changing || orders.working();
    if (looking || busy() || now() - lastLookAt < tickMs) return;
    looking = true;
    lastLookAt = now();
    applications
      .lookAgain(wanted.applications, busy)
      .catch((error: unknown) => log.warn({ err: error }, 'applications not looked at'))
      .finally(() => {
        looking = false;
      });
  };

  // ---- reports ------------------------------------------------------------------------------------------------

  const actual = (): Actual => ({
    applications: applications.actual,
    sessions: sessions.actual,
    displays: { ready: driver.displaysReady(), ...displays },
    packagesBusy: changing || orders.working(),
    held: orders.held(desired?.orders ?? []),
  });

  const report = async () => {
    const [health, inventory] = [await driver.health(), await driver.inventory()];
    // Looked at in one moment: whatever asked for a report until now is in this one.
    pace.reporting();
    const steps = desired === null ? [] : plan(desired, actual(), now(), decideHere);
    const body: Report = {
      protocol: PROTOCOL,
      epoch,
      seq: ++seq,
      generation:
        steps.length === 0 && working.size === 0
          ? (desired?.generation ?? 0)
          : Math.max((desired?.generation ?? 1) - 1, 0),
      health: { ...health, sessions: sessions.running() },
      inventory,
      applications: applications.reported(),
      sessions: sessions.reported(),
      failedSteps: failures.list(),
      orders: orders.tell(desired?.orders ?? []),
      transfers: exchange.reported(),
    };
    const reply = await link.sendReport(body);
    orders.heard(body.orders);
    pace.heard();
    // Whoever is in a hurry rings.
    if (!stopping && reply.generation > (desired?.generation ?? 0)) pace.readAtLeisure();
    for (const applicationId of reply.icons) {
      const png = applications.iconOf(applicationId);
      if (png !== undefined) await link.sendIcon({ applicationId, png: png.toString('base64') });
    }
  };

  // ---- the loop -----------------------------------------------------------------------------------------------

  /** One pass at a time. The controller away is no reason to stop serving: steps go on from the
   * state on disk. */
  const pass = async () => {
    if (pace.takeRead())
      await fetchDesired().catch((error: unknown) =>
        log.info(
          { reason: error instanceof Error ? error.message : String(error) },
          'desired state not read',
        ),
      );
    if (desired !== null) {
      // Orders first: they have a window and a deadline.
      orders.pass(desired.orders, changing);
      for (const step of plan(desired, actual(), now(), decideHere)) start(step, desired);
      exchange.pass(desired, termsOf(desired));
      lookAgain(desired);
    }
    if (pace.mayReport()) {
      await report().catch((error: unknown) => {
        log.info(
          { reason: error instanceof Error ? error.message : String(error) },
          'report not sent',
        );
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
      recallDesired();
      await sessions.recall(new Set(await driver.start()), desired);
      orders.recall();
      exchange.recall();
      link.onWake(pace.rung);
      lastLookAt = now();
      looping = loop();
      anotherPass();
    },
    stop: async () => {
      stopping = true;
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
