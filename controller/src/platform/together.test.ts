import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Database, migrate, openDatabase, type Rows } from './database.ts';
import { together } from './together.ts';

let folder = '';
let database: Database;
/** What another process sees: what is committed. */
let beside: Database;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'preau-together-'));
  database = openDatabase(join(folder, 'preau.sqlite'));
  await migrate(database, false);
  beside = openDatabase(join(folder, 'preau.sqlite'));
});
afterEach(async () => {
  await database.destroy();
  await beside.destroy();
  rmSync(folder, { recursive: true, force: true });
});

const write = async (rows: Rows, name: string) => {
  await rows.insertInto('city').values({ name, body: '{}', updated_at: 1 }).execute();
  return name;
};
const names = async (rows: Rows) =>
  (await rows.selectFrom('city').select('name').orderBy('name').execute()).map((row) => row.name);
const all = Array.from({ length: 40 }, (_, index) => `thing-${String(index).padStart(2, '0')}`);

test('those who come together are committed together, and each gets its own result', async () => {
  const transactions = vi.spyOn(database, 'transaction');
  expect(
    await Promise.all(all.map((name) => together(database, (rows) => write(rows, name)))),
  ).toEqual(all);
  expect(await names(beside)).toEqual(all);
  expect(transactions.mock.calls.length).toBeLessThanOrEqual(3);
});

test('nobody hears of success before it is committed', async () => {
  const seen = await Promise.all(
    all.map((name) =>
      together(database, (rows) => write(rows, name)).then(async () =>
        (await names(beside)).includes(name),
      ),
    ),
  );
  expect(seen).toEqual(all.map(() => true));
});

test('one that fails harms itself alone: nothing of it stays, the others are written once', async () => {
  const bad = new Set(['thing-03', 'thing-20', 'thing-21']);
  const ends = await Promise.allSettled(
    all.map((name) =>
      together(database, async (rows) => {
        await write(rows, name);
        if (bad.has(name)) throw new Error(`no ${name}`);
        return name;
      }),
    ),
  );
  for (const [index, name] of all.entries())
    expect(ends[index]).toEqual(
      bad.has(name)
        ? { status: 'rejected', reason: new Error(`no ${name}`) }
        : { status: 'fulfilled', value: name },
    );
  expect(await names(beside)).toEqual(all.filter((name) => !bad.has(name)));
});

test('a statement the database refuses, too; and whoever comes afterwards is served', async () => {
  const twice = await Promise.allSettled(
    ['one', 'same', 'same', 'two'].map((name) => together(database, (rows) => write(rows, name))),
  );
  expect(twice.map(({ status }) => status)).toEqual([
    'fulfilled',
    'fulfilled',
    'rejected',
    'fulfilled',
  ]);
  expect(await together(database, (rows) => write(rows, 'three'))).toBe('three');
  expect(await names(beside)).toEqual(['one', 'same', 'three', 'two']);
});

test('who comes while a group is committed is in the next one', async () => {
  const late: Promise<string>[] = [];
  await together(database, async (rows) => {
    late.push(together(database, (others) => write(others, 'late')));
    return write(rows, 'early');
  });
  await Promise.all(late);
  expect(await names(beside)).toEqual(['early', 'late']);
});
