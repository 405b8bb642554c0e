/** Pages that refresh themselves: the hub names what changed, and the page reads it again. A slow
 * timer is the safety net. */

import { consoleNamespace, hubPath } from '@preau/contract/hub.ts';
import type { PageTopic } from '@preau/contract/topics.ts';
import type { Socket } from 'socket.io-client';
import { untrack } from 'svelte';
import { page } from './page.svelte.ts';

const safetyNetMs = 45_000;
const retryMs = 10_000;
let socket: Socket | null = null;
/** Rises each time the hub is opened or closed: results that arrive late for an earlier call are
 * dropped. */
let wish = 0;
/** Stands for every topic: anything may have changed. */
const everything = '*';
type Heard = readonly (PageTopic | typeof everything)[];
const listeners = new Set<(topics: Heard) => void>();

/** Loads the socket library after the page itself, whose first content needs no wake-up. */
export function openHub(): void {
  closeHub();
  const mine = wish;
  const isWished = () => mine === wish;
  void import('socket.io-client').then(
    ({ io }) => isWished() && listen(io),
    () => setTimeout(() => isWished() && openHub(), retryMs),
  );
}

function listen(io: typeof import('socket.io-client').io): void {
  socket = io(consoleNamespace, {
    path: hubPath,
    transports: ['websocket'],
    reconnectionDelay: 500,
    reconnectionDelayMax: 10_000,
    randomizationFactor: 0.8,
  });
  socket.on('wake', (topics: Heard) => {
    for (const listener of listeners) listener(topics);
  });
  // Changes missed while disconnected are read again.
  socket.on('connect', () => {
    page.online = true;
    page.restarting = false;
    for (const listener of listeners) listener([everything]);
  });
  socket.on('disconnect', (reason) => {
    // The controller closed the connection, most likely because the sign-in ended. The next read
    // finds out.
    if (reason === 'io server disconnect') for (const listener of listeners) listener([everything]);
    else if (reason !== 'io client disconnect') page.online = false;
  });
}

export function closeHub(): void {
  wish += 1;
  socket?.disconnect();
  socket = null;
}

/** Loads now, on each wake-up of a topic that `cares` accepts, and every 45 s. Call inside
 * `$effect`; returns a function that stops it. */
export function keepFresh(
  cares: (topic: PageTopic) => boolean,
  load: () => Promise<void>,
): () => void {
  let busy = false;
  let again = false;
  const run = async () => {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    do {
      again = false;
      await load().catch(() => undefined);
    } while (again);
    busy = false;
  };
  const listener = (topics: Heard) => {
    if (topics.some((topic) => topic === everything || cares(topic))) void run();
  };
  listeners.add(listener);
  const timer = setInterval(() => void run(), safetyNetMs);
  // Untracked: state that `load` reads must not run the page's effect again.
  untrack(() => void run());
  return () => {
    listeners.delete(listener);
    clearInterval(timer);
  };
}
