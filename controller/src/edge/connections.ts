/** Bounds the server's connections. One that waits for its client (for a header, for a body, for an
 * answer to be read) may do so for a while; when there are too many connections, those that have
 * waited longest are ended, because an honest client makes us wait for milliseconds. So whoever
 * holds a thousand of them keeps nobody else out, whatever their address. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { budget } from '#src/platform/budget.ts';
import { openFilesLimit } from '#src/platform/open-files.ts';
import { SlowMeter } from './slow-meter.ts';

interface Connection {
  socket: Socket;
  /** Since when it has been as it is: opened, in a call, or idle again. */
  since: number;
  call: { request: IncomingMessage; response: ServerResponse; admitted: boolean } | null;
  /** No HTTP any more. */
  upgraded: boolean;
  meter: SlowMeter;
  /** What the meter measures. */
  waitsFor: 'body' | 'answer' | null;
}

export interface Connections {
  /** Every call passes here before anything else sees it. */
  began: (request: IncomingMessage, response: ServerResponse) => void;
  count: () => number;
  /** Destroys all of them, upgraded ones too. */
  end: () => void;
}

export interface ConnectionLimits {
  most: number;
  slowestBytesPerSecond: number;
  slowForMs: number;
  bodyMs: number;
}

const { shareOfOpenFiles, ...limits } = budget.connections;
/** As many as the files that this process may open allow. */
export const mostConnections = (): number =>
  Math.min(limits.most, Math.floor(openFilesLimit() * shareOfOpenFiles));
const ownLimits = (): ConnectionLimits => ({ ...limits, most: mostConnections() });

/** Emitted on a request once its caller may send a long body: it is then no longer measured by
 * `bodyMs`, only by its speed. */
export const admitted = 'preau-admitted';

export function watchConnections(
  server: Server,
  { most, slowestBytesPerSecond, slowForMs, bodyMs }: ConnectionLimits = ownLimits(),
): Connections {
  const all = new Map<Socket, Connection>();
  const slowest = { perSecond: slowestBytesPerSecond, forMs: slowForMs };
  server.headersTimeout = limits.headerMs;
  server.keepAliveTimeout = limits.idleMs;
  // Long files take longer than any fixed time: `slowForMs` and `bodyMs` bound them instead.
  server.requestTimeout = 0;
  server.timeout = 0;
  server.maxRequestsPerSocket = 0;
  server.maxConnections = most;

  server.on('connection', (socket) => {
    all.set(socket, {
      socket,
      since: performance.now(),
      call: null,
      upgraded: false,
      meter: new SlowMeter(slowest),
      waitsFor: null,
    });
    socket.once('close', () => all.delete(socket));
    if (all.size > most * 0.9) relieve();
  });
  server.on('upgrade', (request) => {
    const connection = all.get(request.socket);
    if (connection !== undefined) connection.upgraded = true;
  });

  /** Ends those that have waited longest for their clients, until a fifth is free again. */
  const relieve = () => {
    const waiting = [...all.values()]
      .filter((connection) => waitsForClient(connection))
      .sort((a, b) => a.since - b.since);
    for (const { socket } of waiting.slice(0, all.size - Math.floor(most * 0.8))) socket.destroy();
  };

  const look = () => {
    const now = performance.now();
    for (const connection of all.values()) {
      const { call, socket, since } = connection;
      if (call === null || connection.upgraded) continue;
      if (!call.request.complete && !call.admitted && now - since > bodyMs) socket.destroy();
      else if (isSlow(connection, now)) socket.destroy();
    }
  };
  const isSlow = (connection: Connection, now: number): boolean => {
    const { waitsFor, bytes } = movedSoFar(connection);
    // A new count begins in the other direction.
    if (waitsFor !== connection.waitsFor) connection.meter = new SlowMeter(slowest);
    connection.waitsFor = waitsFor;
    return connection.meter.isSlow(bytes, now);
  };
  const timer = setInterval(look, Math.min(slowForMs, bodyMs) / 6);
  timer.unref();

  return {
    began: (request, response) => {
      const connection = all.get(request.socket);
      if (connection === undefined) return;
      const call = { request, response, admitted: false };
      Object.assign(connection, { call, since: performance.now(), waitsFor: null });
      request.once(admitted, () => {
        call.admitted = true;
      });
      response.once('close', () => {
        if (connection.call !== call) return;
        Object.assign(connection, { call: null, since: performance.now(), waitsFor: null });
      });
    },
    count: () => all.size,
    end: () => {
      clearInterval(timer);
      for (const socket of all.keys()) socket.destroy();
    },
  };
}

function waitsForClient({ socket, call, upgraded }: Connection): boolean {
  if (upgraded) return false;
  return call === null || (!call.request.complete && !call.admitted) || socket.writableLength > 0;
}

/** Nothing while we do not wait for the client, but work on its call, or leave its bytes unread. */
function movedSoFar({ socket, call }: Connection): {
  waitsFor: Connection['waitsFor'];
  bytes: number | null;
} {
  if (call !== null && socket.writableLength > 0)
    return { waitsFor: 'answer', bytes: socket.bytesWritten - socket.writableLength };
  // What waits to be read by us fills the buffer first, however we read.
  if (call !== null && !call.request.complete && call.request.readableLength === 0)
    return { waitsFor: 'body', bytes: socket.bytesRead };
  return { waitsFor: null, bytes: null };
}
