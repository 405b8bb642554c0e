import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '@preau/contract/errors.ts';
import { reportEveryMs } from '@preau/contract/server.ts';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createAgent } from './agent.ts';
import { createMemoryDriver } from './drivers/memory.ts';

let folder = '';
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  folder = mkdtempSync(join(tmpdir(), 'preau-backoff-'));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

test(
  'a controller that answers nothing is asked ever more rarely, by each server at its own ' +
    'moment, and heard at once when it rings',
  async () => {
    const servers = 40;
    const sentAt: number[] = [];
    const bells: (() => void)[] = [];
    let away = true;
    let heard = 0;
    const begun = Date.now();
    const agents = Array.from({ length: servers }, (_, index) =>
      createAgent({
        serverId: `srv_${String(index).padStart(22, '0')}`,
        stateFolder: join(folder, String(index)),
        driver: createMemoryDriver(),
        now: () => Date.now(),
        verify: () => true,
        log: { info: () => undefined, warn: () => undefined },
        link: {
          readTransfer: async () => Promise.reject(new AppError('NOT_FOUND')),
          sendTransfer: async () => Promise.reject(new AppError('NOT_FOUND')),
          readDesiredState: async () => {
            throw new AppError('NOT_FOUND');
          },
          sendReport: async () => {
            sentAt.push(Date.now() - begun);
            if (away) throw new Error('connect ECONNREFUSED');
            heard += 1;
            return { generation: 0, icons: [] };
          },
          sendIcon: async () => undefined,
          onWake: (listener) => bells.push(listener),
          clockSkewMs: () => null,
        },
      }),
    );
    for (const agent of agents) await agent.start();
    const minutes = 3;
    for (let second = 0; second < minutes * 60; second += 1)
      await vi.advanceTimersByTimeAsync(1000);
    const settled = sentAt.filter((at) => at >= 60_000);
    // Between the shortest and the longest wait, on average half of the longest.
    expect(settled.length / servers / (((minutes - 1) * 60_000) / reportEveryMs)).toBeLessThan(2.2);
    const perTick = new Map<number, number>();
    for (const at of settled)
      perTick.set(Math.floor(at / 2000), (perTick.get(Math.floor(at / 2000)) ?? 0) + 1);
    expect(Math.max(...perTick.values())).toBeLessThan(servers / 2);
    away = false;
    for (const ring of bells) ring();
    await vi.advanceTimersByTimeAsync(1000);
    expect(heard).toBe(servers);
    const stopped = Promise.all(agents.map((agent) => agent.stop()));
    await vi.advanceTimersByTimeAsync(3000);
    await stopped;
  },
);
