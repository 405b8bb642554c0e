/** The details of each error code. They reach the caller: names, ids and numbers about what was
 * refused, never a secret. */
import type { Translated } from '../schema.ts';

/** Details that any error may have. `why`: the exact problem; in two languages it is shown to the
 * person, otherwise it is for technicians and logs. `element`: the application concerned. */
export interface AnyDetails {
  why?: string | Translated;
  element?: string;
}

/** What was not found: a key for its kind, with its id or the name used in the call. */
type Missing = Partial<
  Record<
    | 'account'
    | 'addition'
    | 'application'
    | 'applicationId'
    | 'class'
    | 'desiredState'
    | 'field'
    | 'file'
    | 'icon'
    | 'package'
    | 'passkey'
    | 'photo'
    | 'provider'
    | 'recording'
    | 'request'
    | 'rollout'
    | 'rule'
    | 'schedule'
    | 'script'
    | 'server'
    | 'serverId'
    | 'session'
    | 'setting'
    | 'site'
    | 'token'
    | 'transfer'
    | 'version',
    string
  >
> & { sites?: readonly string[]; group?: string | null; after?: number; wanted?: boolean };

/** `application`: its slug, or its id. */
interface OfApplication {
  application: string;
}

/** Codes that are not listed have only the common details. */
export interface DetailsByCode {
  VALIDATION_FAILED: {
    /** `field`: its path, such as `body/name`. */
    issues?: readonly { field: string; problem: string }[];
    problem?: string | Translated;
    field?: string;
    route?: string;
  };
  /** What the caller may not do, in a word. */
  FORBIDDEN: { right?: string; slug?: string; token?: 'read' | 'technician'; totp?: string };
  NOT_FOUND: Missing;
  /** The object that already exists. */
  ALREADY_EXISTS: Partial<
    Record<'application' | 'class' | 'name' | 'slug' | 'version' | 'uai', string>
  >;
  /** The state that forbids the call. */
  STATE_FORBIDS: {
    state?: string;
    badge?: 'none';
    badges?: number;
    liveSessions?: number;
    rule?: string;
    undecided?: number;
    usedBy?: readonly string[];
  };
  STILL_NEEDED: {
    requiredBy?: string;
    /** How many servers. */
    servers?: number;
    rollouts?: number;
  };
  /** `retryAfterS`: how long to wait, in whole seconds; also sent as `Retry-After`. */
  BUSY: { retryAfterS?: number };
  SLOW_DOWN: { retryAfterS: number };
  /** Told by the proxy in front. `sent`: whether the controller may have received the call. */
  RESTARTING: { retryAfterS: number; sent: 'no' | 'perhaps' };
  PAYLOAD_TOO_LARGE: { bytes?: number; maxMiB?: number; name?: string };
  OUT_OF_SCOPE: { site?: string; group?: string };
  UPLOAD_REFUSED: { announced?: number; received?: number };
  /** `work`: the kind of heavy work; `limit`: which of its limits ended it. */
  FILE_TOO_COMPLEX: { work: string; limit: 'time' | 'memory' };

  /** `step`: the token that the next call must send; `methods`: the available second factors. */
  SECOND_FACTOR_REQUIRED: { step: string; methods: readonly string[] };
  PASSKEY_REFUSED: { problem?: 'address' };
  DIRECTORY_UNAVAILABLE: { provider?: string };
  PROVIDER_REFUSED: { provider?: string };
  /** The provider to sign in with instead. */
  PROVIDER_ELSEWHERE: { provider: string };
  NOT_ADMITTED: { provider?: string };
  BADGE_OUT_OF_HOURS: { opensAt?: number };

  APPLICATION_NOT_ALLOWED: OfApplication;
  /** The current version. */
  RULE_CHANGED: { version?: number };
  RULE_REFUSED: { field?: string };
  /** `opensAt`: when it opens next; null when unknown. */
  OUTSIDE_HOURS: OfApplication & { opensAt: number | null };
  WRONG_DEVICE: OfApplication;
  FILES_NOT_ALLOWED: { direction: 'in' | 'out' };
  FILE_GONE: Partial<Record<'name' | 'recording' | 'session', string>>;
  TOO_MANY_FILES: { max: number };
  /** `most`: how many one person may have. */
  TOO_MANY_SESSIONS: { most: number };
  SESSION_OVER: { session: string; failureCode?: string };
  APPLICATION_NOT_INSTALLED: OfApplication;
  SERVER_OFFLINE: Partial<OfApplication>;
  SERVER_FULL: Partial<OfApplication>;
  SERVER_RESTARTS: Partial<OfApplication>;
  RESTART_UNKNOWN: { servers: readonly string[] };
  LAUNCH_TIMEOUT: { session?: string };
  /** `status`: guacd's status code. */
  GATEWAY_UNREACHABLE: { status?: string; waited?: number };
  DISPLAY_FAILED: { why: string };
  HOME_UNREACHABLE: { why: string };
  LICENCE_EXHAUSTED: OfApplication & {
    seats: number | null;
    scope: string;
    /** How many people are ahead in the queue. */
    ahead: number;
  };

  DISPLAY_REFUSED: { host: string; port: number };
  /** `skewMs`: the server's clock minus the city's. */
  CLOCK_SKEWED: { controllerTime: number; skewMs?: number };
  CERTIFICATE_OUT_OF_DATE: { validFrom?: string; validTo?: string };
  PORT_TAKEN: { port?: number };
  BACKUP_UNREADABLE: { backup?: string };
  BACKUP_NEWER: { backup: string; version: string };
  RESTORE_OVER_EXISTING: { folder?: string };
  DATA_FOLDER_IN_USE: { folder?: string; pid?: number };
  /** Names of the migrations that are too many, or missing. */
  DATABASE_NEWER: { migrations: string };
  DATABASE_OLDER: { migrations: string };
  MIGRATION_FAILED: { migration: string };
  TARGET_NOT_EMPTY: { table: string };
  NO_DATABASE_THERE: { path: string };
  PROTOCOL_UNSUPPORTED: { protocol: number; supported: number };
  HOST_KEY_CHANGED: { hostKey: string };
  SSH_FAILED: { host?: string; port?: number };
  /** `proxy`: its host and port. */
  PROXY_PASSWORD_REFUSED: { proxy: string; status: number };
  PROXY_BLOCKS: { proxy: string; status: number };
  PROXY_UNREACHABLE: { proxy: string };
  /** `issuer`: who signed the certificate; empty when it was not seen. */
  CERTIFICATE_REFUSED: { issuer: string };

  WITHDRAWN: { application?: string | null; withdrawn?: string };
  PACKAGE_NOT_FOUND: { file?: string; sha256?: string };
  /** `wantedBy`: the slug of the application that needs the package; null when Préau did not install
   * it. */
  PACKAGE_CONFLICT: { application?: string; package?: string; wantedBy?: string | null };
  HASH_MISMATCH: { name?: string };
  SCRIPT_REFUSED: { script?: string };
  REQUIREMENTS_CIRCULAR: { path: readonly string[] };
  /** `most`: applications in one chain. */
  REQUIREMENTS_TOO_DEEP: { application: string; most: number };
  REQUIREMENT_MISSING: { path: readonly string[] };
  /** `servers`: some of the servers that have changed; `share`: the share of the plan that has
   * changed. */
  PLAN_DRIFTED: { plan?: string; servers?: readonly string[]; share?: number };
  /** `until`: from when on it may start, epoch ms. */
  PLAN_ASKING: { asking: number; answered: number; until: number };
  PLAN_EMPTY: { leftOut: readonly object[] };
  /** The school whose classes are arriving now. */
  SCHOOL_ARRIVES: { site: string };
  INTERNAL: { name?: string };
}

export type DetailsOf<C extends string> = C extends keyof DetailsByCode
  ? AnyDetails & DetailsByCode[C]
  : AnyDetails;
