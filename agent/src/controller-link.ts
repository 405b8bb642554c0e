/** The only user of the network. Everything is dialled from here; the controller can only ring a bell. */
import { randomInt } from 'node:crypto';
import { api, type Body, type Reply, type Route, type RouteName } from '@preau/contract/api.ts';
import type { SignedState } from '@preau/contract/desired-state.ts';
import type { Enrolment, EnrolmentRequest } from '@preau/contract/enrolment.ts';
import { AppError, type ErrorCode, errorCodes } from '@preau/contract/errors.ts';
import { agentNamespace, hubPath } from '@preau/contract/hub.ts';
import { io } from 'socket.io-client';
import { Compile } from 'typebox/compile';
import { type Identity, signCall } from './identity.ts';

export interface ControllerLink {
  readDesiredState: () => Promise<SignedState>;
  sendReport: (report: Body<'sendReport'>) => Promise<Reply<'sendReport'>>;
  sendIcon: (icon: Body<'sendIcon'>) => Promise<void>;
  /** Rings on each wake-up and on each (re)connection. */
  onWake: (listener: () => void) => void;
  connected: () => boolean;
  close: () => void;
}

const callTimeoutMs = 15_000;

export function openLink(identity: Identity): ControllerLink {
  const authorization = (method: string, path: string, body: string | null) => {
    const at = Date.now();
    return `Preau ${identity.serverId} ${at} ${signCall(identity, { method, path, body, at })}`;
  };
  const socket = io(`${identity.controllerUrl}${agentNamespace}`, {
    path: hubPath,
    transports: ['websocket'],
    auth: (give) => {
      const at = Date.now();
      give({ serverId: identity.serverId, at, signature: signCall(identity, { method: 'LINK', path: agentNamespace, body: null, at }) });
    },
    // Full jitter, base 1 s, cap 60 s: 2,700 schools must not come back in the same second.
    reconnectionDelay: 1000,
    reconnectionDelayMax: 60_000,
    randomizationFactor: 1,
  });
  // A refusal by the hub's own check is final for socket.io; for us it may be a wrong clock that gets mended.
  socket.on('connect_error', () => {
    if (!socket.active) setTimeout(() => socket.connect(), randomInt(1000, 60_000)).unref();
  });
  const call = <N extends RouteName>(name: N, body?: Body<N>) => callController(identity.controllerUrl, name, body, authorization);
  return {
    readDesiredState: () => call('readDesiredState'),
    sendReport: (report) => call('sendReport', report),
    sendIcon: async (icon) => {
      await call('sendIcon', icon);
    },
    onWake: (listener) => {
      socket.on('wake', listener);
      socket.on('connect', listener);
    },
    connected: () => socket.connected,
    close: () => socket.disconnect(),
  };
}

export const enrolWithController = (controllerUrl: string, request: EnrolmentRequest): Promise<Enrolment> => callController(controllerUrl, 'enrol', request, () => null);

/** Throws AppError with the controller's code, or another error when it cannot be reached. */
async function callController<N extends RouteName>(
  controllerUrl: string,
  name: N,
  body: unknown,
  authorization: (method: string, path: string, body: string | null) => string | null,
): Promise<Reply<N>> {
  const route: Route = api[name];
  const text = body === undefined ? null : JSON.stringify(body);
  const header = authorization(route.method, route.path, text);
  const response = await fetch(`${controllerUrl}${route.path}`, {
    method: route.method,
    headers: { ...(text === null ? {} : { 'content-type': 'application/json' }), ...(header === null ? {} : { authorization: header }) },
    body: text,
    redirect: 'error',
    signal: AbortSignal.timeout(callTimeoutMs),
  });
  if (response.status === 204) return null as Reply<N>;
  const answer: unknown = await response.json().catch(() => null);
  if (!response.ok) {
    const { code, details } = (answer ?? {}) as { code?: string; details?: Record<string, unknown> };
    throw new AppError(errorCodes.includes(code as ErrorCode) ? (code as ErrorCode) : 'INTERNAL', details ?? { status: response.status });
  }
  if (!Compile(route.reply).Check(answer)) throw new AppError('VALIDATION_FAILED', { route: name });
  return answer as Reply<N>;
}
