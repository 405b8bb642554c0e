import type { PageTopic } from '@preau/contract/topics.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openBrowser } from './browser.fixture.ts';

openBrowser();

/** The hub, as the socket library shows it. */
const hub = vi.hoisted(() => ({
  sockets: [] as { tell: (event: string, said?: unknown) => void; closed: boolean }[],
}));
vi.mock('socket.io-client', () => ({
  io: () => {
    const listeners = new Map<string, (said: unknown) => void>();
    const one = {
      closed: false,
      tell: (event: string, said?: unknown) => listeners.get(event)?.(said),
    };
    hub.sockets.push(one);
    return {
      on: (event: string, listener: (said: unknown) => void) => listeners.set(event, listener),
      disconnect: () => {
        one.closed = true;
      },
    };
  },
}));
const { closeHub, keepFresh, openHub } = await import('./live.svelte.ts');
const { page } = await import('./page.svelte.ts');

const settled = () => vi.advanceTimersByTimeAsync(0);
let stops: (() => void)[] = [];
beforeEach(() => {
  vi.useFakeTimers();
  hub.sockets.length = 0;
  page.online = true;
});
afterEach(() => {
  for (const stop of stops) stop();
  stops = [];
  closeHub();
  vi.useRealTimers();
});
const open = async () => {
  openHub();
  await vi.waitFor(() => expect(hub.sockets.length).toBeGreaterThan(0));
  const socket = hub.sockets.at(-1);
  if (socket === undefined) throw new Error('no socket');
  return socket;
};
/** A page that cares for rules alone. */
function fresh(load: () => Promise<void> = async () => undefined) {
  let loads = 0;
  const stop = keepFresh(
    (topic: PageTopic) => topic === 'rules',
    async () => {
      loads += 1;
      await load();
    },
  );
  stops.push(stop);
  return { loads: () => loads, stop };
}

describe('a page', () => {
  test('reads at once, when what it shows changes, and now and then', async () => {
    const socket = await open();
    const { loads, stop } = fresh();
    await settled();
    expect(loads()).toBe(1);
    socket.tell('wake', ['sessions', 'audit']);
    await settled();
    expect(loads()).toBe(1);
    socket.tell('wake', ['sessions', 'rules']);
    await settled();
    expect(loads()).toBe(2);
    await vi.advanceTimersByTimeAsync(44_999);
    expect(loads()).toBe(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(loads()).toBe(3);
    stop();
    socket.tell('wake', ['rules']);
    await vi.advanceTimersByTimeAsync(100_000);
    expect(loads()).toBe(3);
  });
  test('that reads already reads once more afterwards, however often it is woken', async () => {
    const socket = await open();
    const ends: (() => void)[] = [];
    const { loads } = fresh(() => new Promise((resolve) => ends.push(resolve)));
    for (let times = 0; times < 5; times += 1) socket.tell('wake', ['rules']);
    await settled();
    expect(loads()).toBe(1);
    ends.shift()?.();
    await settled();
    expect(loads()).toBe(2);
    ends.shift()?.();
    await settled();
    expect(loads()).toBe(2);
    socket.tell('wake', ['rules']);
    await settled();
    expect(loads()).toBe(3);
    ends.shift()?.();
  });
  test('whose reading fails reads again at the next wake-up', async () => {
    const socket = await open();
    const { loads } = fresh(() => Promise.reject(new Error('NETWORK')));
    await settled();
    socket.tell('wake', ['rules']);
    await settled();
    expect(loads()).toBe(2);
  });
  test('reads what it may have missed, whatever that is, when the hub is back', async () => {
    const socket = await open();
    const { loads } = fresh();
    await settled();
    socket.tell('disconnect', 'transport close');
    expect([loads(), page.online]).toEqual([1, false]);
    page.restarting = true;
    socket.tell('connect');
    await settled();
    expect([loads(), page.online, page.restarting]).toEqual([2, true, false]);
    // The controller closed it, most likely because the sign-in has ended.
    socket.tell('disconnect', 'io server disconnect');
    await settled();
    expect([loads(), page.online]).toEqual([3, true]);
    socket.tell('disconnect', 'io client disconnect');
    await settled();
    expect([loads(), page.online]).toEqual([3, true]);
  });
});

describe('the hub', () => {
  test('is one: opened again, the one before is closed', async () => {
    const first = await open();
    const second = await open();
    await vi.waitFor(() => expect(hub.sockets).toHaveLength(2));
    expect([first.closed, hub.sockets.at(-1)?.closed]).toEqual([true, false]);
    closeHub();
    expect(hub.sockets.every(({ closed }) => closed)).toBe(true);
    expect(second).toBeDefined();
  });
  test('closed before the library was there, it is never opened', async () => {
    openHub();
    closeHub();
    await vi.advanceTimersByTimeAsync(1000);
    expect(hub.sockets).toEqual([]);
  });
});
