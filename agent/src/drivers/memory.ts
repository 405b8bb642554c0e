/** A driver without an operating system: for the agent's tests and for simulated fleets. Failures are asked for by name. */
import { randomBytes } from 'node:crypto';
import type { AppError } from '@preau/contract/errors.ts';
import type { Driver, SessionEvents, SessionOutcome } from './driver.ts';

export interface MemoryDriver extends Driver {
  /** What was asked of it, in order, as `verb subject`. */
  readonly calls: readonly string[];
  readonly installed: ReadonlySet<string>;
  readonly running: ReadonlySet<string>;
  /** The next call of this name, or every one with `always`, throws. */
  fail: (call: FailingCall, error: AppError, always?: boolean) => void;
  mend: (call: FailingCall) => void;
  /** Packages whose installation ends well and installs nothing. */
  hollow: Set<string>;
  /** The application's window appears. */
  showWindow: (sessionId: string) => void;
  finish: (sessionId: string, outcome: SessionOutcome) => void;
  /** A browser signs in to the display. */
  useAccess: (sessionId: string) => void;
}
type FailingCall = 'detect' | 'install' | 'remove' | 'readIcon' | 'prepareDisplay' | 'openSession' | 'grantAccess' | 'endSession';

export function createMemoryDriver(options: { installed?: readonly string[]; running?: readonly string[]; icon?: Buffer | null } = {}): MemoryDriver {
  const calls: string[] = [];
  const installed = new Set(options.installed);
  const running = new Map<string, SessionEvents | null>((options.running ?? []).map((id) => [id, null]));
  const pending = new Set<string>();
  const hollow = new Set<string>();
  const failures = new Map<FailingCall, { error: AppError; always: boolean }>();
  let ready = 0;
  const note = (call: string, subject = '') => calls.push(`${call} ${subject}`.trim());
  const mayFail = (call: FailingCall) => {
    const failure = failures.get(call);
    if (failure === undefined) return;
    if (!failure.always) failures.delete(call);
    throw failure.error;
  };
  return {
    calls,
    installed,
    get running() {
      return new Set(running.keys());
    },
    hollow,
    fail: (call, error, always = false) => failures.set(call, { error, always }),
    mend: (call) => failures.delete(call),
    showWindow: (sessionId) => running.get(sessionId)?.opened(),
    finish: (sessionId, outcome) => running.get(sessionId)?.over(outcome),
    useAccess: (sessionId) => pending.delete(sessionId),

    start: async () => [...running.keys()],
    inventory: async () => ({ hostname: 'memory', system: 'Memory', kernel: '0', agentVersion: '0.1.0', packages: installed.size }),
    health: async () => ({ cpu: 0.1, cores: 4, memoryUsedMiB: 100, memoryTotalMiB: 1000, diskFreeMiB: 1000, displaysReady: ready, uptimeSeconds: 1 }),
    detect: async ({ slug, version }) => {
      note('detect', slug);
      mayFail('detect');
      return installed.has(slug) ? version : null;
    },
    install: async ({ slug }) => {
      note('install', slug);
      mayFail('install');
      if (!hollow.has(slug)) installed.add(slug);
    },
    remove: async ({ slug }) => {
      note('remove', slug);
      mayFail('remove');
      if (!hollow.has(slug)) installed.delete(slug);
    },
    readIcon: async ({ slug }) => {
      note('readIcon', slug);
      mayFail('readIcon');
      return options.icon ?? null;
    },
    prepareDisplay: async () => {
      note('prepareDisplay');
      mayFail('prepareDisplay');
      ready += 1;
    },
    displaysReady: () => ready,
    openSession: async ({ sessionId }, _application, events) => {
      note('openSession', sessionId);
      mayFail('openSession');
      ready = Math.max(0, ready - 1);
      running.set(sessionId, events);
    },
    adoptSession: async (sessionId, events) => {
      note('adoptSession', sessionId);
      running.set(sessionId, events);
    },
    grantAccess: async (sessionId) => {
      note('grantAccess', sessionId);
      mayFail('grantAccess');
      pending.add(sessionId);
      return { host: '127.0.0.1', port: 3389, username: 'preau-1', password: randomBytes(24).toString('base64url') };
    },
    accessPending: (sessionId) => pending.has(sessionId),
    endSession: async (sessionId) => {
      note('endSession', sessionId);
      mayFail('endSession');
      running.delete(sessionId);
      pending.delete(sessionId);
    },
    stop: async () => {
      note('stop');
      running.clear();
      pending.clear();
      ready = 0;
    },
  };
}
