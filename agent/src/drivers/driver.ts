/** The interface between reconciling and an operating system: only drivers know what a school's
 * server runs. */
import type { Boot, Foreseen } from '@preau/contract/asking.ts';
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

/** An application to install or to remove, ordered by a rollout or wanted on this server alone. */
export interface Installable
  extends Pick<DesiredApplication, 'applicationId' | 'versionId' | 'slug' | 'version' | 'recipes'> {
  want: 'present' | 'absent';
}

/** An application that should be on this server, with the packages it lists: they stay, whatever is
 * installed or removed. */
export interface Wanted {
  slug: string;
  packages: readonly string[];
}

export interface StageOptions {
  /** Applications that should be here beside those that are staged. */
  wanted?: readonly Wanted[];
  /** Bandwidth cap of the site's line while fetching; null: none. */
  kibibytesPerSecond: number | null;
  /** Bytes fetched so far, the total (null: not known yet), and how many came over the line to the
   * city. */
  progress: (done: number, total: number | null, wan: number) => void;
  signal: AbortSignal;
}

export interface ApplyOptions {
  /** Called when work on an application begins, and when it ends. */
  progress: (
    applicationId: string,
    state: 'installing' | 'installed' | 'removed' | 'failed',
  ) => void;
  /** Kills the installer and everything it started. */
  signal: AbortSignal;
  timeoutMs: number;
  /** Applications that should be here beside those that are applied. */
  wanted?: readonly Wanted[];
}

/** Result for one application; `code` null: the installer reported success. Whether it worked,
 * `detect` shows. */
export interface Applied {
  applicationId: string;
  code: ErrorCode | null;
  message: string;
  ms: number;
}

/** Events of a running session. Each is called at most once. */
export interface SessionEvents {
  /** The application's window is on its display. */
  opened: () => void;
  over: (outcome: SessionOutcome) => void;
}

export type SessionOutcome =
  | { state: 'ended'; reason: EndReason }
  | { state: 'failed'; code: ErrorCode; message: string };

/** Lets guacd attach once to a session's display; the controller numbers credentials by
 * `serial`. */
export type IssuedCredentials = Omit<DisplayCredentials, 'serial'>;

export interface Driver {
  /** Prepares what displays need, and removes what an agent that died left. Returns the sessions
   * that still run. */
  start: () => Promise<string[]>;
  inventory: () => Promise<Inventory>;
  health: () => Promise<Omit<Health, 'sessions'>>;

  /** Why this driver cannot handle the application at all (`NOT_APPLICABLE`: no recipe for this
   * platform, or of a kind for another one; `SCRIPT_REFUSED`: not reviewed); null when it can.
   * Pure. */
  refuses: (application: Installable) => ErrorCode | null;
  /** The installed version by the recipe's detection rule, or null. Null too when another version
   * is there than the recipe pins, unless `want` is `absent`: then any version counts. Cheap enough
   * to call for all applications at each tick. */
  detect: (
    application: Pick<Installable, 'slug' | 'version' | 'recipes'> &
      Partial<Pick<Installable, 'want'>>,
  ) => Promise<string | null>;
  /** What installing this application alone would do. Changes nothing on the server; a file of the
   * recipe that the package manager must look into is fetched. Throws when it cannot be asked. */
  foresee: (
    application: Installable,
    options: { wanted: readonly Wanted[]; signal: AbortSignal },
  ) => Promise<Foreseen>;
  /** Package sources that could not be read when the lists were last updated. */
  unreadSources: () => readonly { source: string; why: string }[];
  /** Fetches everything that installing these needs, checked by hash, and keeps it under `key`.
   * Resumes; safe to repeat. The package manager is asked first what installing them would change.
   * Throws AppError: PACKAGE_NOT_FOUND, PACKAGE_CONFLICT, PACKAGE_HELD, PACKAGE_VIRTUAL,
   * PACKAGES_BROKEN, PACKAGES_LOCKED, SOURCE_REFUSED, SOURCE_UNREADABLE, HASH_MISMATCH,
   * DOWNLOAD_FAILED, DISK_FULL; `details.element` is the slug of the application at fault when
   * there is one. */
  stage: (
    key: string,
    applications: readonly Installable[],
    options: StageOptions,
  ) => Promise<void>;
  /** Installs and removes, in this order, in as few runs of the installer as possible; one that
   * fails does not affect the others. The installer outlives the agent. Throws only when nothing
   * could be started. */
  apply: (
    key: string,
    applications: readonly Installable[],
    options: ApplyOptions,
  ) => Promise<Applied[]>;
  /** Resolves when an installer started under `key` by an agent that died has ended; null when none
   * runs. A new agent on trial counts as one: it has ended once the controller has accepted a
   * report from it, and `detect` then finds it. */
  installerOf: (key: string) => Promise<void> | null;
  /** The end of what the installer wrote under `key`. */
  logOf: (key: string) => string;
  /** Deletes what was staged under `key`. What others need stays in the cache, and so do partial
   * files, for a while: the next attempt resumes them. */
  discard: (key: string) => void;
  /** Sets from which server packages are fetched, and whose requests for packages are answered.
   * Called again at each change. */
  setNeighbours: (neighbours: Pick<DesiredState, 'cache' | 'peers'>) => void;
  /** A PNG of at most 256 KB, or null when the application has none. */
  readIcon: (application: DesiredApplication) => Promise<Buffer | null>;

  /** Starts one more standby display. Throws AppError DISPLAY_FAILED. */
  prepareDisplay: () => Promise<void>;
  displaysReady: () => number;
  /** Takes a display (standby or new) and starts the application on it for this person alone, with
   * an exchange folder in their home and a printer as `terms` allow. Must not be called twice for a
   * session that runs. Throws AppError DISPLAY_FAILED, HOME_UNREACHABLE. */
  openSession: (
    session: DesiredSession,
    application: DesiredApplication,
    events: SessionEvents,
    terms: Pick<Terms, 'files' | 'printing'>,
  ) => Promise<void>;
  /** Resumes watching a session that `start` found running. */
  adoptSession: (sessionId: string, events: SessionEvents) => Promise<void>;
  /** A new one-use password for the session's display; the previous one becomes void. */
  issueCredentials: (sessionId: string) => Promise<IssuedCredentials>;
  /** False once the password of the last `issueCredentials` was used. */
  credentialsPending: (sessionId: string) => boolean;
  /** What a running session offers to its person's device: files of the exchange folder, pages that
   * were printed. */
  offeredFiles: (
    sessionId: string,
    which: { files: boolean; pages: boolean },
  ) => Promise<OfferedFile[]>;
  /** Copies the file to `to`, at most one byte more than `maxBytes`. The agent owns the copy.
   * Throws AppError FILE_GONE. */
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
  /** Erases a person's home with everything in it. False while a session of theirs runs here; true
   * also when there is none. Throws AppError HOME_UNREACHABLE. */
  eraseHome: (accountId: string) => Promise<boolean>;
  boot: () => Promise<Boot>;
  /** Restarts the machine; this agent is then stopped like every other service. */
  restartMachine: () => Promise<void>;
  /** Ends everything: sessions, standby displays, the display server. */
  stop: () => Promise<void>;
}
