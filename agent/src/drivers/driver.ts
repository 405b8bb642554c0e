/** The port between reconciling and an operating system: the only code that knows what a school's server runs. */
import type { DesiredApplication, DesiredSession } from '@preau/contract/desired-state.ts';
import type { Health, Inventory } from '@preau/contract/report.ts';
import type { EndReason } from '@preau/contract/session.ts';
import type { ErrorCode } from '@preau/contract/errors.ts';

/** Tells a running session's story. Each is called at most once. */
export interface SessionEvents {
  /** The application's window is on its display. */
  opened: () => void;
  over: (outcome: SessionOutcome) => void;
}

export type SessionOutcome = { state: 'ended'; reason: EndReason } | { state: 'failed'; code: ErrorCode; message: string };

/** How guacd attaches to a display once. */
export interface Access {
  host: string;
  port: number;
  username: string;
  password: string;
}

export interface Driver {
  /** Makes ready what displays need, and sweeps away what a dead agent left. Returns the sessions that still run. */
  start: () => Promise<string[]>;
  inventory: () => Promise<Inventory>;
  health: () => Promise<Omit<Health, 'sessions'>>;

  /** The installed version by the recipe's detection rule, or null. */
  detect: (application: DesiredApplication) => Promise<string | null>;
  /** Throws AppError: PACKAGE_NOT_FOUND, INSTALL_FAILED. Does not judge whether it worked: `detect` does. */
  install: (application: DesiredApplication) => Promise<void>;
  remove: (application: DesiredApplication) => Promise<void>;
  /** A PNG of at most 256 KB, or null when the application has none. */
  readIcon: (application: DesiredApplication) => Promise<Buffer | null>;

  /** Starts one more display to stand by. Throws AppError DISPLAY_FAILED. */
  prepareDisplay: () => Promise<void>;
  displaysReady: () => number;
  /** Takes a display (a standing one, or a new one) and starts the application on it, for this person, alone.
   *  Repeating for a session that runs is an error of the caller. Throws AppError DISPLAY_FAILED. */
  openSession: (session: DesiredSession, application: DesiredApplication, events: SessionEvents) => Promise<void>;
  /** Takes up again a session that `start` found running. */
  adoptSession: (sessionId: string, events: SessionEvents) => Promise<void>;
  /** A fresh one-use password for the session's display; the one before is void. */
  grantAccess: (sessionId: string) => Promise<Access>;
  /** False once the password of the last `grantAccess` was used. */
  accessPending: (sessionId: string) => boolean;
  /** Ends whatever is left of the session: processes, account, credentials, files. Safe to repeat. */
  endSession: (sessionId: string) => Promise<void>;
  /** Ends everything: sessions, standing displays, the display server. */
  stop: () => Promise<void>;
}
