/** A gateway between WebSockets and a guacd that says what the protocol asks of it, and then what a
 * test tells it to. */
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { defaultTerms, plainRule, type Terms } from '@preau/contract/rule.ts';
import { WebSocket } from 'ws';
import { createRule } from '#src/access/rules.ts';
import type { AccountActor } from '#src/platform/actor.ts';
import { budget } from '#src/platform/budget.ts';
import { decode, encode, type Instruction, InstructionFramer } from '#src/platform/guacamole.ts';
import { acceptReport } from '#src/reports/accept-report.ts';
import { launch } from '#src/sessions/launch.ts';
import { type City, makeCity, publicUrl, readySession } from '#src/testing.fixture.ts';
import { routeUpgrades } from '../upgrades.ts';
import { createGateway, type GatewayLimits, tunnelPath } from './gateway.ts';

const listen = async (server: Server | HttpServer): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};

/** What a guacd was told, and its end of the newest tunnel. */
export interface ScriptedGuacd {
  heard: Instruction[];
  socket: Socket | null;
  bytes: number;
}
type Limits = { -readonly [K in keyof GatewayLimits]: GatewayLimits[K] };
export type GatewayCity = Awaited<ReturnType<typeof openGatewayCity>>;

/** `asks`: the settings that guacd says it takes. */
export async function openGatewayCity({
  asks = ['hostname', 'password', 'disable-paste'],
  settings = {},
  beatMs = 1000,
}: {
  asks?: readonly string[];
  settings?: Record<string, string>;
  beatMs?: number;
} = {}) {
  const guacd: ScriptedGuacd = { heard: [], socket: null, bytes: 0 };
  const server = createServer((socket) => {
    const framer = new InstructionFramer();
    guacd.socket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      guacd.bytes += chunk.length;
      for (const instruction of decode(framer.push(chunk)?.toString() ?? '') ?? []) {
        guacd.heard.push(instruction);
        if (instruction[0] === 'select') socket.write(encode(['args', 'VERSION_1_5_0', ...asks]));
        // The first picture shares the chunk of `ready`.
        if (instruction[0] === 'connect')
          socket.write(encode(['ready', '$guacd-own-id']) + encode(['sync', '1']));
      }
    });
  });
  const city = await makeCity(':memory:', {
    PREAU_GUACD_HOST: '127.0.0.1',
    PREAU_GUACD_PORT: String(await listen(server)),
    ...settings,
  });
  const { slowestBytesPerSecond, slowForMs } = budget.connections;
  const { perPerson } = budget.tunnel;
  const limits: Limits = { beatMs, slowestBytesPerSecond, slowForMs, perPerson };
  const http = createHttpServer();
  /** Whoever opens a tunnel next. */
  const caller = { actor: city.pupil };
  const closeGateway = serve(city, { limits, caller }, http);
  const port = await listen(http);
  return {
    city,
    limits,
    caller,
    guacd,
    open: (ticket: string, how?: Parameters<typeof openTunnel>[2]) => openTunnel(port, ticket, how),
    startSession: (terms?: Partial<Terms>) => startSession(city, caller.actor, terms),
    close: async () => {
      closeGateway();
      http.closeAllConnections();
      http.close();
      guacd.socket?.destroy();
      server.close();
      await city.close();
    },
  };
}

/** Returns what closes the gateway. */
function serve(
  city: City,
  { limits, caller }: { limits: Limits; caller: { actor: AccountActor } },
  http: HttpServer,
): () => void {
  const gateway = createGateway(
    {
      ...city.platform,
      originAllowed: (origin) => origin === publicUrl,
      authenticate: async () => caller.actor,
      addressOf: () => '127.0.0.1',
    },
    limits,
  );
  routeUpgrades(
    http,
    { [tunnelPath]: gateway.handleUpgrade },
    { log: city.platform.log, addressOf: () => '127.0.0.1' },
  );
  return gateway.close;
}

/** A session whose display is ready; `terms`: what a rule for such people says of it. */
async function startSession(
  { platform, technician, applications, agent }: City,
  actor: AccountActor,
  terms?: Partial<Terms>,
): Promise<{ id: string; ticket: string }> {
  if (terms !== undefined)
    await createRule(platform, technician, {
      ...plainRule,
      effect: 'allow',
      target: { kind: 'application', applicationId: applications.tuxpaint.id },
      audience: { kind: 'role', role: actor.role },
      how: { ...defaultTerms, ...terms },
    });
  const { session, ticket } = await launch(platform, actor, {
    application: 'tuxpaint',
    language: 'fr',
    address: null,
  });
  const report = agent.report({ sessions: [readySession(session.id, 1)] });
  await acceptReport(platform, agent.actor, report);
  return { id: session.id, ticket: ticket.ticket };
}

/** `autoPong` false: a device that answers no ping. */
function openTunnel(
  port: number,
  ticket: string,
  { query = 'width=1280&height=720&dpi=96', origin = publicUrl, autoPong = true } = {},
) {
  const socket = new WebSocket(
    `ws://127.0.0.1:${port}/api/tunnel?${query}`,
    ['guacamole', `ticket.${ticket}`],
    { headers: { origin }, autoPong },
  );
  const seen: Instruction[] = [];
  let refused: { status: number | undefined; code: string } | null = null;
  let closed: string | null = null;
  socket.on('error', () => undefined);
  socket.on('message', (data) => seen.push(...(decode(data.toString()) ?? [])));
  socket.on('close', (code, reason) => {
    closed = `${code} ${reason.toString()}`;
  });
  socket.on('unexpected-response', (_request, response) => {
    response.on('data', (chunk: Buffer) => {
      const { code } = JSON.parse(chunk.toString()) as { code: string };
      refused = { status: response.statusCode, code };
    });
  });
  return { socket, seen, refused: () => refused, closed: () => closed };
}
