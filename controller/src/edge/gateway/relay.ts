/** Bytes from guacd to a browser, with back-pressure. */
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { InstructionFramer } from '#src/platform/guacamole.ts';

/** Bytes buffered for a slow browser: above `highWater` reading from guacd pauses, below `lowWater`
 * it resumes. */
const highWater = 1_000_000;
const lowWater = 250_000;
const batchBytes = 16_384;

/** Forwards whole instructions from guacd to the browser, batched until the next turn of the event
 * loop or 16 KB, and pauses guacd when the browser is slow. `tap` receives the same frames. */
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
