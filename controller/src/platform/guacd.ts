/** Connects to guacd, Apache Guacamole's proxy, and makes it open one display over RDP. */
import { connect, type Socket } from 'node:net';
import { AppError } from '@preau/contract/errors.ts';
import type { DisplayCredentials } from '@preau/contract/report.ts';
import type { TunnelQuery } from '@preau/contract/session.ts';
import { budget } from './budget.ts';
import { decode, encode, type Instruction, InstructionFramer } from './guacamole.ts';

/** An open connection: receives drawing instructions, sends keyboard and mouse input. */
export class Guacd {
  readonly socket: Socket;
  /** Bytes received together with `ready`; they may hold the first drawing instructions. */
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

/** Connects to guacd and selects RDP. guacd's listen queue holds only five connections, so a
 * refused connection is tried twice more. From here to `ready` guacd may make us wait for
 * `budget.guacd.answerMs` in all, and send `budget.guacd.handshakeBytes`; beyond either, as for
 * anything that is not the protocol, the socket is destroyed and GATEWAY_UNREACHABLE is thrown. */
export async function dialGuacd(
  host: string,
  port: number,
  signal: AbortSignal,
  limits: { answerMs: number; handshakeBytes: number } = budget.guacd,
) {
  const patience = new Patience(limits.answerMs);
  let socket: Socket | undefined;
  for (let attempt = 1; socket === undefined; attempt += 1) {
    try {
      socket = await patience.spend((ms) => dial(host, port, ms, signal));
    } catch (cause) {
      if (attempt >= 3 || signal.aborted || patience.leftMs <= 0)
        throw new AppError('GATEWAY_UNREACHABLE', {}, { cause });
      await new Promise((resolve) => setTimeout(resolve, 150 * attempt));
    }
  }
  const guacd = socket;
  const reader = new HandshakeReader(guacd, patience, limits.handshakeBytes);
  guacd.write(encode(['select', 'rdp']));
  const args = await reader.next('args');
  return {
    /** The version of the protocol that it speaks, such as VERSION_1_5_0. */
    protocol: args.find((name) => name.startsWith('VERSION_')) ?? null,
    abandon: () => guacd.destroy(),
    connect: async (
      query: TunnelQuery,
      credentials: DisplayCredentials,
      clipboard: { in: boolean; out: boolean },
    ): Promise<Guacd> => {
      const settings = connectionSettings(query, credentials, clipboard);
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

/** The time that may be waited in all; what passes between two waits does not count. */
class Patience {
  leftMs: number;
  constructor(ms: number) {
    this.leftMs = ms;
  }
  async spend<T>(wait: (ms: number) => Promise<T>): Promise<T> {
    const began = performance.now();
    try {
      return await wait(Math.max(this.leftMs, 0));
    } finally {
      this.leftMs -= performance.now() - began;
    }
  }
}

function dial(host: string, port: number, withinMs: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true, signal });
    const late = setTimeout(
      () => socket.destroy(new Error('guacd did not answer in time')),
      withinMs,
    );
    socket.once('close', () => clearTimeout(late));
    socket.once('error', reject);
    socket.once('connect', () => {
      clearTimeout(late);
      socket.off('error', reject);
      socket.on('error', () => socket.destroy());
      resolve(socket);
    });
  });
}

/** Reads single instructions until the handshake is over; `release` returns the unread bytes. Each
 * byte is looked at once, however guacd cuts what it sends. */
class HandshakeReader {
  readonly #socket: Socket;
  readonly #patience: Patience;
  readonly #framer = new InstructionFramer();
  #unread: Buffer = Buffer.alloc(0);
  #taken = 0;
  readonly #mostBytes: number;
  constructor(socket: Socket, patience: Patience, mostBytes: number) {
    this.#socket = socket;
    this.#patience = patience;
    this.#mostBytes = mostBytes;
    socket.pause();
  }
  async next(opcode: string): Promise<string[]> {
    try {
      return await this.#patience.spend((ms) => this.#until(opcode, performance.now() + ms));
    } catch (cause) {
      this.#socket.destroy();
      throw cause instanceof AppError ? cause : new AppError('GATEWAY_UNREACHABLE', {}, { cause });
    }
  }
  release(): Buffer {
    return this.#unread;
  }
  async #until(opcode: string, deadline: number): Promise<string[]> {
    for (;;) {
      const instruction = this.#take();
      if (instruction === null) await this.#more(deadline - performance.now());
      else if (instruction[0] === opcode) return instruction.slice(1);
      else if (instruction[0] === 'error')
        throw new AppError('GATEWAY_UNREACHABLE', { status: instruction[2] ?? '' });
    }
  }
  /** Null when no instruction is complete yet. Throws on anything that is none. */
  #take(): Instruction | null {
    while (this.#unread.length > 0) {
      // The framer returns the last boundary in what it is given, so it is given one `;` at a time.
      const semicolon = this.#unread.indexOf(0x3b);
      const piece = this.#unread.subarray(0, semicolon < 0 ? undefined : semicolon + 1);
      this.#unread = this.#unread.subarray(piece.length);
      this.#taken += piece.length;
      if (this.#taken > this.#mostBytes)
        throw new Error(`a handshake of more than ${this.#mostBytes} bytes`);
      const frame = this.#framer.push(piece);
      if (frame === null) continue;
      const [instruction] = decode(frame.toString()) ?? [];
      if (instruction === undefined) throw new Error('not an instruction of a handshake');
      return instruction;
    }
    return null;
  }
  /** Waits for more bytes. `#unread` is empty. */
  #more(withinMs: number): Promise<void> {
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
        this.#unread = chunk;
        done();
      };
      const onClose = () => done(new AppError('GATEWAY_UNREACHABLE'));
      const timer = setTimeout(
        () => done(new AppError('GATEWAY_UNREACHABLE', { waited: Math.round(withinMs) })),
        withinMs,
      );
      if (this.#socket.destroyed) return onClose();
      this.#socket.on('data', onData);
      this.#socket.on('close', onClose);
      this.#socket.resume();
    });
  }
}

/** Settings by name, because guacd states which it supports. Audio, drives and printing stay off;
 * the clipboard is enabled where a rule allows it. */
const connectionSettings = (
  query: TunnelQuery,
  credentials: DisplayCredentials,
  clipboard: { in: boolean; out: boolean },
): Record<string, string> => ({
  hostname: credentials.host,
  port: String(credentials.port),
  username: credentials.username,
  password: credentials.password,
  // xrdp has no NLA; `any` would fall back to RC4 when its key cannot be read.
  security: 'tls',
  'ignore-cert': 'true',
  // xrdp matches sessions by colour depth, so the agent starts displays with the same value.
  'color-depth': '24',
  'resize-method': 'display-update',
  'server-layout': query.layout,
  'enable-font-smoothing': 'true',
  'disable-audio': 'true',
  'disable-copy': String(!clipboard.out),
  'disable-paste': String(!clipboard.in),
  'client-name': 'preau',
});
