/** What an agent reports: always its complete state, so that a lost report costs time but no
 * information. */
import { type Static, Type } from 'typebox';
import { ApplicationId, installStates, platforms } from './application.ts';
import { Answer, Boot } from './asking.ts';
import { errorCodes } from './errors.ts';
import { maxOffered, OfferedFile, TransferId } from './exchange.ts';
import { ReportedOrder } from './order.ts';
import { Id, Line, MachineText, Nullable, OneOf, Strict } from './schema.ts';
import { endReasons, SessionId } from './session.ts';

const Message = MachineText(2000);

export const stepKinds = [
  'refuse_state',
  'start_displays',
  'prepare_display',
  'install_application',
  'remove_application',
  'read_icon',
  'open_session',
  'attach_session',
  'end_session',
  'keep_journal',
  'read_source',
  'restart_machine',
  'erase_home',
] as const;

export const FailedStep = Strict({
  step: OneOf(stepKinds),
  code: OneOf(errorCodes),
  /** Which one: an application, a session, a package. */
  element: MachineText(200),
  message: Message,
  attempt: Type.Integer({ minimum: 1 }),
  at: Type.Integer(),
  retryAt: Nullable(Type.Integer()),
});
export type FailedStep = Static<typeof FailedStep>;

/** Lets guacd attach to the session's display once. The controller encrypts it on arrival and
 * erases it when used. */
export const DisplayCredentials = Strict({
  serial: Type.Integer({ minimum: 1 }),
  host: Type.String({ maxLength: 255, pattern: '^[A-Za-z0-9.:-]+$' }),
  port: Type.Integer({ minimum: 1, maximum: 65535 }),
  username: Type.String({ maxLength: 64, pattern: '^[a-z0-9_-]+$' }),
  password: Type.String({ minLength: 22, maxLength: 64, pattern: '^[A-Za-z0-9_-]+$' }),
});
export type DisplayCredentials = Static<typeof DisplayCredentials>;

export const ReportedSession = Type.Union([
  Strict({
    sessionId: SessionId,
    state: Type.Literal('ready'),
    /** The name dates from the first protocol version. */
    attachment: Nullable(DisplayCredentials),
    openedAt: Nullable(Type.Integer()),
    /** Files for the person's device; only while the rules allow files or printed pages to leave
     * the session. */
    offered: Type.Array(OfferedFile, { maxItems: maxOffered }),
  }),
  Strict({ sessionId: SessionId, state: Type.Literal('ended'), reason: OneOf(endReasons) }),
  Strict({
    sessionId: SessionId,
    state: Type.Literal('failed'),
    code: OneOf(errorCodes),
    message: Message,
  }),
]);
export type ReportedSession = Static<typeof ReportedSession>;

export const ReportedApplication = Strict({
  applicationId: ApplicationId,
  state: OneOf(installStates),
  version: Nullable(Line(80)),
  error: Nullable(Strict({ code: OneOf(errorCodes), message: Message })),
  iconHash: Nullable(Type.String({ pattern: '^[0-9a-f]{64}$' })),
});
export type ReportedApplication = Static<typeof ReportedApplication>;

/** `cpu`: share of all cores (0–1) over the last interval; memory and disk in MiB. */
export const Health = Strict({
  cpu: Type.Number({ minimum: 0, maximum: 1 }),
  cores: Type.Integer({ minimum: 1 }),
  memoryUsedMiB: Type.Integer({ minimum: 0 }),
  memoryTotalMiB: Type.Integer({ minimum: 1 }),
  diskFreeMiB: Type.Integer({ minimum: 0 }),
  sessions: Type.Integer({ minimum: 0 }),
  displaysReady: Type.Integer({ minimum: 0 }),
  uptimeSeconds: Type.Integer({ minimum: 0 }),
  /** The machine's clock minus the city's; absent before the agent has learnt the city's time. */
  clockSkewMs: Type.Optional(Type.Integer()),
});
export type Health = Static<typeof Health>;

export const Inventory = Strict({
  hostname: Line(255),
  system: Line(120),
  kernel: Line(120),
  agentVersion: Line(40),
  platform: OneOf(platforms),
  packages: Type.Integer({ minimum: 0 }),
  /** Packages installed on purpose, by Préau or by hand, with name and version; without
   * dependencies. */
  chosen: Type.Array(Strict({ name: Line(120), version: Line(120) }), { maxItems: 2000 }),
  /** Address of this server's package cache, for the other servers of the site. */
  cache: Nullable(
    Strict({
      host: Type.String({ pattern: '^[A-Za-z0-9.:-]{1,255}$' }),
      port: Type.Integer({ minimum: 1, maximum: 65535 }),
    }),
  ),
});
export type Inventory = Static<typeof Inventory>;

export const Report = Strict({
  protocol: Type.Integer({ minimum: 1 }),
  /** Identifies one run of the agent; `seq` counts its reports from 1. */
  epoch: Type.String({ pattern: '^[A-Za-z0-9_-]{22}$' }),
  seq: Type.Integer({ minimum: 1 }),
  /** The last generation whose steps have all been tried. */
  generation: Type.Integer({ minimum: 0, maximum: 1e15 }),
  health: Health,
  inventory: Inventory,
  applications: Type.Array(ReportedApplication, { maxItems: 1000 }),
  sessions: Type.Array(ReportedSession, { maxItems: 1000 }),
  failedSteps: Type.Array(FailedStep, { maxItems: 100 }),
  orders: Type.Array(ReportedOrder, { maxItems: 40 }),
  /** Transfers of the desired state that are over. */
  transfers: Type.Array(
    Strict({ transferId: TransferId, code: Nullable(OneOf(errorCodes)), message: Message }),
    { maxItems: 2000 },
  ),
  /** Answers to the questions of the desired state; an agent that can be asked always sends it. */
  answers: Type.Optional(Type.Array(Answer, { maxItems: 20 })),
  boot: Type.Optional(Boot),
  /** `upTo` of the last `erasedHomes` of which every home is gone from this server. */
  erasedHomes: Type.Optional(Type.Integer({ minimum: 1 })),
});
export type Report = Static<typeof Report>;

export const IconUpload = Strict({
  applicationId: ApplicationId,
  /** A PNG file in base64; at most 256 KB decoded. */
  png: Type.String({ maxLength: 360_000, pattern: '^[A-Za-z0-9+/]+={0,2}$' }),
});
export type IconUpload = Static<typeof IconUpload>;

export const ServerId = Id('srv');
