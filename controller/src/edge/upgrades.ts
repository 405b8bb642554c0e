/** Decides who owns a connection that asks to become a WebSocket, by its exact path. What nobody
 * owns is refused and destroyed at once. An owned one waits until its owner knows who asks: for a
 * bounded time, and in a bounded number, of which the newest stay. */
import type { IncomingMessage, Server } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { AppError, type ErrorCode, errors } from '@preau/contract/errors.ts';
import { budget, type Limits } from '#src/platform/budget.ts';
import type { Log } from '#src/platform/log.ts';
import type { AddressOf } from './client-address.ts';
import { mostConnections } from './connections.ts';
import { WaitingRoom } from './waiting-room.ts';

export interface Upgrade {
  request: IncomingMessage;
  socket: Socket;
  head: Buffer;
  /** False once the client has left or was refused: its owner then does nothing more. */
  isOpen: () => boolean;
  /** The owner knows who it is, and bounds it from now on. */
  accept: () => void;
  refuse: (error: unknown) => void;
}

export type UpgradeOwner = (upgrade: Upgrade) => void;

/** `owners`: exact path, without the query, to its owner. */
export function routeUpgrades(
  server: Server,
  owners: Readonly<Record<string, UpgradeOwner>>,
  deps: { log: Log; addressOf: AddressOf },
  limits: Limits<'upgrades'> = budget.upgrades,
): { waiting: () => number; close: () => void } {
  const share = Math.floor(mostConnections() * limits.waitingShare);
  const room = new WaitingRoom({
    perKey: Math.min(limits.waitingPerAddress, share),
    total: Math.min(limits.waiting, share),
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // A client that resets the connection is no fault of ours.
    socket.on('error', () => socket.destroy());
    // The type allows for streams that an HTTP server over TCP never gives.
    if (!(socket instanceof Socket)) return void socket.destroy();
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    const owner = Object.hasOwn(owners, path) ? owners[path] : undefined;
    if (owner === undefined) return refuseUpgrade(socket, 'NOT_FOUND');
    const sentBefore = socket.bytesWritten;
    let isOpen = true;
    const over = () => {
      isOpen = false;
      clearTimeout(late);
      leave();
    };
    const refuse = (error: unknown) => {
      if (!isOpen) return;
      over();
      if (!(error instanceof AppError)) deps.log.error({ err: error, path }, 'upgrade refused');
      refuseUpgrade(socket, error instanceof AppError ? error.code : 'INTERNAL');
    };
    const busy = () => {
      // What the owner has already answered cannot be followed by a refusal.
      if (socket.bytesWritten > sentBefore) socket.destroy();
      else refuse(new AppError('BUSY', { retryAfterS: limits.retryAfterS }));
    };
    const late = setTimeout(busy, limits.acceptMs);
    const leave = room.enter(deps.addressOf(request), busy);
    socket.once('close', over);
    const accept = () => {
      clearTimeout(late);
      leave();
    };
    try {
      owner({ request, socket, head, isOpen: () => isOpen, accept, refuse });
    } catch (error) {
      refuse(error);
    }
  });
  return { waiting: () => room.size, close: () => room.empty() };
}

/** Answers with the code's status and sentences, then destroys the connection, whether the client
 * has read them or not. */
function refuseUpgrade(socket: Socket, code: ErrorCode): void {
  const { status, fr, en, retryable } = errors[code];
  const body = JSON.stringify({ code, message: { fr, en }, retryable });
  const late = setTimeout(() => socket.destroy(), budget.upgrades.refusalMs);
  socket.once('close', () => clearTimeout(late));
  // Unread bytes would turn our end into a reset, which takes the answer with it.
  socket.resume();
  socket.end(
    [
      `HTTP/1.1 ${status} Refused`,
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      ...(retryable ? [`Retry-After: ${budget.upgrades.retryAfterS}`] : []),
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
    () => setTimeout(() => socket.destroy(), 50),
  );
}
