/** Desired and actual in, steps out, for sessions, displays and applications. Orders of rollouts
 * have steps of their own (orders.ts). Pure: no I/O, no clock of its own; planning twice without a
 * change between gives the same steps, and none for what is already being worked on. */
import type {
  DesiredApplication,
  DesiredSession,
  DesiredState,
} from '@preau/contract/desired-state.ts';
import type { Terms } from '@preau/contract/rule.ts';
import type { DecideHere } from '#src/policy.ts';

export type Step =
  | { kind: 'prepare_display' }
  | { kind: 'install_application'; application: DesiredApplication }
  | { kind: 'remove_application'; application: DesiredApplication }
  | { kind: 'open_session'; session: DesiredSession; application: DesiredApplication; terms: Terms }
  | { kind: 'attach_session'; session: DesiredSession }
  | { kind: 'end_session'; sessionId: string }
  | { kind: 'refuse_session'; session: DesiredSession };

export interface ActualApplication {
  /** The version handled last; null before the first detection. */
  versionId: string | null;
  state: 'unknown' | 'installed' | 'absent' | 'failed';
  askedAt: number;
  retryAt: number | null;
}

export interface ActualSession {
  phase: 'opening' | 'running' | 'ending' | 'over';
  serial: number;
  /** When ending may be tried again after it failed. */
  retryAt?: number;
}

export interface Actual {
  applications: ReadonlyMap<string, ActualApplication>;
  sessions: ReadonlyMap<string, ActualSession>;
  displays: { ready: number; preparing: number; retryAt: number | null };
  /** True while package work is in progress: one at a time, because dpkg has one lock. */
  packagesBusy: boolean;
  /** Applications held by an order. */
  held: ReadonlySet<string>;
}

/** `now` in epoch ms. `decide`: evaluates the school's rules for a session, here and now. */
export function plan(
  desired: DesiredState,
  actual: Actual,
  now: number,
  decide: DecideHere,
): Step[] {
  const steps = [...endings(desired, actual, now), ...sessionSteps(desired, actual, decide)];
  const opening = steps.filter(({ kind }) => kind === 'open_session').length;
  const { ready, preparing, retryAt } = actual.displays;
  if (retryAt === null || retryAt <= now) {
    // Each opening session takes a standby display: prepare another in its place.
    const missing = desired.standbyDisplays - (Math.max(ready - opening, 0) + preparing);
    for (let count = 0; count < Math.min(missing, 2 - preparing); count += 1)
      steps.push({ kind: 'prepare_display' });
  }
  if (!actual.packagesBusy) {
    const next = nextPackageStep(desired, actual, now);
    if (next !== undefined) steps.push(next);
  }
  return steps;
}

/** Ends sessions that are here and no longer wanted. */
function endings(desired: DesiredState, actual: Actual, now: number): Step[] {
  const wanted = new Set(desired.sessions.map(({ sessionId }) => sessionId));
  return [...actual.sessions].flatMap(([sessionId, { phase, retryAt }]): Step[] => {
    const mayEnd = phase === 'running' || phase === 'over';
    const isDue = retryAt === undefined || retryAt <= now;
    return !wanted.has(sessionId) && isDue && mayEnd ? [{ kind: 'end_session', sessionId }] : [];
  });
}

/** Opens a session only for an application that is wanted on this server and that the school's
 * rules allow this person; refuses all others. */
function sessionSteps(desired: DesiredState, actual: Actual, decide: DecideHere): Step[] {
  return desired.sessions.flatMap((session): Step[] => {
    const running = actual.sessions.get(session.sessionId);
    if (running !== undefined)
      return running.phase === 'running' && running.serial < session.attachSerial
        ? [{ kind: 'attach_session', session }]
        : [];
    const application = desired.applications.find(
      ({ applicationId }) => applicationId === session.applicationId,
    );
    const decision = application === undefined ? null : decide(session, application);
    return application === undefined || decision?.allowed !== true
      ? [{ kind: 'refuse_session', session }]
      : [{ kind: 'open_session', session, application, terms: decision.terms }];
  });
}

function nextPackageStep(desired: DesiredState, actual: Actual, now: number): Step | undefined {
  const removal = desired.removals.find(
    (application) =>
      !actual.held.has(application.applicationId) &&
      due(actual.applications.get(application.applicationId), application, now, 'absent'),
  );
  if (removal !== undefined) return { kind: 'remove_application', application: removal };
  const install = desired.applications.find(
    (application) =>
      !actual.held.has(application.applicationId) &&
      due(actual.applications.get(application.applicationId), application, now, 'installed'),
  );
  return install === undefined ? undefined : { kind: 'install_application', application: install };
}

function due(
  known: ActualApplication | undefined,
  application: DesiredApplication,
  now: number,
  goal: 'installed' | 'absent',
): boolean {
  if (known === undefined || known.state === 'unknown' || known.versionId !== application.versionId)
    return true;
  // A technician asked again: earlier failures no longer count.
  if (known.state === 'failed')
    return (
      known.askedAt !== application.askedAt || (known.retryAt !== null && known.retryAt <= now)
    );
  return known.state !== goal;
}
