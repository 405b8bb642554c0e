import { expect, test } from 'vitest';
import { run, runUntil } from './command.ts';

test('a program that has passed its deadline keeps nobody waiting, nor what it started', async () => {
  const started = performance.now();
  // The inner program holds the output open and outlives the one that is killed.
  const done = await run('/bin/sh', ['-c', 'echo begun; sleep 4 & wait'], { timeoutMs: 200 });
  expect(performance.now() - started).toBeLessThan(2000);
  expect(done).toEqual({ code: null, stdout: 'begun\n', stderr: '', timedOut: true });
});

test('one that hears no signal is killed at its deadline', async () => {
  const started = performance.now();
  const deaf = 'trap "" TERM INT HUP; echo $$; while :; do sleep 0.05; done';
  const done = await run('/bin/sh', ['-c', deaf], { timeoutMs: 300 });
  expect(performance.now() - started).toBeLessThan(2000);
  expect(done).toMatchObject({ code: null, timedOut: true });
  expect(() => process.kill(Number(done.stdout), 0)).toThrow(/ESRCH/);
});

test('one that ends in time says how, and its deadline is forgotten', async () => {
  expect(
    await run('/bin/sh', ['-c', 'cat; echo bad >&2; exit 3'], { timeoutMs: 5000, input: 'said' }),
  ).toEqual({ code: 3, stdout: 'said', stderr: 'bad\n', timedOut: false });
  await expect(run('/nowhere/at-all', [], { timeoutMs: 5000 })).rejects.toThrow(/ENOENT/);
});

test('one that prints without end fills no memory', async () => {
  const { stdout, stderr } = await run(
    '/bin/sh',
    ['-c', 'head -c 4000000 /dev/zero; head -c 4000000 /dev/zero >&2'],
    { timeoutMs: 15_000 },
  );
  for (const output of [stdout, stderr]) {
    expect(output.length).toBeGreaterThanOrEqual(1_000_000);
    expect(output.length).toBeLessThan(1_200_000);
  }
});

test('one that is not wanted any more is told to end, and killed when it does not', async () => {
  const env = { PATH: process.env['PATH'] ?? '' };
  const stop = new AbortController();
  const started = performance.now();
  const polite = runUntil(
    '/bin/sh',
    ['-c', 'trap "echo bye; exit 4" TERM; while :; do sleep 0.05; done'],
    {
      env,
      signal: stop.signal,
    },
  );
  const deaf = runUntil('/bin/sh', ['-c', 'trap "" TERM; while :; do sleep 0.05; done'], {
    env,
    signal: stop.signal,
  });
  // Both must have set their traps.
  await new Promise((resolve) => setTimeout(resolve, 300));
  stop.abort();
  expect(await polite).toEqual({ code: 4, output: 'bye\n' });
  expect(performance.now() - started).toBeLessThan(3000);
  expect(await deaf).toMatchObject({ code: null });
  expect(
    await runUntil('/bin/sh', ['-c', 'sleep 30'], { env, signal: AbortSignal.abort() }),
  ).toMatchObject({ code: null });
});

test('one that has ended keeps nobody waiting for what it started', async () => {
  const started = performance.now();
  const done = await runUntil('/bin/sh', ['-c', 'sleep 5 & echo left; exit 3'], {
    env: { PATH: process.env['PATH'] ?? '' },
    signal: new AbortController().signal,
  });
  expect(done).toEqual({ code: 3, output: 'left\n' });
  expect(performance.now() - started).toBeLessThan(3000);
});
