/** The port between reconciling and an operating system: the only code that knows what a school's
 * server runs. */
import type {
  DesiredApplication,
  DesiredSession,
  DesiredState,
} from '@preau/contract/desired-state.ts';
import type { ErrorCode } from '@preau/contract/errors.ts';
import type { OfferedFile } from '@preau/contract/exchange.ts';
import type { DisplayCredentials, Health, Inventory } from '@preau/contract/report.ts';
import type { Terms } from '@preau/contract/rule.ts';
import type { EndReason } from '@preau/contract/session.ts';

/** Something to bring or to take away. An order's application, or one that was asked for on this
 * server alone. */
export interface Installable
  extends Pick<DesiredApplication, 'applicationId' | 'versionId' | 'slug' | 'version' | 'recipes'> {
  want: 'present' | 'absent';
}

export interface StageOptions {
  /** Cap of the site's line while fetching; null: none. */
  kibibytesPerSecond: number | null;
  /** Bytes fetched so far, of how many (null: not known yet), and how many of them came over the
   * line to the city. */
  progress: (done: number, total: number | null, wan: number) => void;
  signal: AbortSignal;
}

export interface ApplyOptions {
  /** Called when work on one of them begins. */
  progress: (
    applicationId: string,
    state: 'installing' | 'installed' | 'removed' | 'failed',
  ) => void;
  /** Kills the installer and everything it started. */
  signal: AbortSignal;
  timeoutMs: number;
  /** Packages that other wanted applications list: they stay, whatever is taken away. */
  keep?: readonly string[];
}

/** What became of one of them; `code` null: the installer was content. Whether it worked, `detect`
 * says. */
export interface Applied {
  applicationId: string;
  code: ErrorCode | null;
  message: string;
  ms: number;
}

/** Tells a running session's story. Each is called at most once. */
export interface SessionEvents {
  /** The application's window is on its display. */
  opened: () => void;
  over: (outcome: SessionOutcome) => void;
}

export type SessionOutcome =
  | { state: 'ended'; reason: EndReason }
  | { state: 'failed'; code: ErrorCode; message: string };

/** Lets guacd attach once to a session's display; the controller numbers them by `serial`. */
export type IssuedCredentials = Omit<DisplayCredentials, 'serial'>;

export interface Driver {
  /** Makes ready what displays need, and sweeps away what a dead agent left. Returns the sessions
   * that still run. */
  start: () => Promise<string[]>;
  inventory: () => Promise<Inventory>;
  health: () => Promise<Omit<Health, 'sessions'>>;

  /** Why this driver cannot do it at all (`NOT_APPLICABLE`: no recipe for this platform, or of a
   * kind of another one; `SCRIPT_REFUSED`: not reviewed); null when it can. Pure. */
  refuses: (application: Installable) => ErrorCode | null;
  /** The installed version by the recipe's detection rule, or null; null too when another version
   * is there than the recipe pins (unless it is wanted `absent`: then any version counts). Cheap
   * enough to ask for all of them at each tick. */
  detect: (
    application: Pick<Installable, 'slug' | 'version' | 'recipes'> &
      Partial<Pick<Installable, 'want'>>,
  ) => Promise<string | null>;
  /** Fetches all that bringing these will need, checked by hash, and holds it under `key`. Resumes;
   * safe to repeat. Throws AppError: PACKAGE_NOT_FOUND, SOURCE_REFUSED, HASH_MISMATCH,
   * DOWNLOAD_FAILED, DISK_FULL; `details.element` is the slug of the guilty one when there is
   * one. */
  stage: (
    key: string,
    applications: readonly Installable[],
    options: StageOptions,
  ) => Promise<void>;
  /** Brings and takes away, in this order, in as few runs of the installer as possible; one that
   * fails does not spoil the others. The installer outlives the agent. Throws only when nothing
   * could be begun. */
  apply: (
    key: string,
    applications: readonly Installable[],
    options: ApplyOptions,
  ) => Promise<Applied[]>;
  /** Resolves when an installer begun under `key` (by an agent that died) has ended; null when none
   * runs. A new agent on trial counts as one: it has ended once the controller has accepted a
   * report from it, and `detect` then finds it. */
  installerOf: (key: string) => Promise<void> | null;
  /** The end of what the installer wrote under `key`. */
  logOf: (key: string) => string;
  /** Forgets what was staged under `key`; what others need stays in the cache, and so does the part
   * of a file that was fetched already, for a while: the next attempt goes on from there. */
  discard: (key: string) => void;
  /** From whom packages are fetched, and whose requests for packages are answered. Called again at
   * each change. */
  setNeighbours: (neighbours: Pick<DesiredState, 'cache' | 'peers'>) => void;
  /** A PNG of at most 256 KB, or null when the application has none. */
  readIcon: (application: DesiredApplication) => Promise<Buffer | null>;

  /** Starts one more display to stand by. Throws AppError DISPLAY_FAILED. */
  prepareDisplay: () => Promise<void>;
  displaysReady: () => number;
  /** Takes a display (a standing one, or a new one) and starts the application on it, for this
   * person, alone; with an exchange folder in their home, and a printer, as `terms` say. Repeating
   * for a session that runs is an error of the caller. Throws AppError DISPLAY_FAILED. */
  openSession: (
    session: DesiredSession,
    application: DesiredApplication,
    events: SessionEvents,
    terms: Pick<Terms, 'files' | 'printing'>,
  ) => Promise<void>;
  /** Takes up again a session that `start` found running. */
  adoptSession: (sessionId: string, events: SessionEvents) => Promise<void>;
  /** A fresh one-use password for the session's display; the one before is void. */
  issueCredentials: (sessionId: string) => Promise<IssuedCredentials>;
  /** False once the password of the last `issueCredentials` was used. */
  credentialsPending: (sessionId: string) => boolean;
  /** What a running session has for its person's device: files of the exchange folder, pages that
   * were printed. */
  offeredFiles: (
    sessionId: string,
    which: { files: boolean; pages: boolean },
  ) => Promise<OfferedFile[]>;
  /** A copy at `to`, ours. One byte more than `maxBytes` at the most. Throws AppError FILE_GONE. */
  copyOffered: (
    sessionId: string,
    file: Pick<OfferedFile, 'kind' | 'name'>,
    to: string,
    maxBytes: number,
  ) => Promise<void>;
  dropOffered: (sessionId: string, file: Pick<OfferedFile, 'kind' | 'name'>) => Promise<void>;
  /** Puts the file at `from` into the exchange folder, under another name if this one is taken.
   * Throws AppError DISK_FULL, FILE_GONE (no such session). */
  placeFile: (sessionId: string, name: string, from: string) => Promise<void>;
  /** Ends whatever is left of the session: processes, account, credentials, files. Safe to
   * repeat. */
  endSession: (sessionId: string) => Promise<void>;
  /** Ends everything: sessions, standing displays, the display server. */
  stop: () => Promise<void>;
}
