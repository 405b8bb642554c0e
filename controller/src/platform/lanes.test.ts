import { expect, test } from 'vitest';
import { codeOf } from '#src/testing.fixture.ts';
import { createLanes } from './lanes.ts';

function setUp() {
  const lanes = createLanes({
    known: { atOnce: 1, waiting: 10 },
    unknown: { atOnce: 1, waiting: 2 },
  });
  const done: string[] = [];
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const run = (lane: 'known' | 'unknown', name: string, urgency?: number) =>
    codeOf(
      lanes.run(
        lane,
        async () => {
          await gate;
          done.push(name);
        },
        urgency,
      ),
    );
  return { run, done, open: () => open() };
}

test('a thousand unknown names take no place of a known one', async () => {
  const { run, done, open } = setUp();
  const invented = Array.from({ length: 1000 }, (_, at) => run('unknown', `invented ${at}`));
  const teacher = run('known', 'teacher');
  open();
  expect(await teacher).toBe('done');
  const codes = await Promise.all(invented);
  expect([codes.filter((code) => code === 'BUSY').length, done.length]).toEqual([997, 4]);
});

test('guesses fill half of the lane at most, and come after everybody else', async () => {
  const { run, done, open } = setUp();
  const guesses = Array.from({ length: 20 }, (_, at) => run('known', `guess ${at}`, 0));
  const people = Array.from({ length: 5 }, (_, at) => run('known', `person ${at}`));
  open();
  expect(await Promise.all(people)).toEqual(Array.from({ length: 5 }, () => 'done'));
  expect((await Promise.all(guesses)).filter((code) => code === 'BUSY')).toHaveLength(14);
  expect(done).toEqual([
    'guess 0',
    ...Array.from({ length: 5 }, (_, at) => `person ${at}`),
    ...Array.from({ length: 5 }, (_, at) => `guess ${at + 1}`),
  ]);
});
