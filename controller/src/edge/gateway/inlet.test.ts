import { EventEmitter } from 'node:events';
import { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { budget } from '#src/platform/budget.ts';
import { type Inlet, openInlet } from './inlet.ts';

const limits = budget.tunnel;

/** As much of a browser as the inlet touches. */
class Browser extends EventEmitter {
  readonly OPEN = WebSocket.OPEN;
  readyState = WebSocket.OPEN;
  bufferedAmount = 0;
  paused = false;
  pongs = 0;
  pause() {
    this.paused = true;
  }
  resume() {
    this.paused = false;
  }
  pong() {
    this.pongs += 1;
  }
}

let browser: Browser;
let raw: Socket;
let stuck: number;
let inlet: Inlet;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  browser = new Browser();
  raw = new Socket();
  stuck = 0;
  inlet = openInlet(browser as unknown as WebSocket, raw, () => {
    stuck += 1;
  });
});
afterEach(() => {
  inlet.stop();
  raw.destroy();
  vi.useRealTimers();
});

/** A guacd that takes nothing. */
class Deaf extends EventEmitter {
  writableLength = 0;
}

describe('whoever is honest is never paused', () => {
  test('a mouse at 240 a second, keys held down, and every picture acknowledged, for a minute', () => {
    let everPaused = false;
    for (let second = 0; second < 60; second += 1) {
      for (let moves = 0; moves < 240; moves += 1) {
        raw.emit('data', Buffer.alloc(30));
        inlet.spend(1);
        everPaused ||= browser.paused;
      }
      for (let keys = 0; keys < 60; keys += 1) inlet.spend(1);
      for (let acks = 0; acks < 1500; acks += 1) inlet.spend(1);
      everPaused ||= browser.paused;
      vi.advanceTimersByTime(1000);
    }
    expect(everPaused).toBe(false);
  });
  test('a paste of 131,072 bytes', () => {
    for (let sent = 0; sent < 131_072; sent += 6048) {
      raw.emit('data', Buffer.alloc(8080));
      inlet.spend(1);
    }
    expect(browser.paused).toBe(false);
  });
});

describe('is read no faster than the limits', () => {
  test('bytes, whatever they are', () => {
    raw.emit('data', Buffer.alloc(limits.bytes.burst + limits.bytes.perSecond));
    expect(browser.paused).toBe(true);
    vi.advanceTimersByTime(990);
    expect(browser.paused).toBe(true);
    vi.advanceTimersByTime(20);
    expect(browser.paused).toBe(false);
  });
  test('instructions, however many share a message', () => {
    inlet.spend(limits.instructions.burst);
    expect(browser.paused).toBe(false);
    inlet.spend(limits.instructions.perSecond);
    expect(browser.paused).toBe(true);
    vi.advanceTimersByTime(1010);
    expect(browser.paused).toBe(false);
  });
});

describe('pings, in the protocol and below it', () => {
  test('are answered ten times, then once a second', () => {
    for (let times = 0; times < 1000; times += 1) browser.emit('ping', Buffer.alloc(0));
    expect(browser.pongs).toBe(limits.pings.burst);
    expect(inlet.mayAnswer()).toBe(false);
    vi.advanceTimersByTime(1000);
    expect([inlet.mayAnswer(), inlet.mayAnswer()]).toEqual([true, false]);
  });
  test('are not answered to a browser that does not read', () => {
    browser.bufferedAmount = limits.unreadBytes;
    expect(inlet.mayAnswer()).toBe(false);
  });
});

describe('a guacd that does not read', () => {
  test('keeps the browser from being read, until it does', () => {
    const guacd = new Deaf();
    guacd.writableLength = limits.unsentBytes;
    inlet.wrote(guacd as unknown as Socket);
    expect(browser.paused).toBe(false);
    guacd.writableLength += 1;
    inlet.wrote(guacd as unknown as Socket);
    expect(browser.paused).toBe(true);
    vi.advanceTimersByTime(limits.unsentMs - 10);
    guacd.emit('drain');
    expect(browser.paused).toBe(false);
    vi.advanceTimersByTime(limits.unsentMs * 2);
    expect(stuck).toBe(0);
  });
  test('ends the tunnel when it never does', () => {
    const guacd = new Deaf();
    guacd.writableLength = limits.unsentBytes * 2;
    inlet.wrote(guacd as unknown as Socket);
    inlet.wrote(guacd as unknown as Socket);
    vi.advanceTimersByTime(limits.unsentMs);
    expect(stuck).toBe(1);
    inlet.stop();
    expect(browser.paused).toBe(false);
  });
});
