/** Delivers wake-ups over socket.io. A wake-up names what changed and never contains its data; the
 * contract's table of topics says who receives which. */
import type { Server as HttpServer, IncomingMessage } from 'node:http';
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
import { Server } from 'socket.io';
import { budget } from '#src/platform/budget.ts';
import type { Platform } from '#src/platform/platform.ts';
import { quarantineServer } from '#src/sessions/quarantine.ts';
import { createLinkWatch } from './link-watch.ts';
import { actorOfAgentCall, actorOfCookie, cookieOf } from './sign-in.ts';

/** The audiences this account belongs to, besides its own `person` and `sign-in` rooms. */
function audiencesOf(actor: { role: Role }): Audience[] {
  if (isTechnician(actor)) return ['everyone', 'teachers', 'contacts', 'technicians'];
  if (actor.role === 'contact') return ['everyone', 'teachers', 'contacts'];
  return isTeacher(actor) ? ['everyone', 'teachers'] : ['everyone'];
}

/** One room per audience, and one per agent, person or sign-in that a topic names. */
const roomOf = (to: Audience, topic: Topic): string =>
  to === 'agent' || to === 'person' || to === 'sign-in' ? `${to}:${namedBy(topic)}` : to;

export function createHub(
  deps: Platform & { originAllowed: (origin: string | undefined) => boolean },
  http: HttpServer,
): { close: () => Promise<void> } {
  const io = new Server<Record<string, never>, WakeEvents>(http, {
    path: hubPath,
    serveClient: false,
    // The `cors` option does not guard WebSocket upgrades; this does. Agents send no Origin.
    allowRequest: (request: IncomingMessage, callback) =>
      callback(
        null,
        request.headers.origin === undefined || deps.originAllowed(request.headers.origin),
      ),
    // Other upgrades belong to the gateway.
    destroyUpgrade: false,
    maxHttpBufferSize: budget.upgrades.hubMessageBytes,
    pingInterval: 20_000,
    pingTimeout: 20_000,
  });

  const console = io.of(consoleNamespace);
  console.use((socket, next) => {
    actorOfCookie(deps, cookieOf(socket.request)).then(
      async (actor) => {
        await socket.join([`person:${actor.id}`, `sign-in:${actor.signIn}`, ...audiencesOf(actor)]);
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

  const stop = deps.wakeups.listen((topics) => {
    for (const topic of topics) {
      const { to, hangUp }: TopicRow = audiences[kindOfTopic(topic)];
      if (to === 'nobody') continue;
      const room = (to === 'agent' ? agents : console).in(roomOf(to, topic));
      if (hangUp === true) room.disconnectSockets(true);
      else room.emit('wake', [to === 'agent' ? 'desired-state' : topic]);
    }
  });
  return {
    close: async () => {
      stop();
      await io.close();
    },
  };
}
