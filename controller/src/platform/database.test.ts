import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Database, migrate, openDatabase } from './database.ts';

let database: Database;
beforeEach(async () => {
  database = openDatabase(':memory:');
  await migrate(database, false);
});
afterEach(() => database.destroy());
const write = (name: string) => database.insertInto('city').values({ name, body: '{}', updated_at: 1 }).execute();
const names = async () => (await database.selectFrom('city').select('name').orderBy('updated_at').orderBy('name').execute()).map((row) => row.name);

describe('the one connection', () => {
  test('is given in turn: a thousand who wait are served in the order in which they came', async () => {
    const served: number[] = [];
    await Promise.all(Array.from({ length: 1000 }, async (_, index) => {
      await database.selectFrom('city').select('name').execute();
      served.push(index);
    }));
    expect(served).toEqual(Array.from({ length: 1000 }, (_, index) => index));
  });

  test('a transaction has it for itself until it ends, whichever way', async () => {
    let inside = false;
    const seen: boolean[] = [];
    const ends = await Promise.allSettled(Array.from({ length: 20 }, (_, index) => database.transaction().execute(async (rows) => {
      seen.push(inside);
      inside = true;
      await rows.insertInto('city').values({ name: `n${index}`, body: '{}', updated_at: index }).execute();
      await new Promise((resolve) => setTimeout(resolve, 1));
      inside = false;
      if (index % 2 === 1) throw new Error('taken back');
    })));
    expect(seen).toEqual(Array.from({ length: 20 }, () => false));
    expect(ends.filter(({ status }) => status === 'rejected')).toHaveLength(10);
    expect(await names()).toEqual(Array.from({ length: 10 }, (_, index) => `n${index * 2}`));
  });

  test('a statement that is refused gives it back', async () => {
    await write('one');
    await expect(write('one')).rejects.toThrow(/UNIQUE/);
    await expect(sql`select name from nowhere`.execute(database)).rejects.toThrow(/nowhere/);
    await write('two');
    expect(await names()).toEqual(['one', 'two']);
  });
});

describe('statements that are prepared once', () => {
  test('see tables that changed meanwhile', async () => {
    const all = () => database.selectFrom('city').selectAll().execute();
    await write('one');
    expect(await all()).toEqual([{ name: 'one', body: '{}', updated_at: 1 }]);
    await sql`alter table city add column more text default 'x'`.execute(database);
    expect(await all()).toEqual([{ name: 'one', body: '{}', updated_at: 1, more: 'x' }]);
    await sql`alter table city drop column more`.execute(database);
    expect(await all()).toEqual([{ name: 'one', body: '{}', updated_at: 1 }]);
  });

  test('more different ones than are kept; the first of them is prepared anew', async () => {
    await write('one');
    for (let length = 1; length <= 700; length += 1) {
      const found = await database.selectFrom('city').select('name').where('name', 'in', ['one', ...Array.from({ length: length - 1 }, (_, index) => `other-${index}`)]).execute();
      expect(found).toEqual([{ name: 'one' }]);
    }
    expect(await names()).toEqual(['one']);
    await write('two');
    expect(await names()).toEqual(['one', 'two']);
  });

  test('one text, many values, at once', async () => {
    await Promise.all(Array.from({ length: 50 }, (_, index) => write(`n${index}`)));
    const found = await Promise.all(Array.from({ length: 50 }, (_, index) => database.selectFrom('city').select('name').where('name', '=', `n${index}`).executeTakeFirst()));
    expect(found.map((row) => row?.name)).toEqual(Array.from({ length: 50 }, (_, index) => `n${index}`));
  });
});
