/** Heavy work in threads: what it gives back, what ends it, and that nobody else waits. */
import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { budget } from '../budget.ts';
import { createHeavyWork, type HeavyWork } from './heavy-work.ts';
import { longestStop } from './longest-stop.fixture.ts';
import { trial } from './trial.worker.fixture.ts';

let heavy: HeavyWork;
beforeEach(() => {
  heavy = createHeavyWork({
    ...budget.work.kinds,
    icon_extraction: { withinMs: 5000, memoryMb: 32 },
  });
});
afterEach(() => heavy.close());
const refusal = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: unknown) => error,
  );

describe('a piece of heavy work', () => {
  test('answers, asks in between, and its refusals keep their code and sentence', async () => {
    expect(await heavy.run(trial, 'answer')).toBe('answered');
    const asked: string[] = [];
    const answer = async (question: string) => {
      asked.push(question);
      return 'Léa';
    };
    expect(await heavy.run(trial, 'ask', { answer })).toBe('Léa!');
    expect(asked).toEqual(['who?']);
    expect(await refusal(heavy.run(trial, 'refuse'))).toMatchObject({
      code: 'IMPORT_REFUSED',
      details: { why: { fr: 'non', en: 'no' } },
    });
    expect(await refusal(heavy.run(trial, 'throw'))).toMatchObject({ message: 'unforeseen' });
    const broken = async () => Promise.reject(new Error('no database'));
    expect(await refusal(heavy.run(trial, 'ask', { answer: broken }))).toMatchObject({
      message: 'no database',
    });
  });

  test('is ended by its deadline, says so, and nobody waits meanwhile', async () => {
    const short = createHeavyWork({
      ...budget.work.kinds,
      icon_extraction: { withinMs: 1500, memoryMb: 32 },
    });
    const known: string[] = [];
    let failed: unknown;
    const stop = await longestStop(async () => {
      failed = await refusal(
        short.run(trial, 'forever', { early: (output) => known.push(output) }),
      );
    });
    expect(failed).toMatchObject({
      code: 'FILE_TOO_COMPLEX',
      details: { work: 'icon_extraction', limit: 'time' },
    });
    expect(known).toEqual(['so far']);
    expect(stop).toBeLessThan(200);
    await short.close();
  });

  test('is ended by its bound on memory, and the controller goes on', async () => {
    expect(await refusal(heavy.run(trial, 'memory'))).toMatchObject({
      code: 'FILE_TOO_COMPLEX',
      details: { limit: 'memory' },
    });
    expect(await heavy.run(trial, 'answer')).toBe('answered');
  }, 30_000);

  test('waits for a thread; who would wait too long is told when to come back', async () => {
    const { atOnce, waiting } = budget.work;
    const all = Array.from({ length: atOnce + waiting + 1 }, () =>
      refusal(heavy.run(trial, 'forever')),
    );
    expect(await all.at(-1)).toMatchObject({ code: 'BUSY', details: { retryAfterS: 10 } });
    const began = performance.now();
    await heavy.close();
    for (const one of all) expect(await one).toMatchObject({ code: 'BUSY' });
    expect(performance.now() - began).toBeLessThan(3000);
  });

  test('its thread gives way to the thread that serves everybody', async () => {
    const nices = () =>
      readdirSync('/proc/self/task').map((task) => {
        const stat = readFileSync(`/proc/self/task/${task}/stat`, 'utf8');
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
      });
    const nice = new Promise<number>((resolve) => {
      void refusal(heavy.run(trial, 'forever', { early: () => resolve(Math.max(...nices())) }));
    });
    expect(await nice).toBe(10);
    const own = readFileSync(`/proc/self/task/${process.pid}/stat`, 'utf8');
    expect(Number(own.slice(own.lastIndexOf(')') + 2).split(' ')[16])).toBe(0);
  });
});
