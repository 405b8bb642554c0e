/** A session: one application running for one person. Its states, and what each allows. */
import { type Static, Type } from 'typebox';
import { AccountId } from './account.ts';
import { ApplicationId } from './application.ts';
import { directions } from './rule.ts';
import { Id, Line, Nullable, OneOf, Slug, Strict, Translated } from './schema.ts';

export const SessionId = Id('ses');

/** `starting`: requested from the school's server. `ready`: the server has prepared it. `active`: a
 * browser is attached. `disconnected`: it runs without a browser until `graceUntil`. `ended`,
 * `failed`: over. */
export const sessionStates = [
  'starting',
  'ready',
  'active',
  'disconnected',
  'ended',
  'failed',
] as const;
export type SessionState = (typeof sessionStates)[number];

export const liveStates = [
  'starting',
  'ready',
  'active',
  'disconnected',
] as const satisfies SessionState[];

export const endReasons = [
  'application_closed',
  'person_closed',
  'technician_ended',
  'left',
  'never_connected',
  'server_retired',
  'server_quarantined',
  'server_restarts',
  'agent_stopped',
  'lost',
  'access_ended',
  'time_over',
  'idle',
] as const;
export type EndReason = (typeof endReasons)[number];

/** What each state allows: the controller enforces it, the console shows it. */
export const sessionCan = {
  connect: (session: { state: SessionState }) => isLive(session.state),
  end: (session: { state: SessionState }) => isLive(session.state),
  resume: (session: { state: SessionState }) =>
    session.state !== 'starting' && isLive(session.state),
};

export function isLive(state: SessionState): boolean {
  return (liveStates as readonly SessionState[]).includes(state);
}

export const Session = Strict({
  id: SessionId,
  applicationId: ApplicationId,
  applicationSlug: Slug,
  applicationName: Translated(80),
  state: OneOf(sessionStates),
  startedAt: Type.Integer(),
  /** When the agent detected the application's window; from then on the application counts as
   * open. */
  openedAt: Nullable(Type.Integer()),
  graceUntil: Nullable(Type.Integer()),
  /** When the session will be ended because the person's access or the session's time limit ends;
   * null when neither is known. */
  endsAt: Nullable(Type.Integer()),
  endedAt: Nullable(Type.Integer()),
  endReason: Nullable(OneOf(endReasons)),
  failureCode: Nullable(Type.String()),
});
export type Session = Static<typeof Session>;

/** A session as technicians see it. */
export const SessionRow = Strict({
  ...Session.properties,
  accountId: AccountId,
  personName: Line(120),
  siteName: Line(120),
  serverName: Line(120),
});
export type SessionRow = Static<typeof SessionRow>;

/** One use, 30 seconds, bound to the person: lets one browser open the tunnel of one session. It
 * travels in the WebSocket's subprotocol list, never in a URL. `clipboard`: the directions allowed,
 * enforced by the gateway. `files`, `printing`: whether the page offers them. */
export const Ticket = Strict({
  ticket: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
  expiresAt: Type.Integer(),
  clipboard: OneOf(directions),
  files: OneOf(directions),
  printing: Type.Boolean(),
  recording: Type.Boolean(),
});
export type Ticket = Static<typeof Ticket>;

/** In pixels, of the picture that a display draws: at most that of a 4K screen, in either direction,
 * because the school's server keeps all of it in memory. */
export const tunnelSize = { min: 200, max: 3840, maxArea: 3840 * 2160 } as const;
export const isTunnelSize = (width: number, height: number): boolean =>
  Math.min(width, height) >= tunnelSize.min &&
  Math.max(width, height) <= tunnelSize.max &&
  width * height <= tunnelSize.maxArea;

/** The size to ask for on a screen of this size: of the same shape, as large as allowed. */
export function fitTunnelSize(width: number, height: number): { width: number; height: number } {
  const { min, max, maxArea } = tunnelSize;
  const scale = Math.min(1, max / Math.max(width, height), Math.sqrt(maxArea / (width * height)));
  const bound = (pixels: number) => Math.max(Math.floor(pixels * scale), min);
  return { width: bound(width), height: bound(height) };
}

/** Besides this, `isTunnelSize` must hold. */
export const TunnelQuery = Strict({
  width: Type.Integer({ minimum: tunnelSize.min, maximum: tunnelSize.max }),
  height: Type.Integer({ minimum: tunnelSize.min, maximum: tunnelSize.max }),
  dpi: Type.Integer({ minimum: 48, maximum: 384 }),
  layout: OneOf([
    'fr-fr-azerty',
    'en-us-qwerty',
    'en-gb-qwerty',
    'de-de-qwertz',
    'es-es-qwerty',
    'it-it-qwerty',
  ]),
});
export type TunnelQuery = Static<typeof TunnelQuery>;
