/** Browser ↔ WebSocket ↔ guacd. Origin, cookie and one-use ticket are checked at the HTTP upgrade,
 * before anything is sent to guacd; the connection's settings and guacd's own ids never leave this
 * process. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { AppError } from '@preau/contract/errors.ts';
import { type WebSocket, WebSocketServer } from 'ws';
import type { AccountActor } from '#src/platform/actor.ts';
import { budget } from '#src/platform/budget.ts';
import { status } from '#src/platform/guacamole.ts';
import type { Platform } from '#src/platform/platform.ts';
import { type Attached, noteAlive, redeemTicket } from '#src/sessions/tunnel.ts';
import type { AddressOf } from '../client-address.ts';
import { SlowMeter } from '../slow-meter.ts';
import type { Upgrade, UpgradeOwner } from '../upgrades.ts';
import { socketLimits } from '../web-sockets.ts';
import { readQuery, readTicket } from './admission.ts';
import { runTunnel } from './tunnel.ts';

export const tunnelPath = '/api/tunnel';

export interface GatewayDeps extends Platform {
  originAllowed: (origin: string | undefined) => boolean;
  authenticate: (request: IncomingMessage) => Promise<AccountActor>;
  addressOf: AddressOf;
}

interface Tunnel extends Attached {
  raw: Socket;
  meter: SlowMeter;
  /** Has answered the last ping. */
  alive: boolean;
  /** When a key or the mouse was used since the last heartbeat. */
  touchedAt: number | null;
}

export interface Gateway {
  handleUpgrade: UpgradeOwner;
  close: () => void;
}

export interface GatewayLimits {
  /** Between two looks at all tunnels. */
  beatMs: number;
  slowestBytesPerSecond: number;
  slowForMs: number;
  perPerson: number;
}
const { slowestBytesPerSecond, slowForMs } = budget.connections;
const { beatMs, perPerson } = budget.tunnel;

export function createGateway(
  deps: GatewayDeps,
  limits: GatewayLimits = { beatMs, slowestBytesPerSecond, slowForMs, perPerson },
): Gateway {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: budget.tunnel.messageBytes,
    perMessageDeflate: false,
    ...socketLimits({ closeMs: budget.tunnel.closeMs, fragments: budget.tunnel.fragments }),
    // Answered by hand, as a flood of them would fill our buffers.
    autoPong: false,
    // Echoes only the protocol's name: the ticket beside it must not be sent back.
    handleProtocols: (protocols) => (protocols.has('guacamole') ? 'guacamole' : false),
  });
  const tunnels = new Map<WebSocket, Tunnel>();
  const heartbeat = setInterval(() => beat(deps, tunnels), limits.beatMs);

  const admit = async ({ request, socket, head, isOpen, accept }: Upgrade) => {
    if (!deps.originAllowed(request.headers.origin)) throw new AppError('ORIGIN_REFUSED');
    const actor = await deps.authenticate(request);
    const query = readQuery(request.url ?? '');
    const ticket = readTicket(request.headers['sec-websocket-protocol'] ?? '');
    const open = [...tunnels.values()].filter((tunnel) => tunnel.actor.id === actor.id).length;
    if (open >= limits.perPerson)
      throw new AppError('BUSY', { retryAfterS: budget.upgrades.retryAfterS });
    // A ticket works once: it is kept for a client that is still there.
    if (!isOpen()) return;
    const grant = await redeemTicket(deps, actor, ticket, deps.addressOf(request));
    if (!isOpen()) return;
    server.handleUpgrade(request, socket, head, (browser) => {
      accept();
      const meter = new SlowMeter({
        perSecond: limits.slowestBytesPerSecond,
        forMs: limits.slowForMs,
      });
      const tunnel: Tunnel = {
        actor,
        grant,
        raw: socket,
        meter,
        alive: true,
        touchedAt: null,
      };
      tunnels.set(browser, tunnel);
      browser.on('pong', () => {
        tunnel.alive = true;
      });
      browser.on('close', () => tunnels.delete(browser));
      const touch = () => {
        tunnel.touchedAt = deps.clock.now();
      };
      runTunnel(deps, { actor, grant, query, browser, raw: socket, touch });
    });
  };

  return {
    handleUpgrade: (upgrade) => {
      admit(upgrade).catch(upgrade.refuse);
    },
    close: () => {
      clearInterval(heartbeat);
      for (const socket of tunnels.keys()) socket.close(1012, String(status.serverBusy));
      server.close();
    },
  };
}

/** Bytes that the browser has taken so far; null while none wait for it. */
const unread = ({ raw }: Tunnel): number | null =>
  raw.writableLength === 0 ? null : raw.bytesWritten - raw.writableLength;

/** Terminates tunnels whose browser has not answered the last ping, or does not read what it gets,
 * and records which sessions are still connected. */
function beat(deps: Platform, tunnels: ReadonlyMap<WebSocket, Tunnel>): void {
  const touched = new Map<string, number>();
  for (const [socket, tunnel] of tunnels) {
    if (!tunnel.alive || tunnel.meter.isSlow(unread(tunnel), performance.now())) socket.terminate();
    tunnel.alive = false;
    if (socket.readyState === socket.OPEN) socket.ping();
    if (tunnel.touchedAt !== null) touched.set(tunnel.grant.sessionId, tunnel.touchedAt);
    tunnel.touchedAt = null;
  }
  noteAlive(deps, [...tunnels.values()], touched).catch((error: unknown) =>
    deps.log.warn({ err: error }, 'tunnels not noted'),
  );
}
