/** What comes from a browser is read no faster than its rates allow, and no faster than guacd takes
 * it: whoever sends more fills their own buffers, not ours. */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { budget } from '#src/platform/budget.ts';
import { TokenBucket } from '#src/platform/token-bucket.ts';

const limits = budget.tunnel;

export interface Inlet {
  /** So many instructions were read. */
  spend: (instructions: number) => void;
  /** Whether one more `ping` is answered: seldom, and only if the answers are read. */
  mayAnswer: () => boolean;
  /** Something was written to guacd: if it does not take it, the browser is not read until it
   * does. */
  wrote: (guacd: Socket) => void;
  stop: () => void;
}

/** `raw`: the browser's socket, whose bytes are counted before anything reads them. `stuck` is
 * called when guacd has not read for too long. */
export function openInlet(browser: WebSocket, raw: Duplex, stuck: () => void): Inlet {
  const now = () => performance.now();
  const bytes = new TokenBucket(limits.bytes, now());
  const instructions = new TokenBucket(limits.instructions, now());
  const pings = new TokenBucket(limits.pings, now());
  const held = new Set<'rate' | 'guacd'>();
  let rateTimer: NodeJS.Timeout | undefined;
  let stuckTimer: NodeJS.Timeout | undefined;
  let stopped = false;

  const hold = (why: 'rate' | 'guacd') => {
    held.add(why);
    browser.pause();
  };
  const release = (why: 'rate' | 'guacd') => {
    held.delete(why);
    if (held.size === 0) browser.resume();
  };
  const slow = (ms: number) => {
    if (ms === 0 || stopped) return;
    hold('rate');
    clearTimeout(rateTimer);
    rateTimer = setTimeout(() => release('rate'), ms);
  };
  const mayAnswer = () => browser.bufferedAmount < limits.unreadBytes && pings.take(1, now()) === 0;

  // Control frames and empty fragments make no message, but they cost time too.
  raw.on('data', (chunk: Buffer) => slow(bytes.owe(chunk.length, now())));
  browser.on('ping', (data) => {
    slow(instructions.owe(1, now()));
    if (browser.readyState === browser.OPEN && mayAnswer()) browser.pong(data);
  });
  browser.on('pong', () => slow(instructions.owe(1, now())));

  return {
    spend: (count) => slow(instructions.owe(Math.max(count, 1), now())),
    mayAnswer,
    wrote: (guacd) => {
      if (stopped || held.has('guacd') || guacd.writableLength <= limits.unsentBytes) return;
      hold('guacd');
      stuckTimer = setTimeout(stuck, limits.unsentMs);
      guacd.once('drain', () => {
        clearTimeout(stuckTimer);
        if (!stopped) release('guacd');
      });
    },
    stop: () => {
      stopped = true;
      clearTimeout(rateTimer);
      clearTimeout(stuckTimer);
      held.clear();
      // The closing handshake is read again.
      browser.resume();
    },
  };
}
