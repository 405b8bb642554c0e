import { describe, expect, test } from 'vitest';
import { askAgain, type Ending, isRestart, pauseAfter } from './ask-again.ts';

const ours = (status: number, code: string, details = {}) => ({ status, code, details });
/** As nginx or another proxy says it, in HTML. */
const page = (status: number) => ({ status, code: null, details: {} });
const fine = { status: 200, code: null, details: {} };
const soFar = { method: 'GET', tries: 1, waitedMs: 0, chance: 0.5 };

/** Ends in these ways one after the other, without waiting between. */
async function through(endings: readonly Ending[], method = 'GET') {
  let asked = 0;
  const waits: Ending[] = [];
  const ask = () => {
    const ending = endings[Math.min(asked, endings.length - 1)] ?? 'lost';
    asked += 1;
    return ending === 'lost' ? Promise.reject(new Error('lost')) : Promise.resolve(ending);
  };
  const end = await askAgain(ask, {
    method,
    waits: (ending) => waits.push(ending),
    pause: () => Promise.resolve(),
  }).then(
    (answer) => answer.status,
    (error: Error) => error.message,
  );
  return { asked, end, waits: waits.length };
}

describe('a device that loses its network', () => {
  test('asks once more for what reads, and no more often', async () => {
    expect(await through([fine])).toEqual({ asked: 1, end: 200, waits: 0 });
    expect(await through(['lost', fine])).toEqual({ asked: 2, end: 200, waits: 1 });
    expect(await through(['lost', 'lost', fine])).toMatchObject({ asked: 2, end: 'lost' });
  });
  test('does not send twice what may have arrived', async () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
      expect(await through(['lost', fine], method)).toMatchObject({ asked: 1, end: 'lost' });
  });
});

describe('a controller that restarts behind a proxy', () => {
  const notSent = ours(503, 'RESTARTING', { sent: 'no', retryAfterS: 2 });
  const perhaps = ours(503, 'RESTARTING', { sent: 'perhaps', retryAfterS: 2 });

  test.each([502, 503, 504])('a page with status %i is waited for', async (status) => {
    expect(isRestart(page(status))).toBe(true);
    expect(await through([page(status), page(status), page(status), fine])).toMatchObject({
      asked: 4,
      end: 200,
    });
  });
  test('a click that did not arrive is sent again, one that may have is not', async () => {
    expect(await through([notSent, notSent, fine], 'POST')).toMatchObject({ asked: 3, end: 200 });
    expect(await through([perhaps, fine], 'POST')).toMatchObject({ asked: 1, end: 503 });
    expect(await through([page(502), fine], 'POST')).toMatchObject({ asked: 1, end: 502 });
    expect(await through([perhaps, fine], 'GET')).toMatchObject({ asked: 2, end: 200 });
  });
  test('pauses grow to five seconds, are spread, and end after two minutes', () => {
    const pauses = [1, 2, 3, 4, 5, 9].map((tries) =>
      pauseAfter(page(502), { ...soFar, tries, chance: 0.5 }),
    );
    expect(pauses).toEqual([500, 1000, 2000, 4000, 5000, 5000]);
    expect(pauseAfter(page(502), { ...soFar, chance: 0 })).toBe(250);
    expect(pauseAfter(page(502), { ...soFar, chance: 1 })).toBe(750);
    expect(pauseAfter(page(502), { ...soFar, waitedMs: 120_001 })).toBeNull();
  });
  test('our own refusals and faults are no restart', () => {
    for (const [status, code] of [
      [503, 'BUSY'],
      [503, 'SERVER_OFFLINE'],
      [500, 'INTERNAL'],
    ] as const)
      expect(isRestart(ours(status, code))).toBe(false);
    expect(isRestart(page(404))).toBe(false);
  });
});

describe('a controller that asks for a moment', () => {
  test('is asked again when the moment is shorter than two seconds', async () => {
    for (const code of ['BUSY', 'SLOW_DOWN'])
      expect(await through([ours(503, code, { retryAfterS: 1 }), fine], 'POST')).toMatchObject({
        asked: 2,
        end: 200,
      });
  });
  test('is not asked for longer, nor without a moment', async () => {
    for (const details of [{ retryAfterS: 5 }, {}])
      expect(await through([ours(503, 'BUSY', details), fine], 'POST')).toMatchObject({
        asked: 1,
        end: 503,
      });
    const again = ours(429, 'SLOW_DOWN', { retryAfterS: 1 });
    expect((await through([again], 'POST')).asked).toBeLessThanOrEqual(3);
  });
});
