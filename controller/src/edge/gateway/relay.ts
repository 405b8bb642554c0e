/** Bytes from guacd to a browser, with back-pressure. */
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { budget } from '#src/platform/budget.ts';
import { InstructionFramer } from '#src/platform/guacamole.ts';

const { unreadBytes, unreadLowBytes } = budget.tunnel;
const batchBytes = 16_384;

/** Forwards whole instructions from guacd to the browser, batched until the next turn of the event
 * loop or 16 KB, and pauses guacd when the browser is slow. `tap` receives the same frames. `ended`
 * is called once: with null when guacd has closed the connection, else with what was wrong. */
export function pump(
  guacd: { socket: Socket; early: Buffer },
  browser: WebSocket,
  ended: (why: string | null) => void,
  tap?: (frame: Buffer) => void,
  silentMs: number = budget.guacd.silentMs,
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
      if (browser.bufferedAmount < unreadLowBytes && guacd.socket.isPaused()) {
        silence.refresh();
        guacd.socket.resume();
      }
    });
    if (browser.bufferedAmount > unreadBytes) guacd.socket.pause();
  };
  const broken = (why: string) => {
    guacd.socket.destroy();
    end(why);
  };
  const receive = (chunk: Buffer) => {
    let frame: Buffer | null;
    try {
      frame = framer.push(chunk);
    } catch (error) {
      return broken(error instanceof Error ? error.message : String(error));
    }
    if (frame === null) return;
    silence.refresh();
    tap?.(frame);
    batch.push(frame);
    bytes += frame.length;
    if (bytes >= batchBytes) flush();
    else if (!scheduled) {
      scheduled = true;
      setImmediate(flush);
    }
  };
  let over = false;
  const end = (why: string | null) => {
    clearTimeout(silence);
    if (over) return;
    over = true;
    flush();
    ended(why);
  };
  // Bytes that make no instruction are silence too.
  const silence = setTimeout(() => {
    if (guacd.socket.isPaused()) silence.refresh();
    else broken('guacd is silent');
  }, silentMs);
  guacd.socket.on('data', receive);
  guacd.socket.on('close', () => end(null));
  if (guacd.early.length > 0) receive(guacd.early);
  guacd.socket.resume();
}
