/** Overview of the fleet: adding a server over SSH, and where schools differ from the desired
 * state. */
import { type Static, Type } from 'typebox';
import { ApplicationId } from './application.ts';
import { ServerId } from './report.ts';
import { Id, Line, Nullable, OneOf, Slug, Strict, Translated } from './schema.ts';
import { SiteId } from './site.ts';

// ---- adding a server over SSH ---------------------------------------------------------------

export const AdditionId = Id('add');
const Host = Type.String({ minLength: 1, maxLength: 255, pattern: '^[A-Za-z0-9][A-Za-z0-9.:-]*$' });
const Port = Type.Integer({ minimum: 1, maximum: 65535 });
/** In the format of `ssh-keygen -lf`. */
const Fingerprint = Type.String({ pattern: '^SHA256:[A-Za-z0-9+/]{43}$' });
const Secret = (maxLength: number) =>
  Type.String({ minLength: 1, maxLength, pattern: '^[^\\u0000]*$' });

export const HostKeyRequest = Strict({ siteId: SiteId, host: Host, port: Port });
export type HostKeyRequest = Static<typeof HostKeyRequest>;
export const HostKey = Strict({ hostKey: Fingerprint });

/** The secrets are used once, from memory; they never reach a row, a job, a log or a reply. */
export const AdditionRequest = Strict({
  siteId: SiteId,
  serverName: Line(80),
  host: Host,
  port: Port,
  login: Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9._@-]{0,63}$' }),
  /** As the technician confirmed it. */
  hostKey: Fingerprint,
  /** Either a private key or a password. */
  password: Type.Optional(Secret(500)),
  privateKey: Type.Optional(Secret(20_000)),
  passphrase: Type.Optional(Secret(500)),
  /** For an account other than root; without it the sign-in password is used. */
  sudoPassword: Type.Optional(Secret(500)),
});
export type AdditionRequest = Static<typeof AdditionRequest>;

export const additionStates = [
  'connecting',
  'installing',
  'enrolled',
  'reporting',
  'done',
  'failed',
  'cancelled',
] as const;
export type AdditionState = (typeof additionStates)[number];
export const openAdditionStates = [
  'connecting',
  'installing',
  'enrolled',
  'reporting',
] as const satisfies AdditionState[];
export const isAdditionOpen = (state: AdditionState): boolean =>
  (openAdditionStates as readonly AdditionState[]).includes(state);
export const maxAdditionLog = 65_536;

export const AdditionSummary = Strict({
  id: AdditionId,
  siteId: SiteId,
  siteName: Line(120),
  serverName: Line(80),
  host: Host,
  port: Port,
  login: Type.String(),
  hostKey: Fingerprint,
  state: OneOf(additionStates),
  serverId: Nullable(ServerId),
  failureCode: Nullable(Type.String()),
  createdAt: Type.Integer(),
  endedAt: Nullable(Type.Integer()),
});
export type AdditionSummary = Static<typeof AdditionSummary>;
/** `log`: the last 64 KiB of the machine's output, to be shown as plain text. */
export const Addition = Strict({ ...AdditionSummary.properties, log: Type.String() });
export type Addition = Static<typeof Addition>;

// ---- who differs from what is asked ---------------------------------------------------------

/** `none`: neither wanted nor installed. `missing`: Préau installed it and somebody removed it by
 * hand. `extra`: installed but not wanted. `arriving`: being installed or removed. */
export const driftStates = [
  'none',
  'installed',
  'arriving',
  'extra',
  'other_version',
  'missing',
  'failed',
] as const;
export type DriftState = (typeof driftStates)[number];
export const isDifference = (state: DriftState): boolean =>
  state !== 'none' && state !== 'installed' && state !== 'arriving';

export const DriftCell = Strict({
  applicationId: ApplicationId,
  /** The worst state of the school's servers. */
  state: OneOf(driftStates),
  wantedVersion: Nullable(Line(80)),
  versions: Type.Array(Line(120)),
  wantedOn: Type.Integer(),
  servers: Type.Integer(),
});
export type DriftCell = Static<typeof DriftCell>;

export const DriftRow = Strict({
  siteId: SiteId,
  siteName: Line(120),
  uai: Type.String(),
  servers: Type.Array(Strict({ id: ServerId, name: Line(80) })),
  cells: Type.Array(DriftCell),
});
export type DriftRow = Static<typeof DriftRow>;

export const Drift = Strict({
  /** The columns: every application that is wanted somewhere. */
  applications: Type.Array(
    Strict({
      id: ApplicationId,
      slug: Slug,
      name: Translated(80),
      iconHash: Nullable(Type.String()),
    }),
  ),
  items: Type.Array(DriftRow),
  next: Nullable(SiteId),
  /** Counts over all schools that match the search; on the first page only. */
  counts: Nullable(
    Strict({
      sites: Type.Integer(),
      differing: Type.Integer(),
      cells: Type.Record(Type.String(), Type.Integer()),
    }),
  ),
});
export type Drift = Static<typeof Drift>;

export const Fleet = Strict({
  servers: Type.Integer(),
  silent: Type.Integer(),
  draining: Type.Integer(),
  quarantined: Type.Integer(),
  /** Servers that need a restart. */
  toRestart: Type.Integer(),
  /** Null: never reported. */
  agentVersions: Type.Array(Strict({ version: Nullable(Line(40)), servers: Type.Integer() })),
  labels: Type.Array(Strict({ label: Slug, servers: Type.Integer() })),
});
export type Fleet = Static<typeof Fleet>;
