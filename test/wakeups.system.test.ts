/** Three controller processes of one city on one real Redis: what one changes wakes the others. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startRedis, until } from '../dev/services.ts';

const folder = mkdtempSync(join(tmpdir(), 'preau-wakeups-'));
let redis: ReturnType<typeof startRedis>;
let controllers: { process: ChildProcess; heard: string[][] }[] = [];

beforeAll(async () => {
  redis = startRedis(join(folder, 'redis'));
  await until('Redis', redis.ready);
  controllers = await Promise.all(
    [1, 2, 3].map(async () => {
      const process = fork(
        fileURLToPath(new URL('./wakeups-process.fixture.ts', import.meta.url)),
        [redis.url],
      );
      const heard: string[][] = [];
      await new Promise<void>((resolve, reject) => {
        process.on('message', (told: { ready?: boolean; heard?: string[] }) => {
          if (told.heard !== undefined) heard.push(told.heard);
          else resolve();
        });
        process.once('exit', (code) => reject(new Error(`ended with ${code}`)));
      });
      return { process, heard };
    }),
  );
});
afterAll(async () => {
  for (const { process } of controllers) process.kill();
  await redis.service.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('each wake-up is heard once by every process of the city', async () => {
  const [first, second] = controllers;
  const expected: string[][] = [];
  // A subscription may be a moment behind the connection it is made on.
  await vi.waitFor(
    () => {
      first?.process.send({ wake: ['people'] });
      expect(controllers.every(({ heard }) => heard.length > 0)).toBe(true);
    },
    { timeout: 10_000, interval: 100 },
  );
  for (const [from, wake] of [
    [first, ['sessions', 'audit']],
    [second, ['rules']],
    [first, ['servers']],
  ] as const) {
    from?.process.send({ wake });
    expected.push([...wake]);
    await vi.waitFor(
      () => {
        for (const { heard } of controllers) expect(heard.at(-1)).toEqual(wake);
      },
      { timeout: 10_000, interval: 5 },
    );
  }
  // Of the first ones, which were sent until all had subscribed, some may have come late.
  for (const { heard } of controllers)
    expect(heard.filter(([topic]) => topic !== 'people')).toEqual(expected);
});
