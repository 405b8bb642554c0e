/** A driver without an operating system: for the agent's tests and for simulated fleets. Failures
 * are requested by name. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Foreseen } from '@preau/contract/asking.ts';
import { AppError, type ErrorCode } from '@preau/contract/errors.ts';
import type { OfferedFile } from '@preau/contract/exchange.ts';
import { readText, write } from '#src/files.ts';
import type {
  Applied,
  Driver,
  Installable,
  SessionEvents,
  SessionOutcome,
  Wanted,
} from './driver.ts';

export interface MemoryDriver extends Driver {
  /** Calls made to it, in order, as `verb subject`. */
  readonly calls: readonly string[];
  /** What each stage and apply was told to keep, in order: `stage want-tux: gimp tux`. */
  readonly kept: readonly string[];
  /** Slugs. */
  readonly installed: ReadonlySet<string>;
  readonly running: ReadonlySet<string>;
  /** Makes the next call of this name throw; with `always`, every later call; with `slug`, only
   * calls for this application. `apply` throws before it starts an installer. `install` and
   * `remove` make the installer report a failure of the application. */
  fail: (call: FailingCall, error: AppError, more?: { always?: boolean; slug?: string }) => void;
  mend: (call: FailingCall) => void;
  /** Applications whose installation or removal reports success and changes nothing. */
  hollow: Set<string>;
  /** Error codes for `refuses`, by slug. */
  refusals: Map<string, ErrorCode>;
  /** Refusals that `foresee` answers with, by slug. */
  foreseen: Map<string, NonNullable<Foreseen['refusal']>>;
  /** Package sources that cannot be read. */
  unread: { source: string; why: string }[];
  /** The machine has restarted: another run of its kernel. */
  newBoot: () => void;
  /** Installed or removed by hand. */
  byHand: (slug: string, present: boolean) => void;
  /** The driver of the next agent on this machine after a crash: installers run on, and what the
   * machine held remains. */
  afterCrash: () => MemoryDriver;
  /** The application's window appears. */
  showWindow: (sessionId: string) => void;
  finish: (sessionId: string, outcome: SessionOutcome) => void;
  /** The person saves a file into the exchange folder, or prints. */
  offer: (sessionId: string, file: Pick<OfferedFile, 'kind' | 'name'>, content: string) => void;
  /** A browser signs in to the display. */
  useCredentials: (sessionId: string) => void;
}
type FailingCall =
  | 'detect'
  | 'foresee'
  | 'restartMachine'
  | 'stage'
  | 'apply'
  | 'install'
  | 'remove'
  | 'readIcon'
  | 'prepareDisplay'
  | 'openSession'
  | 'issueCredentials'
  | 'endSession'
  | 'eraseHome';

export interface MemoryOptions {
  installed?: readonly string[];
  running?: readonly string[];
  icon?: Buffer | null;
  /** How long fetching for one application takes, and installing or removing one. */
  stageMs?: number;
  installMs?: number;
  /** Size of each application's packages. */
  bytes?: number;
}

/** The machine, which outlives an agent. */
interface Machine {
  installed: Map<string, string>;
  installers: Map<string, Promise<Applied[]>>;
  staged: Set<string>;
  running: Map<string, SessionEvents | null>;
  bootId: string;
}

export const createMemoryDriver = (options: MemoryOptions = {}): MemoryDriver =>
  driverOf(
    {
      installed: new Map((options.installed ?? []).map((slug) => [slug, ''])),
      installers: new Map(),
      staged: new Set(),
      running: new Map((options.running ?? []).map((id) => [id, null])),
      bootId: randomUUID(),
    },
    options,
  );

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(new AppError('INTERNAL', { why: 'killed' }));
    const killed = () => {
      clearTimeout(timer);
      reject(new AppError('INTERNAL', { why: 'killed' }));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', killed);
      resolve();
    }, ms);
    signal?.addEventListener('abort', killed, { once: true });
  });
}

function driverOf(machine: Machine, options: MemoryOptions): MemoryDriver {
  const { installed, running, staged, installers } = machine;
  const calls: string[] = [];
  const kept: string[] = [];
  const pending = new Set<string>();
  const hollow = new Set<string>();
  const refusals = new Map<string, ErrorCode>();
  const foreseen: MemoryDriver['foreseen'] = new Map();
  const unread: MemoryDriver['unread'] = [];
  const failures = new Map<
    FailingCall,
    { error: AppError; always: boolean; slug: string | null }
  >();
  const bytes = options.bytes ?? 1000;
  const offers = new Map<string, (Omit<OfferedFile, 'bytes'> & { content: string })[]>();
  /** Whose each session is. */
  const people = new Map<string, string>();
  let ready = 0;
  const note = (call: string, subject = '') => calls.push(`${call} ${subject}`.trim());
  const keep = (call: 'stage' | 'apply', key: string, wanted: readonly Wanted[] = []) =>
    kept.push(`${call} ${key}: ${wanted.map(({ slug }) => slug).join(' ')}`);
  const mayFail = (call: FailingCall, slugs: readonly string[] = []) => {
    const failure = failures.get(call);
    if (failure === undefined || (failure.slug !== null && !slugs.includes(failure.slug))) return;
    if (!failure.always) failures.delete(call);
    throw failure.error;
  };
  const change = async (
    { slug, version, want, applicationId }: Installable,
    signal: AbortSignal,
  ): Promise<Applied> => {
    const call = want === 'present' ? 'install' : 'remove';
    note(call, slug);
    const ms = options.installMs ?? 0;
    try {
      if (ms > 0) await pause(ms, signal);
      else if (signal.aborted) throw new AppError('INTERNAL', { why: 'killed' });
      mayFail(call, [slug]);
      if (!hollow.has(slug)) {
        if (want === 'present') installed.set(slug, version);
        else installed.delete(slug);
      }
      return { applicationId, code: null, message: '', ms };
    } catch (error) {
      const { code, details, message } =
        error instanceof AppError ? error : new AppError('INTERNAL', { why: String(error) });
      return { applicationId, code, message: String(details['why'] ?? message), ms };
    }
  };
  return {
    calls,
    kept,
    get installed() {
      return new Set(installed.keys());
    },
    get running() {
      return new Set(running.keys());
    },
    hollow,
    refusals,
    foreseen,
    unread,
    newBoot: () => {
      machine.bootId = randomUUID();
    },
    fail: (call, error, more = {}) =>
      failures.set(call, { error, always: more.always ?? false, slug: more.slug ?? null }),
    mend: (call) => failures.delete(call),
    byHand: (slug, present) => {
      if (present) installed.set(slug, '');
      else installed.delete(slug);
    },
    afterCrash: () => driverOf(machine, options),
    showWindow: (sessionId) => running.get(sessionId)?.opened(),
    finish: (sessionId, outcome) => running.get(sessionId)?.over(outcome),
    offer: (sessionId, file, content) =>
      offers.set(sessionId, [
        ...(offers.get(sessionId) ?? []),
        { ...file, changedAt: 1000, content },
      ]),
    useCredentials: (sessionId) => pending.delete(sessionId),

    start: async () => [...running.keys()],
    inventory: async () => ({
      hostname: 'memory',
      system: 'Memory',
      kernel: '0',
      agentVersion: '0.1.0',
      platform: 'linux',
      packages: installed.size,
      chosen: [...installed].map(([name, version]) => ({ name, version: version || '1' })),
      cache: null,
    }),
    health: async () => ({
      cpu: 0.1,
      cores: 4,
      memoryUsedMiB: 100,
      memoryTotalMiB: 1000,
      diskFreeMiB: 1000,
      displaysReady: ready,
      uptimeSeconds: 1,
    }),

    refuses: ({ slug, recipes }) =>
      refusals.get(slug) ?? (recipes.linux === undefined ? 'NOT_APPLICABLE' : null),
    detect: async ({ slug, version }) => {
      note('detect', slug);
      mayFail('detect', [slug]);
      const found = installed.get(slug);
      // Installed from the start: answers with whatever version is asked for.
      return found === undefined ? null : found || version;
    },
    stage: async (key, applications, { progress, signal, wanted }) => {
      note('stage', key);
      keep('stage', key, wanted);
      const total = applications.length * bytes;
      for (const [index] of applications.entries()) {
        if ((options.stageMs ?? 0) > 0) await pause(options.stageMs ?? 0, signal);
        progress((index + 1) * bytes, total, (index + 1) * bytes);
      }
      mayFail(
        'stage',
        applications.map(({ slug }) => slug),
      );
      staged.add(key);
    },
    apply: async (key, applications, { progress, signal, wanted }) => {
      note('apply', key);
      keep('apply', key, wanted);
      mayFail(
        'apply',
        applications.map(({ slug }) => slug),
      );
      // This loop is the installer: it continues whatever happens to the agent that started it.
      const installer = (async () => {
        const applied: Applied[] = [];
        for (const application of applications) {
          progress(application.applicationId, 'installing');
          const one = await change(application, signal);
          progress(
            application.applicationId,
            one.code !== null ? 'failed' : application.want === 'present' ? 'installed' : 'removed',
          );
          applied.push(one);
        }
        return applied;
      })().finally(() => installers.delete(key));
      installers.set(key, installer);
      return installer;
    },
    installerOf: (key) => installers.get(key)?.then(() => undefined) ?? null,
    logOf: (key) => `memory ${key}`,
    discard: (key) => {
      note('discard', key);
      staged.delete(key);
    },
    foresee: async ({ applicationId, slug }) => {
      note('foresee', slug);
      if ((options.stageMs ?? 0) > 0) await pause(options.stageMs ?? 0);
      mayFail('foresee', [slug]);
      return {
        applicationId,
        installs: installed.has(slug) ? 0 : 1,
        upgrades: 0,
        removes: [],
        downloadBytes: installed.has(slug) ? 0 : bytes,
        refusal: foreseen.get(slug) ?? null,
      };
    },
    unreadSources: () => unread,
    eraseHome: async (accountId) => {
      if ([...running.keys()].some((sessionId) => people.get(sessionId) === accountId))
        return false;
      note('eraseHome', accountId);
      mayFail('eraseHome');
      return true;
    },
    boot: async () => ({ bootId: machine.bootId, restartNeeded: null }),
    restartMachine: async () => {
      note('restartMachine');
      mayFail('restartMachine');
    },
    setNeighbours: ({ cache, peers }) =>
      note('setNeighbours', `${cache?.host ?? '-'} ${peers.length}`),
    readIcon: async ({ slug }) => {
      note('readIcon', slug);
      mayFail('readIcon', [slug]);
      return options.icon ?? null;
    },
    prepareDisplay: async () => {
      note('prepareDisplay');
      mayFail('prepareDisplay');
      ready += 1;
    },
    displaysReady: () => ready,
    openSession: async ({ sessionId, accountId }, _application, events) => {
      note('openSession', sessionId);
      mayFail('openSession');
      people.set(sessionId, accountId);
      ready = Math.max(0, ready - 1);
      running.set(sessionId, events);
    },
    adoptSession: async (sessionId, events) => {
      note('adoptSession', sessionId);
      running.set(sessionId, events);
    },
    issueCredentials: async (sessionId) => {
      note('issueCredentials', sessionId);
      mayFail('issueCredentials');
      pending.add(sessionId);
      return {
        host: '127.0.0.1',
        port: 3389,
        username: 'preau-1',
        password: randomBytes(24).toString('base64url'),
      };
    },
    credentialsPending: (sessionId) => pending.has(sessionId),
    offeredFiles: async (sessionId, which) =>
      (offers.get(sessionId) ?? [])
        .filter(({ kind }) => (kind === 'print' ? which.pages : which.files))
        .map(({ content, ...file }) => ({ ...file, bytes: content.length })),
    copyOffered: async (sessionId, file, to) => {
      const found = offers
        .get(sessionId)
        ?.find(({ kind, name }) => kind === file.kind && name === file.name);
      if (found === undefined) throw new AppError('FILE_GONE', { name: file.name });
      write(to, found.content, 0o600);
    },
    dropOffered: async (sessionId, file) => {
      offers.set(
        sessionId,
        (offers.get(sessionId) ?? []).filter(
          ({ kind, name }) => kind !== file.kind || name !== file.name,
        ),
      );
    },
    placeFile: async (sessionId, name, from) => {
      note('placeFile', name);
      if (!running.has(sessionId)) throw new AppError('FILE_GONE', { name });
      offers.set(sessionId, [
        ...(offers.get(sessionId) ?? []),
        { kind: 'file', name, changedAt: 1000, content: readText(from) ?? '' },
      ]);
    },
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
