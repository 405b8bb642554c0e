/** One application running for one person, and what each of its states allows. */
import { type Static, Type } from 'typebox';
import { AccountId } from './account.ts';
import { ApplicationId } from './application.ts';
import { directions } from './rule.ts';
import { Id, Line, Nullable, OneOf, Slug, Strict, Translated } from './schema.ts';

export const SessionId = Id('ses');

/** `starting`: asked of the school's server. `ready`: the server has prepared it. `active`: a
 * browser is attached. `disconnected`: it runs on without a browser until `graceUntil`. `ended`,
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
  'agent_stopped',
  'lost',
  'access_ended',
  'time_over',
  'idle',
] as const;
export type EndReason = (typeof endReasons)[number];

/** What may be done with a session, read by the controller that enforces and by the console that
 * shows. */
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
  /** When the agent saw the application's window: that is "open". */
  openedAt: Nullable(Type.Integer()),
  graceUntil: Nullable(Type.Integer()),
  /** When it will be ended, because the person's access or its own time ends then; null while
   * nothing of the kind is in sight. */
  endsAt: Nullable(Type.Integer()),
  endedAt: Nullable(Type.Integer()),
  endReason: Nullable(OneOf(endReasons)),
  failureCode: Nullable(Type.String()),
});
export type Session = Static<typeof Session>;

/** What a technician sees of a session. */
export const SessionRow = Strict({
  ...Session.properties,
  accountId: AccountId,
  personName: Line(120),
  siteName: Line(120),
  serverName: Line(120),
});
export type SessionRow = Static<typeof SessionRow>;

/** One use, 30 seconds, bound to the person: lets one browser open the tunnel of one session. It
 * travels in the WebSocket's subprotocol list, never in a URL. `clipboard`: what may flow there;
 * the gateway sees to it. `files`, `printing`: whether the page offers them. */
export const Ticket = Strict({
  ticket: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
  expiresAt: Type.Integer(),
  clipboard: OneOf(directions),
  files: OneOf(directions),
  printing: Type.Boolean(),
  recording: Type.Boolean(),
});
export type Ticket = Static<typeof Ticket>;

export const tunnelSize = { min: 200, max: 8192 } as const;
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
