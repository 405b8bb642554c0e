/** The Guacamole protocol, independent of its use here: instructions are elements `LENGTH.VALUE`
 * joined by commas and ended by `;`, where LENGTH counts Unicode code points (guacamole-server,
 * src/libguac/parser.c). */
import { isAscii } from 'node:buffer';
import { budget } from './budget.ts';

export type Instruction = readonly [opcode: string, ...args: string[]];

export function encode(instruction: Instruction): string {
  return `${instruction.map((element) => `${[...element].length}.${element}`).join(',')};`;
}

/** guacd's limits (libguac/guacamole/parser-constants.h): it closes the connection beyond them. */
const maxInstructionLength = 8192;
const maxElements = 128;

/** Decodes a text of complete instructions. Null for anything else: a browser that sends part of an
 * instruction is broken or hostile. */
export function decode(text: string): Instruction[] | null {
  const instructions: Instruction[] = [];
  let at = 0;
  while (at < text.length) {
    const start = at;
    const elements: string[] = [];
    let terminator: string | undefined;
    do {
      const value = valueStart(text, at);
      const end = value < 0 ? -1 : valueEnd(text, value, Number(text.slice(at, value - 1)));
      if (end < 0 || elements.length >= maxElements) return null;
      elements.push(text.slice(value, end));
      terminator = text[end];
      at = end + 1;
    } while (terminator === ',');
    if (terminator !== ';' || at - start > maxInstructionLength) return null;
    instructions.push(elements as unknown as Instruction);
  }
  return instructions;
}

/** Offset just past the dot of the length field that begins at `at`; -1 when there is none. */
function valueStart(text: string, at: number): number {
  const dot = text.indexOf('.', at);
  return dot - at >= 1 && dot - at <= 5 && /^\d+$/.test(text.slice(at, dot)) ? dot + 1 : -1;
}

/** Offset just past that many code points; -1 when the text has fewer. */
function valueEnd(text: string, start: number, codePoints: number): number {
  let end = start;
  for (let left = codePoints; left > 0; left -= 1) {
    const point = text.codePointAt(end);
    if (point === undefined) return -1;
    end += point > 0xffff ? 2 : 1;
  }
  return end;
}

/** Parser state: in an element's length, or in its value with the terminator still to come. */
const inLength = 0;
const inValue = 1;
const comma = 0x2c;
const dot = 0x2e;
const zero = 0x30;
const nine = 0x39;
const semicolon = 0x3b;

/** Splits a byte stream at instruction boundaries by reading only the lengths, without decoding the
 * values. Chunks may be split anywhere, even inside a character. Pictures are base64, so nearly
 * every chunk is ASCII, where whole elements are skipped at a time. */
export class InstructionFramer {
  #phase: typeof inLength | typeof inValue = inLength;
  #length = 0;
  #digits = 0;
  /** Code points of the value still to come. */
  #remaining = 0;
  #held: Buffer[] = [];
  #heldBytes = 0;

  /** Returns the instructions completed by this chunk; null when there are none yet. Throws on
   * malformed input. */
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
    // guacd never sends instructions of this size, or in so many pieces, so the peer is not guacd.
    if (this.#heldBytes > budget.guacd.instructionBytes)
      throw new Error(`an instruction of more than ${budget.guacd.instructionBytes} bytes`);
    if (this.#held.length > budget.guacd.instructionPieces)
      throw new Error(`an instruction in more than ${budget.guacd.instructionPieces} pieces`);
  }

  /** Offset just past the last `;` in the chunk that ends an instruction, or -1. The state is kept
   * in local variables during the scan, because drawing instructions are short and this loop
   * determines the gateway's speed. */
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
      if (phase === inLength) {
        const byte = chunk[at] ?? 0;
        at += 1;
        if (byte >= zero && byte <= nine && digits < 8) {
          length = length * 10 + (byte - zero);
          digits += 1;
        } else if (byte === dot && digits > 0) {
          remaining = length;
          length = 0;
          digits = 0;
          phase = inValue;
        } else throw new Error('not a Guacamole instruction: bad length');
        continue;
      }
      if (ascii) {
        const step = Math.min(remaining, size - at);
        at += step;
        remaining -= step;
      } else {
        at = this.#skipCharacters(chunk, at, remaining);
        remaining = this.#remaining;
      }
      if (remaining > 0 || at >= size) break;
      const terminator = chunk[at];
      at += 1;
      if (terminator === semicolon) end = at;
      else if (terminator !== comma) throw new Error('not a Guacamole instruction: bad terminator');
      phase = inLength;
    }
    this.#phase = phase;
    this.#length = length;
    this.#digits = digits;
    this.#remaining = remaining;
    return end;
  }

  /** Returns the offset where it stopped, and sets `#remaining` to the number of characters still
   * to come. */
  #skipCharacters(chunk: Buffer, from: number, characters: number): number {
    let remaining = characters;
    let at = from;
    // A character ends before the first byte that is not a continuation byte (10xxxxxx).
    for (; at < chunk.length; at += 1) {
      const continues = ((chunk[at] ?? 0) & 0xc0) === 0x80;
      if (remaining === 0 && !continues) break;
      if (!continues) remaining -= 1;
    }
    this.#remaining = remaining;
    return at;
  }
}

/** Status codes of the protocol: the browser shows them and the audit stores them. */
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
