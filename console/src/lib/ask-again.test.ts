import { expect, test } from 'vitest';
import { askAgain } from './ask-again.ts';

/** Fails this many times, then answers with how often it was asked. */
const failing = (times: number) => {
  let asked = 0;
  return () => {
    asked += 1;
    return asked > times ? Promise.resolve(asked) : Promise.reject(new Error(`failure ${asked}`));
  };
};

test('what reads is asked once more, and no more often', async () => {
  expect(await askAgain(failing(0), 'GET', 1)).toBe(1);
  expect(await askAgain(failing(1), 'GET', 1)).toBe(2);
  await expect(askAgain(failing(2), 'GET', 1)).rejects.toThrow('failure 2');
});

test('what writes may have arrived: it is not sent twice', async () => {
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
    await expect(askAgain(failing(1), method, 1)).rejects.toThrow('failure 1');
});
