/** The Guacamole protocol, and nothing of what we do with it: instructions are elements
 * `LENGTH.VALUE` joined by commas and ended by `;`, where LENGTH counts Unicode code points
 * (guacamole-server, src/libguac/parser.c). */
import { isAscii } from 'node:buffer';

export type Instruction = readonly [opcode: string, ...args: string[]];

export function encode(instruction: Instruction): string {
  return `${instruction.map((element) => `${[...element].length}.${element}`).join(',')};`;
}

/** guacd's own limits (libguac/guacamole/parser-constants.h): beyond them it drops the
 * connection. */
const maxInstructionLength = 8192;
const maxElements = 128;

/** Reads a text of whole instructions. Null when it is anything else: a browser that sends half an
 * instruction is broken or hostile. */
export function decode(text: string): Instruction[] | null {
  const instructions: Instruction[] = [];
  let at = 0;
  while (at < text.length) {
    const start = at;
    const elements: string[] = [];
    for (;;) {
      const dot = text.indexOf('.', at);
      if (dot < 0 || dot - at < 1 || dot - at > 5 || !/^\d+$/.test(text.slice(at, dot)))
        return null;
      let end = dot + 1;
      for (let left = Number(text.slice(at, dot)); left > 0; left -= 1) {
        const point = text.codePointAt(end);
        if (point === undefined) return null;
        end += point > 0xffff ? 2 : 1;
      }
      elements.push(text.slice(dot + 1, end));
      const terminator = text[end];
      at = end + 1;
      if (terminator === ';') break;
      if (terminator !== ',' || elements.length >= maxElements) return null;
    }
    if (at - start > maxInstructionLength) return null;
    instructions.push(elements as unknown as Instruction);
  }
  return instructions;
}

/** Where the scan stands: in an element's length, or in its value with its terminator still to
 * come. */
const inLength = 0;
const inContent = 1;

/** Cuts a byte stream at instruction boundaries, without decoding what is inside: only lengths are
 * read. Chunks may split anywhere, also inside a character. Pictures are base64, so nearly every
 * chunk is ASCII and skipped over whole elements at a time. */
export class InstructionFramer {
  #phase: typeof inLength | typeof inContent = inLength;
  #length = 0;
  #digits = 0;
  #remaining = 0;
  #held: Buffer[] = [];
  #heldBytes = 0;

  /** Whole instructions that are complete with this chunk; null when there are none yet. Throws on
   * nonsense. */
  push(chunk: Buffer): Buffer | null {
    const end = this.#scan(chunk);
    if (end < 0) {
      this.#hold(chunk);
      return null;
    }
    const whole = chunk.subarray(0, end);
    const frame = this.#held.length === 0 ? whole : Buffer.concat([...this.#held, whole]);
    this.#held = [];
    this.#heldBytes = 0;
    if (end < chunk.length) this.#hold(chunk.subarray(end));
    return frame;
  }

  #hold(bytes: Buffer): void {
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    // guacd never sends instructions of this size: whoever does is not guacd.
    if (this.#heldBytes > 4_194_304) throw new Error('an instruction of more than 4 MiB');
  }

  /** Offset just past the last `;` of the chunk that ends an instruction, or -1. The state lives in
   * local variables while it scans: drawing operations are short, and this loop is what the
   * gateway's speed is made of. */
  #scan(chunk: Buffer): number {
    const ascii = isAscii(chunk);
    const size = chunk.length;
    let phase = this.#phase;
    let length = this.#length;
    let digits = this.#digits;
    let remaining = this.#remaining;
    let end = -1;
    let at = 0;
    while (at < size) {
      if (phase === inContent) {
        if (ascii) {
          const step = Math.min(remaining, size - at);
          at += step;
          remaining -= step;
        } else {
          // A character ends where the next byte does not continue it (10xxxxxx).
          while (at < size && (remaining > 0 || ((chunk[at] ?? 0) & 0xc0) === 0x80)) {
            if (((chunk[at] ?? 0) & 0xc0) !== 0x80) remaining -= 1;
            at += 1;
          }
        }
        if (remaining > 0 || at >= size) continue;
        const terminator = chunk[at];
        at += 1;
        if (terminator === 0x3b) end = at;
        else if (terminator !== 0x2c)
          throw new Error('not a Guacamole instruction: bad terminator');
        phase = inLength;
      } else {
        const byte = chunk[at] ?? 0;
        at += 1;
        if (byte >= 0x30 && byte <= 0x39 && digits < 8) {
          length = length * 10 + (byte - 0x30);
          digits += 1;
        } else if (byte === 0x2e && digits > 0) {
          remaining = length;
          length = 0;
          digits = 0;
          phase = inContent;
        } else throw new Error('not a Guacamole instruction: bad length');
      }
    }
    this.#phase = phase;
    this.#length = length;
    this.#digits = digits;
    this.#remaining = remaining;
    return end;
  }
}

/** Status codes of the protocol, which the browser shows and the audit keeps. */
export const status = {
  success: 0,
  serverError: 512,
  serverBusy: 513,
  upstreamTimeout: 514,
  upstreamNotFound: 519,
  sessionConflict: 521,
  sessionClosed: 523,
  clientBadRequest: 768,
  clientUnauthorized: 769,
  clientTimeout: 776,
} as const;

const isInteger = (text: string | undefined): text is string =>
  text !== undefined && /^-?\d{1,15}$/.test(text);
const isNumber = (text: string | undefined) =>
  text !== undefined && /^-?\d{1,9}(\.\d{1,9})?$/.test(text);
const isPixels = (text: string | undefined) =>
  isInteger(text) && Number(text) >= 200 && Number(text) <= 8192;

/** What a browser may say to guacd: opcode → do its arguments look right? guacd reads arguments
 * without counting them (libguac/user-handlers.c), so a short instruction never reaches it. Files,
 * pipes, audio and the like are not offered, so they are not on the list; the clipboard is where a
 * rule says so. */
const allowed: Record<string, (args: readonly string[]) => boolean> = {
  key: (a) => a.length === 2 && isInteger(a[0]) && (a[1] === '0' || a[1] === '1'),
  mouse: (a) => a.length === 3 && a.every(isInteger),
  touch: (a) => a.length === 7 && a.every(isNumber),
  size: (a) => a.length === 2 && isPixels(a[0]) && isPixels(a[1]),
  sync: (a) => (a.length === 1 || a.length === 2) && a.every(isInteger),
  ack: (a) =>
    a.length === 3 && isInteger(a[0]) && /^[\x20-\x7e]{0,100}$/.test(a[1] ?? '') && isInteger(a[2]),
  nop: (a) => a.length === 0,
  disconnect: (a) => a.length === 0,
};

export const mayForward = ([opcode, ...args]: Instruction): boolean =>
  Object.hasOwn(allowed, opcode) && allowed[opcode]?.(args) === true;

/** As much text as guacd keeps, too. */
const maxPasteBytes = 262_144;
const maxPastes = 4;

/** What one browser may say over the life of its tunnel. `paste`: its clipboard may go into the
 * application: text, so much at once, and bytes only for a stream that was opened for it. */
export function createForwarder(may: { paste: boolean }): (instruction: Instruction) => boolean {
  const left = new Map<string, number>();
  return (instruction) => {
    const [opcode, stream = '', content = '', ...more] = instruction;
    if (!may.paste || !['clipboard', 'blob', 'end'].includes(opcode))
      return mayForward(instruction);
    if (!/^\d{1,4}$/.test(stream) || more.length > 0) return false;
    if (opcode === 'clipboard') {
      if (content !== 'text/plain' || left.size >= maxPastes) return false;
      left.set(stream, maxPasteBytes);
      return true;
    }
    const room = left.get(stream);
    if (room === undefined) return false;
    if (opcode === 'end') {
      left.delete(stream);
      return instruction.length === 2;
    }
    const bytes = Math.floor((content.length * 3) / 4);
    if (!/^[A-Za-z0-9+/]{0,8192}={0,2}$/.test(content) || bytes > room) return false;
    left.set(stream, room - bytes);
    return true;
  };
}

/** Passes frames of whole instructions on without what was copied in the application: a recording
 * holds what was seen. */
export function pictureOnly(write: (frame: Buffer) => void): (frame: Buffer) => void {
  const copied = new Set<string>();
  return (frame) => {
    if (copied.size === 0 && !frame.includes('9.clipboard,')) return write(frame);
    const kept = (decode(frame.toString()) ?? []).filter(([opcode, stream = '']) => {
      if (opcode === 'clipboard') copied.add(stream);
      const isCopied =
        (opcode === 'clipboard' || opcode === 'blob' || opcode === 'end') && copied.has(stream);
      if (opcode === 'end') copied.delete(stream);
      return !isCopied;
    });
    write(Buffer.from(kept.map(encode).join('')));
  };
}
