import { expect, test } from 'vitest';
import { inTurn } from './in-turn.ts';

const fail = (why: string) => async () => {
  throw new Error(why);
};

test('each part runs after the one before, whatever became of it', async () => {
  const ran: string[] = [];
  const part = (name: string) => async () => {
    ran.push(`${name} begins`);
    await Promise.resolve();
    ran.push(`${name} ends`);
  };
  await inTurn([part('a'), part('b')]);
  await expect(inTurn([part('c'), fail('bad row'), part('d')])).rejects.toThrow('bad row');
  expect(ran).toEqual(['a', 'b', 'c', 'd'].flatMap((name) => [`${name} begins`, `${name} ends`]));
});

test('what failed is told, and a flood of it is not', async () => {
  const told = async (count: number) => {
    try {
      await inTurn(Array.from({ length: count }, (_, n) => fail(`${n}`)));
    } catch (error) {
      if (error instanceof AggregateError)
        return [error.message, ...error.errors.map(({ message }: Error) => message)];
      return [(error as Error).message];
    }
    return [];
  };
  expect(await told(0)).toEqual([]);
  expect(await told(1)).toEqual(['0']);
  expect(await told(2)).toEqual(['2 parts of a job failed', '0', '1']);
  expect(await told(300)).toEqual(['300 parts of a job failed', '0', '1', '2', '3', '4']);
});
