import { AppError } from '@preau/contract/errors.ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { codeOf } from '#src/testing.fixture.ts';
import { createAttempts, pauseAfter } from './attempts.ts';

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

function setUp(chance = () => 0) {
  const judged: { at: number; what: string }[] = [];
  const attempts = createAttempts({ now: Date.now, chance });
  const guess = (
    what: string,
    right = false,
    from = 'school',
    kind: 'password' | 'code' = 'password',
  ) =>
    codeOf(
      attempts
        .judge({ of: 'lea', from, kind }, async () => {
          judged.push({ at: Date.now() - 1_000_000, what });
          return right ? what : null;
        })
        .then((found) => {
          if (found === null) throw new AppError('SIGN_IN_REFUSED');
        }),
    );
  const sequence = async (count: number) => {
    for (let at = 0; at < count; at += 1) {
      const one = guess(`guess ${at}`);
      await vi.advanceTimersByTimeAsync(4000);
      await one;
    }
  };
  return { attempts, judged, guess, sequence };
}

test('the pause after wrong guesses', () => {
  expect([0, 2, 3, 4, 5, 6, 7, 8, 1000].map(pauseAfter)).toEqual([
    0, 0, 250, 500, 1000, 2000, 4000, 4000, 4000,
  ]);
});

describe('guesses of one password', () => {
  test('sent together they are judged like guesses in a row: the first, then the newest', async () => {
    const { judged, guess } = setUp();
    const all = Promise.all(Array.from({ length: 30 }, (_, at) => guess(`guess ${at}`)));
    await vi.advanceTimersByTimeAsync(12_000);
    expect(judged).toEqual([
      { at: 0, what: 'guess 0' },
      { at: 0, what: 'guess 29' },
      { at: 0, what: 'guess 28' },
      { at: 250, what: 'guess 27' },
      { at: 750, what: 'guess 26' },
      { at: 1750, what: 'guess 25' },
      { at: 3750, what: 'guess 24' },
      { at: 7750, what: 'guess 23' },
      { at: 11_750, what: 'guess 22' },
    ]);
    await vi.advanceTimersByTimeAsync(120_000);
    const codes = await all;
    expect(codes.filter((code) => code === 'SLOW_DOWN')).toHaveLength(30 - judged.length);
  });

  test('two thousand at once: 512 wait, the others are told to slow down', async () => {
    const { judged, guess } = setUp();
    const codes: string[] = [];
    for (let at = 0; at < 2000; at += 1) void guess(`guess ${at}`).then((code) => codes.push(code));
    await vi.advanceTimersByTimeAsync(0);
    expect([judged.length, codes.filter((code) => code === 'SLOW_DOWN').length]).toEqual([
      3,
      2000 - 1 - 512,
    ]);
  });

  test('the person gets in from another address within one pause per address', async () => {
    const { guess } = setUp();
    for (let at = 0; at < 200; at += 1) void guess(`guess ${at}`);
    await vi.advanceTimersByTimeAsync(20_000);
    const started = Date.now();
    const person = guess('right', true, 'home').then((code) => [code, Date.now() - started]);
    await vi.advanceTimersByTimeAsync(9000);
    const [code, took] = await person;
    expect(code).toBe('done');
    expect(took).toBeLessThanOrEqual(4000);
  });

  test('the person gets in from the attacker’s own address: the newest is judged first', async () => {
    const { guess } = setUp();
    for (let at = 0; at < 30; at += 1) void guess(`guess ${at}`);
    await vi.advanceTimersByTimeAsync(20_000);
    const started = Date.now();
    const person = guess('right', true).then((code) => [code, Date.now() - started]);
    await vi.advanceTimersByTimeAsync(4000);
    const [code, took] = await person;
    expect(code).toBe('done');
    expect(took).toBeLessThanOrEqual(4000);
  });

  test('a program that comes back after each answer does not stay the newest', async () => {
    let turn = 0;
    const { attempts, guess } = setUp(() => {
      turn += 1;
      return turn % 2 === 0 ? 0 : 0.9;
    });
    let ended = false;
    for (let at = 0; at < 200; at += 1)
      void (async () => {
        while (!ended) await guess('wrong');
      })();
    await vi.advanceTimersByTimeAsync(30_000);
    const started = Date.now();
    const person = guess('right', true).then((code) => [code, Date.now() - started]);
    await vi.advanceTimersByTimeAsync(16_000);
    const [code, took] = await person;
    expect(code).toBe('done');
    expect(took).toBeLessThanOrEqual(12_000);
    ended = true;
    attempts.close();
  });

  test('when the controller stops, those that wait are told at once', async () => {
    const { attempts, guess } = setUp();
    const all = Promise.all(Array.from({ length: 20 }, () => guess('wrong')));
    await vi.advanceTimersByTimeAsync(0);
    attempts.close();
    await vi.advanceTimersByTimeAsync(0);
    const codes = await all;
    expect(codes.filter((code) => code === 'BUSY')).toHaveLength(17);
  });

  test('forgotten after success', async () => {
    const { judged, guess, sequence } = setUp();
    await sequence(6);
    const right = guess('right', true);
    await vi.advanceTimersByTimeAsync(4000);
    expect(await right).toBe('done');
    judged.length = 0;
    const more = [guess('a'), guess('b'), guess('c')];
    await vi.advanceTimersByTimeAsync(0);
    await Promise.all(more);
    expect(judged).toHaveLength(3);
  });

  test('never a lock: the hundredth wrong guess is judged within four seconds', async () => {
    const { judged, sequence, guess } = setUp();
    await sequence(100);
    expect(judged).toHaveLength(100);
    const right = guess('right', true);
    await vi.advanceTimersByTimeAsync(4000);
    expect(await right).toBe('done');
  });

  test('a right password in a loop: sixty in a minute, then one a second', async () => {
    const { judged, guess } = setUp();
    for (let at = 0; at < 60; at += 1) await guess(`right ${at}`, true);
    expect(judged.map(({ at }) => at)).toEqual(Array.from({ length: 60 }, () => 0));
    for (let at = 0; at < 10; at += 1) void guess(`more ${at}`, true);
    await vi.advanceTimersByTimeAsync(3500);
    expect(judged.slice(60).map(({ at }) => at)).toEqual([1000, 2000, 3000]);
  });

  test('a directory that is away does not count', async () => {
    const { attempts, judged, guess } = setUp();
    for (let at = 0; at < 10; at += 1)
      expect(
        await codeOf(
          attempts.judge({ of: 'lea', from: '', kind: 'password' }, async () => {
            throw new AppError('DIRECTORY_UNAVAILABLE');
          }),
        ),
      ).toBe('DIRECTORY_UNAVAILABLE');
    await guess('one');
    expect(judged).toHaveLength(1);
  });
});

test('codes of one account: twenty in a quarter of an hour, then none is looked at', async () => {
  const { judged, guess } = setUp();
  const codes: string[] = [];
  for (let at = 0; at < 25; at += 1) {
    const one = guess(`code ${at}`, false, 'school', 'code');
    await vi.advanceTimersByTimeAsync(4000);
    codes.push(await one);
  }
  expect(judged).toHaveLength(20);
  expect(codes.slice(20)).toEqual(Array.from({ length: 5 }, () => 'SLOW_DOWN'));
  await vi.advanceTimersByTimeAsync(900_000);
  expect(await guess('right', true, 'school', 'code')).toBe('done');
});
