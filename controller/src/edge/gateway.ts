/** Browser ↔ WebSocket ↔ guacd. Origin, cookie and one-use ticket are checked at the HTTP upgrade,
 * before guacd hears anything; the connection's settings and guacd's own ids never leave this
 * process. */
import type { IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { AppError, errors } from '@preau/contract/errors.ts';
import type { DisplayCredentials } from '@preau/contract/report.ts';
import { TunnelQuery } from '@preau/contract/session.ts';
import { Compile } from 'typebox/compile';
import { type WebSocket, WebSocketServer } from 'ws';
import type { AccountActor } from '#src/platform/actor.ts';
import {
  createForwarder,
  decode,
  encode,
  type Instruction,
  InstructionFramer,
  pictureOnly,
  status,
} from '#src/platform/guacamole.ts';
import type { Platform } from '#src/platform/platform.ts';
import { type Recorder, startRecording } from '#src/sessions/recordings/recordings.ts';
import {
  type Grant,
  noteAlive,
  noteAttached,
  noteLeft,
  reasonToClose,
  redeemTicket,
  takeCredentialsWhenReady,
} from '#src/sessions/tunnel.ts';
import type { AddressOf } from './client-address.ts';

export const tunnelPath = '/api/tunnel';
/** The most a browser may send in one message. */
const maxFromBrowser = 65_536;
/** Bytes waiting for a slow browser: above the first guacd is paused, below the second it goes
 * on. */
const highWater = 1_000_000;
const lowWater = 250_000;
const batchBytes = 16_384;
const aliveEveryMs = 10_000;
const prepareWithinMs = 60_000;
const guacdAnswersWithinMs = 15_000;

const isTunnelQuery = Compile(TunnelQuery);

export interface GatewayDeps extends Platform {
  originAllowed: (origin: string | undefined) => boolean;
  authenticate: (request: IncomingMessage) => Promise<AccountActor>;
  addressOf: AddressOf;
}

interface Tunnel {
  grant: Grant;
  alive: boolean;
  touchedAt: number | null;
}

export interface Gateway {
  /** True when the request is a tunnel's: the gateway answers it, well or badly. */
  handleUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean;
  close: () => void;
}

export function createGateway(deps: GatewayDeps): Gateway {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: maxFromBrowser,
    perMessageDeflate: false,
    // Only the name of the protocol is echoed: the ticket beside it must not come back.
    handleProtocols: (protocols) => (protocols.has('guacamole') ? 'guacamole' : false),
  });
  const tunnels = new Map<WebSocket, Tunnel>();
  const heartbeat = setInterval(() => {
    for (const [socket, tunnel] of tunnels) {
      if (!tunnel.alive) socket.terminate();
      tunnel.alive = false;
      if (socket.readyState === socket.OPEN) socket.ping();
    }
    const touched = new Map(
      [...tunnels.values()].flatMap((tunnel) =>
        tunnel.touchedAt === null ? [] : [[tunnel.grant.sessionId, tunnel.touchedAt] as const],
      ),
    );
    for (const tunnel of tunnels.values()) tunnel.touchedAt = null;
    noteAlive(
      deps,
      [...tunnels.values()].map((tunnel) => tunnel.grant.sessionId),
      touched,
    ).catch((error: unknown) => deps.log.warn({ error }, 'tunnels not noted'));
  }, aliveEveryMs);

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
    server.handleUpgrade(request, socket, head, (webSocket) => {
      const tunnel: Tunnel = { grant, alive: true, touchedAt: null };
      tunnels.set(webSocket, tunnel);
      webSocket.on('pong', () => {
        tunnel.alive = true;
      });
      webSocket.on('close', () => tunnels.delete(webSocket));
      runTunnel(deps, actor, grant, query, webSocket, () => {
        tunnel.touchedAt = deps.clock.now();
      });
    });
  };

  return {
    handleUpgrade: (request, socket, head) => {
      if (!(request.url ?? '').startsWith(`${tunnelPath}?`) && request.url !== tunnelPath)
        return false;
      socket.on('error', () => socket.destroy());
      admit(request, socket, head).catch((error: unknown) => refuse(deps, socket, error));
      return true;
    },
    close: () => {
      clearInterval(heartbeat);
      for (const socket of tunnels.keys()) socket.close(1012, String(status.serverBusy));
      server.close();
    },
  };
}

function refuse(deps: GatewayDeps, socket: Duplex, error: unknown): void {
  const code = error instanceof AppError ? error.code : 'INTERNAL';
  if (!(error instanceof AppError)) deps.log.error({ error }, 'tunnel refused by a fault of ours');
  const body = JSON.stringify({ code, message: errors[code] });
  socket.end(
    `HTTP/1.1 ${errors[code].status} Refused\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function readQuery(url: string): TunnelQuery {
  const given = new URLSearchParams(url.slice(url.indexOf('?') + 1));
  const number = (name: string) =>
    /^\d{1,6}$/.test(given.get(name) ?? '') ? Number(given.get(name)) : Number.NaN;
  const query = {
    width: number('width'),
    height: number('height'),
    dpi: number('dpi'),
    layout: given.get('layout') ?? 'fr-fr-azerty',
  };
  if (!isTunnelQuery.Check(query)) throw new AppError('SIZE_REFUSED');
  return query;
}

function readTicket(protocols: string): string {
  const [, ticket] = /(?:^|,)\s*ticket\.([A-Za-z0-9_-]{43})\s*(?:,|$)/.exec(protocols) ?? [];
  if (ticket === undefined || !/(^|,)\s*guacamole\s*(,|$)/.test(protocols))
    throw new AppError('TICKET_REFUSED');
  return ticket;
}

function runTunnel(
  deps: GatewayDeps,
  actor: AccountActor,
  grant: Grant,
  query: TunnelQuery,
  browser: WebSocket,
  touch: () => void,
): void {
  const abort = new AbortController();
  const mayForward = createForwarder({
    paste: grant.clipboard === 'in' || grant.clipboard === 'both',
  });
  let guacd: Guacd | null = null;
  let recorder: Recorder | null = null;
  let attached = false;
  const log = deps.log.child({ session: grant.sessionId });

  /** The reason is the numeric Guacamole status, then our code: `519 GATEWAY_UNREACHABLE`. */
  const close = (number: number, code = '') => {
    if (browser.readyState === browser.OPEN)
      browser.close(number === status.success ? 1000 : 1011, `${number} ${code}`.trim());
    finish();
  };
  const finish = () => {
    if (abort.signal.aborted) return;
    abort.abort();
    stopListening();
    guacd?.end();
    recorder?.end();
    if (attached)
      noteLeft(deps, actor, grant).catch((error: unknown) =>
        log.error({ error }, 'departure not noted'),
      );
  };
  const recheck = () => {
    reasonToClose(deps, grant).then(
      (reason) => {
        if (reason === 'superseded') close(status.sessionConflict, 'SUPERSEDED');
        else if (reason !== null) close(status.sessionClosed, reason);
      },
      (error: unknown) => log.warn({ error }, 'session not re-read'),
    );
  };
  const stopListening = deps.wakeups.listen((topics) => {
    if (topics.includes(`sign-in:${actor.signIn}`))
      close(status.clientUnauthorized, 'NOT_SIGNED_IN');
    else if (topics.includes(`session:${grant.sessionId}`)) recheck();
  });

  browser.on('error', (error) => log.info({ reason: error.message }, 'browser broke the protocol'));
  browser.on('close', finish);
  browser.on('message', (data, isBinary) => {
    const instructions = isBinary ? null : decode(data.toString());
    if (instructions === null) return close(status.clientBadRequest, 'VALIDATION_FAILED');
    const forward = instructions.filter((instruction) => {
      // The browser measures the line with `ping` on the nameless channel; the answer is the same
      // words.
      if (instruction[0] === '' && instruction[1] === 'ping') browser.send(encode(instruction));
      const [opcode] = instruction;
      if (opcode === 'key' || opcode === 'mouse') touch();
      return mayForward(instruction);
    });
    // Before guacd is ready there is nothing to draw on, so nothing to press.
    if (forward.length > 0) guacd?.say(forward.map(encode).join(''));
  });

  const start = async () => {
    // guacd loads its RDP part while the school's server prepares the session.
    const prepared = takeCredentialsWhenReady(deps, grant, prepareWithinMs, abort.signal);
    prepared.catch(() => undefined);
    const handshake = await dialGuacd(
      deps.config.PREAU_GUACD_HOST,
      deps.config.PREAU_GUACD_PORT,
      abort.signal,
    );
    try {
      guacd = await handshake.connect(query, await prepared, grant);
    } catch (error) {
      handshake.abandon();
      throw error;
    }
    if (abort.signal.aborted) return guacd.end();
    browser.send(encode(['', grant.sessionId]));
    attached = true;
    noteAttached(deps, actor, grant).catch((error: unknown) =>
      log.error({ error }, 'arrival not noted'),
    );
    if (grant.recording) {
      // guacd 1.3 may tell the size before it counts anybody among its users: a recording begins
      // with it.
      recorder = await startRecording(
        deps,
        actor,
        grant.sessionId,
        Buffer.from(encode(['size', '0', String(query.width), String(query.height)])),
      );
      if (abort.signal.aborted) return recorder?.end();
    }
    pump(
      guacd,
      browser,
      (why) => {
        if (why !== null) log.warn({ reason: why }, 'guacd broke the protocol');
        close(why === null ? status.upstreamNotFound : status.serverError, 'GATEWAY_UNREACHABLE');
      },
      recorder === null ? undefined : pictureOnly(recorder.write),
    );
  };
  start().catch((error: unknown) => {
    if (abort.signal.aborted) return;
    if (error instanceof AppError) return close(statusOf(error), error.code);
    log.warn({ error }, 'guacd not reached');
    close(status.upstreamNotFound, 'GATEWAY_UNREACHABLE');
  });
}

const statusOf = (error: AppError): number =>
  error.code === 'LAUNCH_TIMEOUT'
    ? status.upstreamTimeout
    : error.code === 'TICKET_REFUSED'
      ? status.sessionConflict
      : error.code === 'GATEWAY_UNREACHABLE'
        ? status.upstreamNotFound
        : status.sessionClosed;

/** guacd → browser: whole instructions only, batched until the event loop turns or 16 KB, paused
 * when the browser is slow. `tap` is given the same. */
export function pump(
  guacd: { socket: Socket; early: Buffer },
  browser: WebSocket,
  ended: (why: string | null) => void,
  tap?: (frame: Buffer) => void,
): void {
  const framer = new InstructionFramer();
  let batch: Buffer[] = [];
  let bytes = 0;
  let scheduled = false;
  const flush = () => {
    scheduled = false;
    if (bytes === 0 || browser.readyState !== browser.OPEN) return;
    const frame = batch.length === 1 ? (batch[0] ?? Buffer.alloc(0)) : Buffer.concat(batch);
    batch = [];
    bytes = 0;
    browser.send(frame, { binary: false }, () => {
      if (browser.bufferedAmount < lowWater && guacd.socket.isPaused()) guacd.socket.resume();
    });
    if (browser.bufferedAmount > highWater) guacd.socket.pause();
  };
  const receive = (chunk: Buffer) => {
    let frame: Buffer | null;
    try {
      frame = framer.push(chunk);
    } catch (error) {
      guacd.socket.destroy();
      return ended(error instanceof Error ? error.message : String(error));
    }
    if (frame === null) return;
    tap?.(frame);
    batch.push(frame);
    bytes += frame.length;
    if (bytes >= batchBytes) flush();
    else if (!scheduled) {
      scheduled = true;
      setImmediate(flush);
    }
  };
  guacd.socket.on('data', receive);
  guacd.socket.on('close', () => {
    flush();
    ended(null);
  });
  if (guacd.early.length > 0) receive(guacd.early);
  guacd.socket.resume();
}

class Guacd {
  readonly socket: Socket;
  /** Bytes that came with `ready`: the first drawing instructions can share its chunk. */
  readonly early: Buffer;
  constructor(socket: Socket, early: Buffer) {
    this.socket = socket;
    this.early = early;
  }
  say(text: string): void {
    if (this.socket.writable) this.socket.write(text);
  }
  end(): void {
    if (this.socket.writable) this.socket.end(encode(['disconnect']));
    this.socket.resume();
  }
}

/** Dials guacd and asks for RDP. Its listen queue holds five, so a refused dial is tried again
 * twice. */
async function dialGuacd(host: string, port: number, signal: AbortSignal) {
  let socket: Socket | undefined;
  for (let attempt = 1; socket === undefined; attempt += 1) {
    try {
      socket = await dial(host, port, signal);
    } catch (cause) {
      if (attempt >= 3 || signal.aborted) throw new AppError('GATEWAY_UNREACHABLE', {}, { cause });
      await new Promise((resolve) => setTimeout(resolve, 150 * attempt));
    }
  }
  const guacd = socket;
  const reader = new HandshakeReader(guacd);
  guacd.write(encode(['select', 'rdp']));
  const args = await reader.next('args');
  return {
    abandon: () => guacd.destroy(),
    connect: async (
      query: TunnelQuery,
      credentials: DisplayCredentials,
      grant: Grant,
    ): Promise<Guacd> => {
      const settings = connectionSettings(query, credentials, grant);
      const answer: Instruction[] = [
        ['size', String(query.width), String(query.height), String(query.dpi)],
        ['audio'],
        ['video'],
        ['image', 'image/png', 'image/jpeg', 'image/webp'],
        ['timezone', 'Europe/Paris'],
        [
          'connect',
          ...args.map((name) =>
            name.startsWith('VERSION_') ? 'VERSION_1_3_0' : (settings[name] ?? ''),
          ),
        ],
      ];
      guacd.write(answer.map(encode).join(''));
      await reader.next('ready');
      return new Guacd(guacd, reader.release());
    },
  };
}

function dial(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true, signal });
    socket.setTimeout(guacdAnswersWithinMs, () =>
      socket.destroy(new Error('guacd did not answer in time')),
    );
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      socket.on('error', () => socket.destroy());
      socket.setTimeout(0);
      resolve(socket);
    });
  });
}

/** Reads single instructions until the handshake is over, then gives back what it did not read. */
class HandshakeReader {
  readonly #socket: Socket;
  #buffered = Buffer.alloc(0);
  constructor(socket: Socket) {
    this.#socket = socket;
    socket.pause();
  }
  async next(opcode: string): Promise<string[]> {
    for (;;) {
      const instruction = this.#take();
      if (instruction !== null) {
        if (instruction[0] === opcode) return instruction.slice(1);
        if (instruction[0] === 'error')
          throw new AppError('GATEWAY_UNREACHABLE', { status: instruction[2] ?? '' });
        continue;
      }
      await this.#more();
    }
  }
  release(): Buffer {
    return this.#buffered;
  }
  #take(): Instruction | null {
    const framer = new InstructionFramer();
    // The framer tells where whole instructions end; the first `;` that ends one is found by
    // feeding it piece by piece.
    let from = 0;
    for (;;) {
      const semicolon = this.#buffered.indexOf(0x3b, from);
      if (semicolon < 0) return null;
      const frame = framer.push(this.#buffered.subarray(from, semicolon + 1));
      from = semicolon + 1;
      if (frame !== null) {
        this.#buffered = this.#buffered.subarray(from);
        return decode(frame.toString())?.[0] ?? null;
      }
    }
  }
  #more(): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (error?: Error) => {
        clearTimeout(timer);
        this.#socket.pause();
        this.#socket.off('data', onData);
        this.#socket.off('close', onClose);
        if (error === undefined) resolve();
        else reject(error);
      };
      const onData = (chunk: Buffer) => {
        this.#buffered = Buffer.concat([this.#buffered, chunk]);
        done();
      };
      const onClose = () => done(new AppError('GATEWAY_UNREACHABLE'));
      const timer = setTimeout(() => {
        this.#socket.destroy();
        done(new AppError('GATEWAY_UNREACHABLE', { waited: guacdAnswersWithinMs }));
      }, guacdAnswersWithinMs);
      this.#socket.on('data', onData);
      this.#socket.on('close', onClose);
      this.#socket.resume();
    });
  }
}

/** By name: guacd says which it knows. Audio, drives and printing stay off; the clipboard flows
 * where a rule says so. */
const connectionSettings = (
  query: TunnelQuery,
  credentials: DisplayCredentials,
  { clipboard }: Grant,
): Record<string, string> => ({
  hostname: credentials.host,
  port: String(credentials.port),
  username: credentials.username,
  password: credentials.password,
  // xrdp has no NLA; `any` would fall back to RC4 when its key cannot be read.
  security: 'tls',
  'ignore-cert': 'true',
  // Sessions are matched on colour depth: the agent starts displays with the same.
  'color-depth': '24',
  'resize-method': 'display-update',
  'server-layout': query.layout,
  'enable-font-smoothing': 'true',
  'disable-audio': 'true',
  'disable-copy': String(clipboard !== 'out' && clipboard !== 'both'),
  'disable-paste': String(clipboard !== 'in' && clipboard !== 'both'),
  'client-name': 'preau',
});
