import { expect, test } from 'vitest';
import { run } from './command.ts';

test('a program that has passed its deadline keeps nobody waiting, nor what it started', async () => {
  const started = performance.now();
  // The inner program holds the output open and outlives the one that is killed.
  const done = await run('/bin/sh', ['-c', 'echo begun; sleep 4 & wait'], { timeoutMs: 200 });
  expect(performance.now() - started).toBeLessThan(2000);
  expect(done).toEqual({ code: null, stdout: 'begun\n', stderr: '', timedOut: true });
});
