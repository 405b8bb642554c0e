/** The browser's end of the gateway. A class of our own rather than Guacamole's WebSocketTunnel:
 * the ticket travels in the subprotocol list (not in the URL), lengths count code points, and close
 * reasons keep their codes. */
import Guacamole from 'guacamole-common-js';

const encode = (elements: readonly unknown[]): string =>
  `${elements.map((element) => `${[...String(element)].length}.${String(element)}`).join(',')};`;

/** Members missing from the type package's Tunnel. */
const Tunnel = Guacamole.Tunnel as unknown as new () => Guacamole.Tunnel & {
  setState: (state: number) => void;
  setUUID: (id: string) => void;
};

export class TicketTunnel extends Tunnel {
  readonly #ticket: string;
  #socket: WebSocket | null = null;
  #ping: ReturnType<typeof setInterval> | undefined;
  /** Called once: `status` is Guacamole's number, `code` ours. */
  onclosed: (status: number, code: string) => void = () => undefined;

  constructor(ticket: string) {
    super();
    this.#ticket = ticket;
    this.connect = (query?: string) => this.#connect(query ?? '');
    this.disconnect = () => this.#end();
    this.sendMessage = (...elements: unknown[]) => {
      if (this.#socket?.readyState === WebSocket.OPEN && elements.length > 0)
        this.#socket.send(encode(elements));
    };
  }

  #connect(query: string): void {
    this.setState(Guacamole.Tunnel.State.CONNECTING);
    const socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/api/tunnel?${query}`, [
      'guacamole',
      `ticket.${this.#ticket}`,
    ]);
    this.#socket = socket;
    socket.onmessage = (event: MessageEvent<string>) => this.#receive(event.data);
    socket.onclose = (event) => {
      clearInterval(this.#ping);
      this.setState(Guacamole.Tunnel.State.CLOSED);
      const [status = '0', code = ''] = event.reason.split(' ');
      this.onclosed(event.reason === '' ? 520 : Number(status), code);
    };
    this.#ping = setInterval(() => this.sendMessage('', 'ping', Date.now()), 5000);
  }

  #end(): void {
    clearInterval(this.#ping);
    this.#socket?.close(1000);
  }

  #receive(text: string): void {
    let at = 0;
    while (at < text.length) {
      const instruction = instructionAt(text, at);
      if (instruction === null) {
        this.#end();
        return;
      }
      at = instruction.end;
      this.#obey(instruction.elements);
    }
  }

  #obey([opcode = '', ...args]: readonly string[]): void {
    if (opcode !== '') this.oninstruction?.(opcode, args);
    else if (args.length === 1) {
      this.setUUID(args[0] ?? '');
      this.setState(Guacamole.Tunnel.State.OPEN);
    }
  }
}

/** The elements of the instruction that begins at `at`, and where the next one begins; null when
 * the text is not an instruction. */
function instructionAt(text: string, at: number): { elements: string[]; end: number } | null {
  const elements: string[] = [];
  for (let from = at; ; ) {
    const dot = text.indexOf('.', from);
    const end = endOf(text, dot + 1, Number(text.slice(from, dot)));
    elements.push(text.slice(dot + 1, end));
    from = end + 1;
    if (text[end] === ';') return { elements, end: from };
    if (text[end] !== ',') return null;
  }
}

/** Half of a code point that takes two units. */
const astral = /[\ud800-\udfff]/;

/** The end of an element of `length` code points. */
function endOf(text: string, start: number, length: number): number {
  // Nearly everything is ASCII, where one unit is one code point.
  const guess = start + length;
  if (!astral.test(text.slice(start, guess))) return guess;
  let end = start;
  for (let left = length; left > 0; left -= 1) end += (text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1;
  return end;
}
