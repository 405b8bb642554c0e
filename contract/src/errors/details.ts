/** What an error carries besides its code, by code. It reaches the caller: names, ids and numbers of
 * what was refused, and never a secret. */
import type { Translated } from '../schema.ts';

/** What any error may carry. `why`: what exactly is wrong; in two languages it is the sentence for
 * the person, else it is for technicians and logs. `element`: the application it is about. */
export interface AnyDetails {
  why?: string | Translated;
  element?: string;
}

/** The thing that was not found, by its kind: its id, or the name it was asked for by. */
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

/** Codes that are not here carry what any may. */
export interface DetailsByCode {
  VALIDATION_FAILED: {
    /** `field`: where, as `body/name`. */
    issues?: readonly { field: string; problem: string }[];
    problem?: string | Translated;
    field?: string;
    route?: string;
  };
  /** What the caller may not do, in a word. */
  FORBIDDEN: { right?: string; slug?: string; token?: 'read' | 'technician'; totp?: string };
  NOT_FOUND: Missing;
  /** What there is already. */
  ALREADY_EXISTS: Partial<
    Record<'application' | 'class' | 'name' | 'slug' | 'version' | 'uai', string>
  >;
  /** The state that forbids it. */
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
    /** How many. */
    servers?: number;
    rollouts?: number;
  };
  PAYLOAD_TOO_LARGE: { bytes?: number; maxMiB?: number; name?: string };
  OUT_OF_SCOPE: { site?: string; group?: string };
  UPLOAD_REFUSED: { announced?: number; received?: number };

  /** `step`: what the next call must bring; `methods`: which second factors there are. */
  SECOND_FACTOR_REQUIRED: { step: string; methods: readonly string[] };
  PASSKEY_REFUSED: { problem?: 'address' };
  DIRECTORY_UNAVAILABLE: { provider?: string };
  PROVIDER_REFUSED: { provider?: string };
  /** Where to sign in instead. */
  PROVIDER_ELSEWHERE: { provider: string };
  NOT_ADMITTED: { provider?: string };
  BADGE_OUT_OF_HOURS: { opensAt?: number };

  APPLICATION_NOT_ALLOWED: OfApplication;
  /** The version there is now. */
  RULE_CHANGED: { version?: number };
  RULE_REFUSED: { field?: string };
  /** `opensAt`: when it is open next, null when nobody knows. */
  OUTSIDE_HOURS: OfApplication & { opensAt: number | null };
  WRONG_DEVICE: OfApplication;
  FILES_NOT_ALLOWED: { direction: 'in' | 'out' };
  FILE_GONE: Partial<Record<'name' | 'recording' | 'session', string>>;
  TOO_MANY_FILES: { max: number };
  SESSION_OVER: { session: string; failureCode?: string };
  APPLICATION_NOT_INSTALLED: OfApplication;
  SERVER_OFFLINE: Partial<OfApplication>;
  SERVER_FULL: Partial<OfApplication>;
  LAUNCH_TIMEOUT: { session?: string };
  /** `status`: guacd's. */
  GATEWAY_UNREACHABLE: { status?: string; waited?: number };
  DISPLAY_FAILED: { why: string };
  LICENCE_EXHAUSTED: OfApplication & {
    seats: number | null;
    scope: string;
    /** How many wait before this person. */
    ahead: number;
  };

  CLOCK_SKEWED: { controllerTime: number };
  PROTOCOL_UNSUPPORTED: { protocol: number; supported: number };
  HOST_KEY_CHANGED: { hostKey: string };
  SSH_FAILED: { host?: string; port?: number };

  WITHDRAWN: { application?: string | null; withdrawn?: string };
  PACKAGE_NOT_FOUND: { file?: string; sha256?: string };
  HASH_MISMATCH: { name?: string };
  SCRIPT_REFUSED: { script?: string };
  REQUIREMENTS_CIRCULAR: { path: readonly string[] };
  REQUIREMENT_MISSING: { path: readonly string[] };
  /** `servers`: some of those that have changed; `share`: of the plan. */
  PLAN_DRIFTED: { plan?: string; servers?: readonly string[]; share?: number };
  PLAN_EMPTY: { leftOut: readonly object[] };
  /** The school whose classes settle in. */
  SCHOOL_ARRIVES: { site: string };
  INTERNAL: { name?: string };
}

export type DetailsOf<C extends string> = C extends keyof DetailsByCode
  ? AnyDetails & DetailsByCode[C]
  : AnyDetails;
