/** The connection to the controller. The agent opens every connection; the controller can only send
 * wake-ups. */
import { randomInt } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { api, type Body, type Reply, type Route, type RouteName } from '@preau/contract/api.ts';
import { type CityClock, createCityClock } from '@preau/contract/city-clock.ts';
import type { SignedState } from '@preau/contract/desired-state.ts';
import type { Enrolment, EnrolmentRequest } from '@preau/contract/enrolment.ts';
import { AppError, type ErrorCode, errorAsTold, errorCodes } from '@preau/contract/errors.ts';
import { agentNamespace, hubPath } from '@preau/contract/hub.ts';
import { io } from 'socket.io-client';
import { Compile } from 'typebox/compile';
import { type Identity, signCall } from './identity.ts';
import { explained, onProxyRefusal, openWayOut, senderFor, type WayOut } from './way-out.ts';

export interface ControllerLink {
  /** `knownPolicy`: the hash of the rules that need not be sent again. */
  readDesiredState: (knownPolicy: string | null) => Promise<SignedState>;
  sendReport: (report: Body<'sendReport'>) => Promise<Reply<'sendReport'>>;
  sendIcon: (icon: Body<'sendIcon'>) => Promise<void>;
  /** A file that was uploaded to the city, from byte `from` on. The caller checks length and
   * hash. */
  readPackage: (
    sha256: string,
    from: number,
    signal: AbortSignal,
  ) => Promise<AsyncIterable<Buffer>>;
  /** A file that a person sends to one of their sessions. The caller checks length and hash. */
  readTransfer: (transferId: string, signal: AbortSignal) => Promise<AsyncIterable<Buffer>>;
  /** Sends a file, or printed pages, that a person asked for. */
  sendTransfer: (
    transferId: string,
    announced: { sha256: string; size: number },
    content: Readable,
  ) => Promise<void>;
  /** Called on each wake-up and on each (re)connection. */
  onWake: (listener: () => void) => void;
  connected: () => boolean;
  /** The machine's clock minus the city's in ms, from its last answer, to about a second; null
   * before the first. Calls and orders go by the city's time all the same. */
  clockSkewMs: () => number | null;
  close: () => void;
}

const callTimeoutMs = 15_000;
const joinWithinMs = 5000;
/** 200 MiB at 700 kB/s. */
const sendWithinMs = 300_000;
/** Twice the largest answer there is, a signed state. */
const maxAnswerBytes = 8_000_000;

interface Wire extends WayOut {
  clock: CityClock;
}
const openWire = (controllerUrl: string, clock = createCityClock()): Wire => ({
  ...openWayOut(controllerUrl),
  clock,
});

/** `clock` learns the city's time from each answer, and each call is signed with it. */
export function openLink(identity: Identity, clock = createCityClock()): ControllerLink {
  const authorization = (method: string, path: string, body: string | null) => {
    const at = clock.now();
    return `Preau ${identity.serverId} ${at} ${signCall(identity, { method, path, body, at })}`;
  };
  const wire = openWire(identity.controllerUrl, clock);
  const socket = io(`${identity.controllerUrl}${agentNamespace}`, {
    path: hubPath,
    transports: ['websocket'],
    // Its declared type is the browser's; under Node it is an agent of node:http.
    ...(wire.single === false ? {} : { agent: wire.single as unknown as string }),
    auth: (give) => {
      const at = clock.now();
      give({
        serverId: identity.serverId,
        at,
        signature: signCall(identity, { method: 'LINK', path: agentNamespace, body: null, at }),
      });
    },
    // Full jitter, base 1 s, cap 60 s: 2,700 schools must not come back in the same second.
    reconnectionDelay: 1000,
    reconnectionDelayMax: 60_000,
    randomizationFactor: 1,
  });
  // socket.io does not retry after the hub's own check refuses. Here the cause may be a wrong clock,
  // and the city's time is known after the first call: then the agent retries soon.
  socket.on('connect_error', ({ message }) => {
    if (socket.active) return;
    const isClock = message.startsWith('CLOCK_SKEWED') && clock.skewMs() !== null;
    setTimeout(() => socket.connect(), randomInt(1000, isClock ? joinWithinMs : 60_000)).unref();
  });
  // After many failed attempts the next one may be a minute away. An answered call shows that the
  // controller is reachable: reconnect soon, at a random time so that not every agent does at once.
  let waits = false;
  let joining: NodeJS.Timeout | undefined;
  socket.io.on('error', () => {
    waits = true;
  });
  for (const event of ['reconnect_attempt', 'open'] as const) {
    socket.io.on(event, () => {
      waits = false;
    });
  }
  const answered = () => {
    if (!waits) return;
    joining ??= setTimeout(() => {
      joining = undefined;
      // An attempt in progress is left alone.
      if (waits) socket.disconnect().connect();
    }, randomInt(joinWithinMs)).unref();
  };
  const call = async <N extends RouteName>(name: N, body?: Body<N>, search = '') => {
    const send = () => callController(wire, name, body, authorization, search);
    // The refusal has told the city's time.
    const reply = await send().catch((error: unknown) => {
      if (error instanceof AppError && error.code === 'CLOCK_SKEWED') return send();
      throw error;
    });
    answered();
    return reply;
  };
  return {
    readDesiredState: (knownPolicy) =>
      call('readDesiredState', undefined, knownPolicy === null ? '' : `?policy=${knownPolicy}`),
    sendReport: (report) => call('sendReport', report),
    sendIcon: async (icon) => {
      await call('sendIcon', icon);
    },
    readPackage: async (sha256, from, signal) => {
      const path = `/api/agent/packages/${sha256}`;
      const response = await openStream(wire, {
        method: 'GET',
        path,
        headers: {
          authorization: authorization('GET', path, null),
          ...(from > 0 ? { range: `bytes=${from}-` } : {}),
        },
        signal,
      });
      return bytesOf(response, from > 0 ? 206 : 200, path);
    },
    readTransfer: async (transferId, signal) => {
      const path = `/api/agent/transfers/${transferId}`;
      return bytesOf(
        await openStream(wire, {
          method: 'GET',
          path,
          headers: { authorization: authorization('GET', path, null) },
          signal,
        }),
        200,
        path,
      );
    },
    sendTransfer: async (transferId, { sha256, size }, content) => {
      // The hash is part of the signed path: nobody else's bytes pass under this signature.
      const path = `/api/agent/transfers/${transferId}?sha256=${sha256}&size=${size}`;
      const headers = {
        authorization: authorization('POST', path, null),
        'content-type': 'application/octet-stream',
        'content-length': String(size),
      };
      await bytesOf(
        await openStream(wire, {
          method: 'POST',
          path,
          headers,
          signal: AbortSignal.timeout(sendWithinMs),
          content,
        }),
        204,
        path,
      );
    },
    onWake: (listener) => {
      socket.on('wake', listener);
      socket.on('connect', listener);
    },
    connected: () => socket.connected,
    clockSkewMs: () => clock.skewMs(),
    close: () => {
      clearTimeout(joining);
      waits = false;
      socket.disconnect();
      wire.kept.destroy();
    },
  };
}

export async function enrolWithController(
  controllerUrl: string,
  request: EnrolmentRequest,
): Promise<Enrolment> {
  const wire = openWire(controllerUrl);
  try {
    return await callController(wire, 'enrol', request, () => null);
  } finally {
    wire.kept.destroy();
  }
}

/** Validators, each compiled at its route's first answer: an agent uses only a few of the routes,
 * but a thousand times a day. */
const checks = new Map<RouteName, (answer: unknown) => boolean>();
function isReply(name: RouteName, answer: unknown): boolean {
  const known = checks.get(name);
  if (known !== undefined) return known(answer);
  const compiled = Compile((api[name] as Route).reply);
  const check = (value: unknown) => compiled.Check(value);
  checks.set(name, check);
  return check(answer);
}

/** Throws AppError with the controller's code, or another error when it cannot be reached. */
async function callController<N extends RouteName>(
  wire: Wire,
  name: N,
  body: unknown,
  authorization: (method: string, path: string, body: string | null) => string | null,
  search = '',
): Promise<Reply<N>> {
  const route: Route = api[name];
  const text = body === undefined ? null : JSON.stringify(body);
  const path = route.path + search;
  const header = authorization(route.method, path, text);
  const { status, answer } = await exchange(wire, {
    method: route.method,
    path,
    body: text,
    headers: {
      accept: 'application/json',
      'accept-encoding': 'gzip',
      ...(text === null
        ? {}
        : {
            'content-type': 'application/json',
            'content-length': String(Buffer.byteLength(text)),
          }),
      ...(header === null ? {} : { authorization: header }),
    },
  });
  if (status === 204) return null as Reply<N>;
  if (status < 200 || status > 299) {
    const { code, details } = (answer ?? {}) as {
      code?: string;
      details?: Record<string, unknown>;
    };
    throw errorAsTold(codeOf(status, code), details ?? { status });
  }
  if (!isReply(name, answer)) throw new AppError('VALIDATION_FAILED', { route: name });
  return answer as Reply<N>;
}

/** Follows no redirect. A connection that the other end closed while it was idle is no failure: the
 * call is sent once more. */
function exchange(
  wire: Wire,
  call: { method: string; path: string; headers: Record<string, string>; body: string | null },
  again = true,
): Promise<{ status: number; answer: unknown }> {
  return new Promise((resolve, reject) => {
    const sentAt = wire.clock.monotonic();
    const request = senderFor(wire.controllerUrl)(
      `${wire.controllerUrl}${call.path}`,
      {
        method: call.method,
        headers: call.headers,
        agent: wire.kept,
        signal: AbortSignal.timeout(callTimeoutMs),
      },
      (response) => {
        wire.clock.heard(response.headers.date, sentAt);
        readAnswer(response).then(
          (answer) => resolve({ status: response.statusCode ?? 0, answer }),
          reject,
        );
      },
    );
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (again && request.reusedSocket && error.code === 'ECONNRESET')
        resolve(exchange(wire, call, false));
      else explained(error, wire).then(reject, reject);
    });
    onProxyRefusal(request, wire, reject);
    request.end(call.body ?? undefined);
  });
}

/** A proxy in front answers in words of its own while the controller restarts. */
function codeOf(status: number, told: string | undefined): ErrorCode {
  if (errorCodes.includes(told as ErrorCode)) return told as ErrorCode;
  return status >= 502 && status <= 504 ? 'RESTARTING' : 'INTERNAL';
}

/** Throws AppError with the city's error code when the status is not the expected one. */
async function bytesOf(
  response: IncomingMessage,
  status: number,
  path: string,
): Promise<AsyncIterable<Buffer>> {
  if (response.statusCode === status) return response as AsyncIterable<Buffer>;
  const { code } = ((await readAnswer(response)) ?? {}) as { code?: string };
  throw errorAsTold(codeOf(response.statusCode ?? 0, code), {
    why: `the city answers ${response.statusCode} for ${path}`,
  });
}

/** On a connection of its own, so that calls do not wait behind a large file. */
function openStream(
  wire: Wire,
  {
    method,
    path,
    headers,
    signal,
    content,
  }: {
    method: string;
    path: string;
    headers: Record<string, string>;
    signal: AbortSignal;
    content?: Readable;
  },
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = senderFor(wire.controllerUrl)(
      `${wire.controllerUrl}${path}`,
      { method, headers, agent: wire.single, signal, timeout: callTimeoutMs },
      resolve,
    );
    onProxyRefusal(request, wire, reject);
    request.on('timeout', () =>
      request.destroy(new Error(`no byte from the city for ${callTimeoutMs / 1000} s`)),
    );
    request.on('error', (error) => explained(error, wire).then(reject, reject));
    if (content === undefined) request.end();
    else pipeline(content, request, (error) => error && reject(error));
  });
}

/** Null for what is not JSON. Throws when the answer is too long or breaks off. */
async function readAnswer(response: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const plain: AsyncIterable<Buffer> =
    response.headers['content-encoding'] === 'gzip'
      ? pipeline(response, createGunzip(), () => undefined)
      : response;
  for await (const chunk of plain) {
    bytes += chunk.length;
    if (bytes > maxAnswerBytes) throw new Error(`an answer of more than ${maxAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  } catch {
    return null;
  }
}
