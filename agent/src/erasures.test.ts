/** Homes of erased people: erased once, tried again, and told only when all of them are gone. */
import { AppError } from '@preau/contract/errors.ts';
import { expect, test } from 'vitest';
import { id, sessionOne, tux, world } from './world.fixture.ts';

const erasures = (w: ReturnType<typeof world>) =>
  w.driver.calls.filter((call) => call.startsWith('eraseHome')).map((call) => call.split(' ')[1]);
const [lea, tom] = [id('acc', 'l'), id('acc', 't')];

test('homes of erased people are erased, once, and the city is told', async () => {
  const w = world();
  await w.agent.start();
  w.want({ erasedHomes: { upTo: 2, homes: [lea, tom] } });
  await w.soon(() => expect(w.last().erasedHomes).toBe(2));
  expect(erasures(w)).toEqual([lea, tom]);
  w.want({ erasedHomes: { upTo: 2, homes: [lea, tom] }, standbyDisplays: 1 });
  await w.soon(() => expect(w.last().generation).toBe(2));
  expect(erasures(w)).toEqual([lea, tom]);
  w.want({ erasedHomes: { upTo: 3, homes: [id('acc', 'z')] } });
  await w.soon(() => expect(w.last().erasedHomes).toBe(3));
});

test('one that cannot be erased is said, tried again, and the others do not wait for it', async () => {
  const w = world();
  await w.agent.start();
  w.driver.fail('eraseHome', new AppError('HOME_UNREACHABLE', { why: 'no answer' }));
  w.want({ erasedHomes: { upTo: 2, homes: [lea, tom] } });
  await w.soon(() =>
    expect(w.last().failedSteps).toMatchObject([
      { step: 'erase_home', element: lea, code: 'HOME_UNREACHABLE' },
    ]),
  );
  expect(erasures(w)).toEqual([lea, tom]);
  expect(w.last().erasedHomes).toBeUndefined();
  w.clock.at += 30_001;
  w.want({ erasedHomes: { upTo: 2, homes: [lea, tom] }, standbyDisplays: 1 });
  await w.soon(() => expect(w.last()).toMatchObject({ erasedHomes: 2, failedSteps: [] }));
});

test('a session that still runs is ended first', async () => {
  const w = world();
  await w.agent.start();
  w.want({ applications: [tux], sessions: [sessionOne] });
  await w.soon(() => expect(w.driver.running.size).toBe(1));
  w.want({ applications: [tux], erasedHomes: { upTo: 1, homes: [sessionOne.accountId] } });
  await w.soon(() => expect(w.driver.running.size).toBe(0));
  w.clock.at += 5001;
  w.want({ applications: [tux], erasedHomes: { upTo: 1, homes: [sessionOne.accountId] } });
  await w.soon(() => expect(w.last().erasedHomes).toBe(1));
  expect(w.driver.calls.lastIndexOf(`eraseHome ${sessionOne.accountId}`)).toBeGreaterThan(
    w.driver.calls.indexOf(`endSession ${sessionOne.sessionId}`),
  );
});
