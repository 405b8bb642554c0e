/** The doorbell: socket.io rooms named after wake-up topics. It carries names of what changed,
 * never what it is now. */
import type { Server as HttpServer, IncomingMessage } from 'node:http';
import { isTeacher, isTechnician } from '@preau/contract/account.ts';
import { agentNamespace, consoleNamespace, hubPath, type WakeEvents } from '@preau/contract/hub.ts';
import { Server } from 'socket.io';
import type { Platform } from '#src/platform/platform.ts';
import { quarantineServer } from '#src/sessions/quarantine.ts';
import { createLinkWatch } from './link-watch.ts';
import { actorOfAgentCall, actorOfCookie, cookieOf } from './sign-in.ts';

const technicianTopics = [
  'sites',
  'servers',
  'applications',
  'rules',
  'sessions',
  'audit',
  'rollouts',
  'requests',
  'classes',
  'people',
  'directories',
  'recordings',
];

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
    // Other upgrades are the gateway's business.
    destroyUpgrade: false,
    maxHttpBufferSize: 16_384,
    pingInterval: 20_000,
    pingTimeout: 20_000,
  });

  const console = io.of(consoleNamespace);
  console.use((socket, next) => {
    actorOfCookie(deps, cookieOf(socket.request)).then(
      async (actor) => {
        await socket.join([
          `person:${actor.id}`,
          `sign-in:${actor.signIn}`,
          'portal',
          ...(isTechnician(actor)
            ? technicianTopics
            : actor.role === 'contact'
              ? ['requests', 'classes']
              : isTeacher(actor)
                ? ['classes']
                : []),
        ]);
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
  // Nothing is heard on either namespace: reports and verbs come over HTTP, where they have schemas
  // and policies.

  const stop = deps.wakeups.listen((topics) => {
    for (const topic of topics) {
      if (topic.startsWith('agent:')) agents.to(topic).emit('wake', ['desired-state']);
      else if (topic.startsWith('retired:'))
        agents.in(`agent:${topic.slice('retired:'.length)}`).disconnectSockets(true);
      else if (topic.startsWith('sign-in:')) console.in(topic).disconnectSockets(true);
      // A room for each would be many; technicians are few.
      else if (topic.startsWith('addition:')) console.to('servers').emit('wake', [topic]);
      else console.to(topic).emit('wake', [topic]);
    }
  });
  return {
    close: async () => {
      stop();
      await io.close();
    },
  };
}
