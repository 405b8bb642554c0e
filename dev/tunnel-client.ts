/** A browser's tunnel without a browser: opens it with a ticket, answers each `sync`, sends keys.
 * For tests and benchmarks. */
import type { Ticket } from '@preau/contract/session.ts';
import { WebSocket } from 'ws';
import { encode, type Instruction } from '../controller/src/platform/guacamole.ts';
import type { Client } from './client.ts';

export interface TunnelOptions {
  ticket: string;
  width?: number;
  height?: number;
  origin?: string;
  query?: string;
}

export class TunnelClient {
  readonly socket: WebSocket;
  readonly counts = new Map<string, number>();
  /** Set when the connection was refused before it opened. */
  refusedWith: { status: number; code: string } | null = null;
  closed: { code: number; reason: string } | null = null;
  bytes = 0;
  /** `performance.now()` when a picture was first drawn on the visible screen. */
  firstFrameAt: number | null = null;
  onInstruction: (instruction: Instruction) => void = () => undefined;
  readonly finished: Promise<void>;

  constructor(client: Client, options: TunnelOptions) {
    const query =
      options.query ??
      `width=${options.width ?? 1280}&height=${options.height ?? 720}&dpi=96&layout=fr-fr-azerty`;
    this.socket = new WebSocket(
      `${client.url.replace('http', 'ws')}/api/tunnel?${query}`,
      ['guacamole', `ticket.${options.ticket}`],
      {
        headers: {
          ...(client.cookie === '' ? {} : { cookie: client.cookie }),
          origin: options.origin ?? client.url,
        },
        perMessageDeflate: false,
      },
    );
    this.finished = new Promise((resolve) => {
      this.socket.on('close', (code, reason) => {
        this.closed = { code, reason: reason.toString() };
        resolve();
      });
    });
    this.socket.on('unexpected-response', (request, response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () => {
        this.refusedWith = {
          status: response.statusCode ?? 0,
          code: (JSON.parse(text || '{}') as { code?: string }).code ?? '',
        };
        request.destroy();
      });
    });
    this.socket.on('error', () => undefined);
    this.socket.on('message', (data) => this.#read(data.toString()));
  }

  say(...instruction: [string, ...string[]]): void {
    this.socket.send(encode(instruction));
  }

  /** Types text as a keyboard would: X keysyms of Latin-1 are its code points; Enter is 0xff0d. */
  type(text: string): void {
    for (const character of text)
      this.press(character === '\n' ? 0xff0d : (character.codePointAt(0) ?? 0));
  }

  press(keysym: number, ...modifiers: number[]): void {
    for (const modifier of modifiers) this.say('key', String(modifier), '1');
    this.say('key', String(keysym), '1');
    this.say('key', String(keysym), '0');
    for (const modifier of modifiers) this.say('key', String(modifier), '0');
  }

  close(): void {
    this.socket.close();
  }

  #read(text: string): void {
    this.bytes += text.length;
    for (const instruction of decodeUnbounded(text)) {
      const [opcode, ...args] = instruction;
      this.counts.set(opcode, (this.counts.get(opcode) ?? 0) + 1);
      // Layer 0 is the visible screen; the cursor is drawn elsewhere.
      if (this.firstFrameAt === null && drawsOnScreen(opcode, args))
        this.firstFrameAt = performance.now();
      if (opcode === 'sync' && this.socket.readyState === WebSocket.OPEN)
        this.say('sync', args[0] ?? '0');
      this.onInstruction(instruction);
    }
  }
}

/** True for `img` and `rect`…`cfill` on layer 0. `img`: stream, mask, layer, …; `copy` names its
 * target as sixth. */
export const drawsOnScreen = (opcode: string, args: readonly string[]): boolean =>
  (opcode === 'img' && args[2] === '0') ||
  (opcode === 'cfill' && args[1] === '0') ||
  (opcode === 'copy' && args[6] === '0');

/** A frame from the gateway holds whole instructions, but may be longer than the limit for frames
 * from browsers. */
export function decodeUnbounded(text: string): Instruction[] {
  const instructions: Instruction[] = [];
  for (let at = 0; at < text.length; ) {
    const elements: string[] = [];
    for (;;) {
      const dot = text.indexOf('.', at);
      let end = dot + 1;
      for (let left = Number(text.slice(at, dot)); left > 0; left -= 1)
        end += (text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1;
      elements.push(text.slice(dot + 1, end));
      at = end + 1;
      if (text[end] === ';') break;
      if (text[end] !== ',') throw new Error(`half an instruction in a frame at ${end}`);
    }
    instructions.push(elements as unknown as Instruction);
  }
  return instructions;
}

export async function openTunnel(
  client: Client,
  ticket: Ticket,
  more: { width?: number; height?: number; origin?: string } = {},
): Promise<TunnelClient> {
  const tunnel = new TunnelClient(client, { ticket: ticket.ticket, ...more });
  await new Promise<void>((resolve, reject) => {
    tunnel.socket.once('open', () => resolve());
    tunnel.socket.once('error', reject);
  });
  return tunnel;
}
