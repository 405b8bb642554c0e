/** Delivers wake-ups over socket.io. A wake-up names what changed and never contains its data; the
 * contract's table of topics says who receives which. */
import { createServer, type IncomingMessage } from 'node:http';
import { isTeacher, isTechnician, type Role } from '@preau/contract/account.ts';
import { agentNamespace, consoleNamespace, hubPath, type WakeEvents } from '@preau/contract/hub.ts';
import {
  type Audience,
  audiences,
  kindOfTopic,
  namedBy,
  type Topic,
  type TopicRow,
} from '@preau/contract/topics.ts';
import { type Namespace, Server } from 'socket.io';
import { WebSocketServer } from 'ws';
import { budget, type Limits } from '#src/platform/budget.ts';
import type { Platform } from '#src/platform/platform.ts';
import { TokenBucket } from '#src/platform/token-bucket.ts';
import { quarantineServer } from '#src/sessions/quarantine.ts';
import { createLinkWatch } from './link-watch.ts';
import { actorOfAgentCall, actorOfCookie, cookieOf } from './sign-in.ts';
import type { Upgrade, UpgradeOwner } from './upgrades.ts';
import { socketLimits } from './web-sockets.ts';

/** The audiences this account belongs to, besides its own `person` and `sign-in` rooms. */
function audiencesOf(actor: { role: Role }): Audience[] {
  if (isTechnician(actor)) return ['everyone', 'teachers', 'contacts', 'technicians'];
  if (actor.role === 'contact') return ['everyone', 'teachers', 'contacts'];
  return isTeacher(actor) ? ['everyone', 'teachers'] : ['everyone'];
}

/** One room per audience, and one per agent, person or sign-in that a topic names. */
const roomOf = (to: Audience, topic: Topic): string =>
  to === 'agent' || to === 'person' || to === 'sign-in' ? `${to}:${namedBy(topic)}` : to;

export interface Hub {
  handleUpgrade: UpgradeOwner;
  close: () => Promise<void>;
}

export function createHub(
  deps: Platform & { originAllowed: (origin: string | undefined) => boolean },
  limits: Limits<'upgrades'> = budget.upgrades,
): Hub {
  // socket.io takes requests from a server of its own, which never listens: the upgrades of the
  // real one are handed to it by exact path, and nobody polls.
  const door = createServer();
  const io = new Server<Record<string, never>, WakeEvents>(door, {
    path: hubPath,
    serveClient: false,
    transports: ['websocket'],
    wsEngine: HubSockets,
    // The `cors` option does not guard WebSocket upgrades; this does. Agents send no Origin.
    allowRequest: (request: IncomingMessage, callback) =>
      callback(
        null,
        request.headers.origin === undefined || deps.originAllowed(request.headers.origin),
      ),
    destroyUpgrade: false,
    connectTimeout: limits.acceptMs,
    maxHttpBufferSize: limits.hubMessageBytes,
    pingInterval: 20_000,
    pingTimeout: 20_000,
  });
  /** Upgrades that have not said yet who they are. */
  const asking = new WeakMap<IncomingMessage, Upgrade>();
  const unwatch = boundClients(io, limits);

  const console = io.of(consoleNamespace);
  console.use((socket, next) => {
    actorOfCookie(deps, cookieOf(socket.request)).then(
      async (actor) => {
        await socket.join([`person:${actor.id}`, `sign-in:${actor.signIn}`, ...audiencesOf(actor)]);
        makeRoom(console, `sign-in:${actor.signIn}`, limits.hubPerSignIn);
        asking.get(socket.request)?.accept();
        next();
      },
      (error: Error) => next(error),
    );
  });

  const agents = io.of(agentNamespace);
  agents.use((socket, next) => {
    const { serverId, at, signature } = socket.handshake.auth as Record<string, unknown>;
    if (typeof serverId !== 'string' || typeof at !== 'number' || typeof signature !== 'string')
      return next(new Error('AGENT_REFUSED'));
    actorOfAgentCall(deps, {
      serverId,
      at,
      signature,
      method: 'LINK',
      path: agentNamespace,
      bodyHash: '',
    }).then(
      async (actor) => {
        await socket.join(`agent:${actor.id}`);
        makeRoom(agents, `agent:${actor.id}`, limits.hubPerServer);
        asking.get(socket.request)?.accept();
        next();
      },
      (error: Error) => next(error),
    );
  });
  const watch = createLinkWatch((serverId) => {
    const actor = { kind: 'job', id: 'hub', name: 'hub' } as const;
    deps.database
      .transaction()
      .execute((rows) => quarantineServer(deps, rows, actor, serverId, { seenBy: 'links' }))
      .then(deps.wakeups.wake, (error: unknown) =>
        deps.log.error({ err: error, server: serverId }, 'a clone was not set apart'),
      );
  });
  agents.on('connection', (socket) => {
    watch.opened(String(socket.handshake.auth['serverId']), socket.id);
    socket.conn.on('heartbeat', () => watch.answered(socket.id));
    socket.on('disconnect', () => watch.closed(socket.id));
  });
  // Neither namespace listens to messages from clients: reports and verbs come over HTTP, where
  // schemas and access checks apply.

  const undelivered = new Set<Topic>();
  const deliver = () => {
    const wakes = new Map<string, { to: Namespace; topics: (Topic | 'desired-state')[] }>();
    for (const topic of undelivered) {
      const { to, hangUp }: TopicRow = audiences[kindOfTopic(topic)];
      if (to === 'nobody') continue;
      const [namespace, room] = [to === 'agent' ? agents : console, roomOf(to, topic)];
      if (hangUp === true) namespace.in(room).disconnectSockets(true);
      else {
        const wake = wakes.get(room) ?? { to: namespace, topics: [] };
        wake.topics.push(to === 'agent' ? 'desired-state' : topic);
        wakes.set(room, wake);
      }
    }
    undelivered.clear();
    for (const [room, { to, topics }] of wakes) to.in(room).emit('wake', topics);
  };
  const stop = deps.wakeups.listen((topics) => {
    // The call that woke is answered first, and the topics of one moment travel together.
    if (undelivered.size === 0) setImmediate(deliver);
    for (const topic of topics) undelivered.add(topic);
  });
  return {
    handleUpgrade: (upgrade) => {
      asking.set(upgrade.request, upgrade);
      door.emit('upgrade', upgrade.request, upgrade.socket, upgrade.head);
    },
    close: async () => {
      stop();
      unwatch();
      await io.close();
    },
  };
}

/** The sockets that engine.io makes for the hub, with limits that it has no options for. */
class HubSockets extends WebSocketServer {
  constructor(options: ConstructorParameters<typeof WebSocketServer>[0]) {
    super({
      ...options,
      ...socketLimits({
        closeMs: budget.upgrades.closeMs,
        fragments: budget.upgrades.fragments,
      }),
    });
  }
}

/** Ends the oldest sockets in a room that holds too many: the page opened last is the one that
 * somebody looks at. */
function makeRoom(namespace: Namespace, room: string, most: number): void {
  const ids = [...(namespace.adapter.rooms.get(room) ?? [])];
  for (const id of ids.slice(0, Math.max(ids.length - most, 0)))
    namespace.sockets.get(id)?.disconnect(true);
}

/** A connection of engine.io, which types none of this. */
interface EngineConnection {
  request: IncomingMessage;
  writeBuffer: unknown[];
  on: (event: 'packet', listener: () => void) => void;
}
interface Engine {
  clients: Record<string, EngineConnection>;
  on: (event: 'connection', listener: (connection: EngineConnection) => void) => void;
}

/** Destroys clients that send more than an honest one ever does, or do not read what they are
 * sent. Returns what stops it. */
function boundClients(io: Server, limits: Limits<'upgrades'>): () => void {
  const engine = io.engine as unknown as Engine;
  const destroy = ({ request }: EngineConnection) => request.socket.destroy();
  engine.on('connection', (connection) => {
    const messages = new TokenBucket(limits.hubMessages, performance.now());
    const bytes = new TokenBucket(limits.hubBytes, performance.now());
    connection.on('packet', () => {
      if (messages.take(1, performance.now()) > 0) destroy(connection);
    });
    // Control frames and empty fragments make no packet, but they cost time too.
    connection.request.socket.on('data', (chunk: Buffer) => {
      if (bytes.take(chunk.length, performance.now()) > 0) destroy(connection);
    });
  });
  const timer = setInterval(() => {
    for (const connection of Object.values(engine.clients))
      if (connection.writeBuffer.length > limits.hubUnread) destroy(connection);
  }, limits.closeMs);
  timer.unref();
  return () => clearInterval(timer);
}
