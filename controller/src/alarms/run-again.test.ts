import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { runAgain } from './run-again.ts';

const unexpected = (error: unknown) => {
  throw error;
};

/** Work that ends when the test says so. */
function steppedWork() {
  const started: string[] = [];
  const ends: (() => void)[] = [];
  return {
    started,
    work: (key: string) => {
      started.push(key);
      return new Promise<void>((resolve) => ends.push(resolve));
    },
    end: async () => {
      ends.shift()?.();
      await pause(1);
    },
  };
}

test('asked often while it runs, it runs once more', async () => {
  const { started, work, end } = steppedWork();
  const runs = runAgain<string>(work, unexpected);
  const done = runs.ask('a');
  await pause(1);
  for (let times = 0; times < 5; times += 1) void runs.ask('a');
  expect(started).toEqual(['a']);
  await end();
  expect(started).toEqual(['a', 'a']);
  await end();
  await done;
  expect(started).toEqual(['a', 'a']);
  void runs.ask('a');
  await pause(1);
  expect(started).toEqual(['a', 'a', 'a']);
  await end();
});

test('keys do not wait for each other', async () => {
  const { started, work, end } = steppedWork();
  const runs = runAgain<string>(work, unexpected);
  const done = [runs.ask('a'), runs.ask('b')];
  await pause(1);
  expect(started).toEqual(['a', 'b']);
  await end();
  await end();
  await Promise.all(done);
});

test('what fails is told, and does not end it', async () => {
  const failures: unknown[] = [];
  let runs = 0;
  const failing = runAgain(
    async () => {
      runs += 1;
      if (runs === 1) throw new Error('once');
    },
    (error) => failures.push(error),
  );
  const done = failing.ask();
  await pause(1);
  await failing.ask();
  await done;
  expect([runs, failures]).toEqual([2, [expect.objectContaining({ message: 'once' })]]);
});

test('what is asked while it settles is part of the run; while it rests, of the next', async () => {
  let runs = 0;
  const paced = runAgain(
    async () => {
      runs += 1;
    },
    unexpected,
    { settleMs: 20, restMs: () => 60 },
  );
  void paced.ask();
  void paced.ask();
  expect(runs).toBe(0);
  await pause(40);
  expect(runs).toBe(1);
  await paced.ask();
  expect(runs).toBe(2);
});

test('closing waits for the run, not for rest or settling, and nothing runs after it', async () => {
  const { started, work, end } = steppedWork();
  const runs = runAgain<string>(work, unexpected, { restMs: () => 60_000 });
  void runs.ask('a');
  await pause(1);
  void runs.ask('a');
  let closed = false;
  const closing = runs.close().then(() => {
    closed = true;
  });
  await pause(1);
  expect(closed).toBe(false);
  await end();
  await closing;
  await runs.ask('a');
  expect(started).toEqual(['a']);
  const settling = runAgain<string>(work, unexpected, { settleMs: 60_000 });
  void settling.ask('b');
  await settling.close();
  expect(started).toEqual(['a']);
});
