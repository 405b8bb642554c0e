/** Filters the instructions of a tunnel: those sent to guacd, and those written to a recording. */
import { isTunnelSize } from '@preau/contract/session.ts';
import { budget } from '#src/platform/budget.ts';
import { decode, encode, type Instruction } from '#src/platform/guacamole.ts';

const isInteger = (text: string | undefined): text is string =>
  text !== undefined && /^-?\d{1,15}$/.test(text);
const isNumber = (text: string | undefined) =>
  text !== undefined && /^-?\d{1,9}(\.\d{1,9})?$/.test(text);

/** The instructions a browser may send to guacd: opcode → whether the arguments are valid. guacd
 * reads arguments without counting them (libguac/user-handlers.c), so an instruction with too few
 * must not reach it. Files, pipes, audio and the like are not offered, so they are not listed;
 * `createForwarder` adds the clipboard where a rule allows it. */
const allowed: Record<string, (args: readonly string[]) => boolean> = {
  key: (a) => a.length === 2 && isInteger(a[0]) && (a[1] === '0' || a[1] === '1'),
  mouse: (a) => a.length === 3 && a.every(isInteger),
  touch: (a) => a.length === 7 && a.every(isNumber),
  size: (a) => a.length === 2 && a.every(isInteger) && isTunnelSize(Number(a[0]), Number(a[1])),
  sync: (a) => (a.length === 1 || a.length === 2) && a.every(isInteger),
  ack: (a) =>
    a.length === 3 && isInteger(a[0]) && /^[\x20-\x7e]{0,100}$/.test(a[1] ?? '') && isInteger(a[2]),
  nop: (a) => a.length === 0,
  disconnect: (a) => a.length === 0,
};

export const mayForward = ([opcode, ...args]: Instruction): boolean =>
  Object.hasOwn(allowed, opcode) && allowed[opcode]?.(args) === true;

const { pastesAtOnce, pasteBytes } = budget.tunnel;

/** Decides which instructions of one browser are forwarded during its tunnel. With `paste`, it may
 * also send clipboard text: at most `pastesAtOnce` streams at once, `pasteBytes` each, and data
 * only on a stream that it has opened. */
export function createForwarder(may: { paste: boolean }): (instruction: Instruction) => boolean {
  const left = new Map<string, number>();
  return (instruction) => {
    const [opcode, stream = '', content = '', ...more] = instruction;
    if (!may.paste || !['clipboard', 'blob', 'end'].includes(opcode))
      return mayForward(instruction);
    if (!/^\d{1,4}$/.test(stream) || more.length > 0) return false;
    if (opcode === 'clipboard') {
      if (content !== 'text/plain' || (left.size >= pastesAtOnce && !left.has(stream)))
        return false;
      left.set(stream, pasteBytes);
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

/** Forwards frames of whole instructions without clipboard contents: a recording holds only what
 * was on the screen. */
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
