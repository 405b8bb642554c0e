/** Browser ↔ WebSocket ↔ guacd. Origin, cookie and one-use ticket are checked at the HTTP upgrade,
 * before anything is sent to guacd; the connection's settings and guacd's own ids never leave this
 * process. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { AppError } from '@preau/contract/errors.ts';
import { type WebSocket, WebSocketServer } from 'ws';
import type { AccountActor } from '#src/platform/actor.ts';
import { budget } from '#src/platform/budget.ts';
import { status } from '#src/platform/guacamole.ts';
import type { Platform } from '#src/platform/platform.ts';
import { type Grant, noteAlive, redeemTicket } from '#src/sessions/tunnel.ts';
import type { AddressOf } from '../client-address.ts';
import { readQuery, readTicket, refuse } from './admission.ts';
import { runTunnel } from './tunnel.ts';

const tunnelPath = '/api/tunnel';
const aliveEveryMs = 10_000;

export interface GatewayDeps extends Platform {
  originAllowed: (origin: string | undefined) => boolean;
  authenticate: (request: IncomingMessage) => Promise<AccountActor>;
  addressOf: AddressOf;
}

interface Tunnel {
  grant: Grant;
  /** Has answered the last ping. */
  alive: boolean;
  /** When a key or the mouse was used since the last heartbeat. */
  touchedAt: number | null;
}

export interface Gateway {
  /** True when the request is for a tunnel: the gateway then accepts or refuses it. */
  handleUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean;
  close: () => void;
}

export function createGateway(deps: GatewayDeps): Gateway {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: budget.tunnel.messageBytes,
    perMessageDeflate: false,
    // Echoes only the protocol's name: the ticket beside it must not be sent back.
    handleProtocols: (protocols) => (protocols.has('guacamole') ? 'guacamole' : false),
  });
  const tunnels = new Map<WebSocket, Tunnel>();
  const heartbeat = setInterval(() => beat(deps, tunnels), aliveEveryMs);

  const admit = async (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (!deps.originAllowed(request.headers.origin)) throw new AppError('ORIGIN_REFUSED');
    const actor = await deps.authenticate(request);
    const query = readQuery(request.url ?? '');
    const grant = await redeemTicket(
      deps,
      actor,
      readTicket(request.headers['sec-websocket-protocol'] ?? ''),
      deps.addressOf(request),
    );
    server.handleUpgrade(request, socket, head, (browser) => {
      const tunnel: Tunnel = { grant, alive: true, touchedAt: null };
      tunnels.set(browser, tunnel);
      browser.on('pong', () => {
        tunnel.alive = true;
      });
      browser.on('close', () => tunnels.delete(browser));
      const touch = () => {
        tunnel.touchedAt = deps.clock.now();
      };
      runTunnel(deps, { actor, grant, query, browser, touch });
    });
  };

  return {
    handleUpgrade: (request, socket, head) => {
      if (!(request.url ?? '').startsWith(`${tunnelPath}?`) && request.url !== tunnelPath)
        return false;
      socket.on('error', () => socket.destroy());
      admit(request, socket, head).catch((error: unknown) => refuse(deps.log, socket, error));
      return true;
    },
    close: () => {
      clearInterval(heartbeat);
      for (const socket of tunnels.keys()) socket.close(1012, String(status.serverBusy));
      server.close();
    },
  };
}

/** Terminates tunnels whose browser has not answered the last ping, and records which sessions are
 * still connected. */
function beat(deps: Platform, tunnels: ReadonlyMap<WebSocket, Tunnel>): void {
  const touched = new Map<string, number>();
  for (const [socket, tunnel] of tunnels) {
    if (!tunnel.alive) socket.terminate();
    tunnel.alive = false;
    if (socket.readyState === socket.OPEN) socket.ping();
    if (tunnel.touchedAt !== null) touched.set(tunnel.grant.sessionId, tunnel.touchedAt);
    tunnel.touchedAt = null;
  }
  const alive = [...tunnels.values()].map((tunnel) => tunnel.grant.sessionId);
  noteAlive(deps, alive, touched).catch((error: unknown) =>
    deps.log.warn({ error }, 'tunnels not noted'),
  );
}
