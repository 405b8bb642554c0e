/** Connects to guacd, Apache Guacamole's proxy, and makes it open one display over RDP. */
import { connect, type Socket } from 'node:net';
import { AppError } from '@preau/contract/errors.ts';
import type { DisplayCredentials } from '@preau/contract/report.ts';
import type { TunnelQuery } from '@preau/contract/session.ts';
import { budget } from './budget.ts';
import { decode, encode, type Instruction, InstructionFramer } from './guacamole.ts';

const guacdAnswersWithinMs = budget.guacd.answerMs;

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
 * refused connection is tried twice more. */
export async function dialGuacd(host: string, port: number, signal: AbortSignal) {
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

/** Reads single instructions until the handshake is over; `release` returns the unread bytes. */
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
    // The framer returns the last instruction boundary, so the first one is found by passing the
    // text piece by piece.
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
