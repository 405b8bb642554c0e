import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Database, migrate, openDatabase } from './database.ts';

let database: Database;
beforeEach(async () => {
  database = openDatabase(':memory:');
  await migrate(database, false);
});
afterEach(() => database.destroy());
const write = (name: string) =>
  database.insertInto('city').values({ name, body: '{}', updated_at: 1 }).execute();
const names = async () =>
  (
    await database.selectFrom('city').select('name').orderBy('updated_at').orderBy('name').execute()
  ).map((row) => row.name);

describe('the connection that writes', () => {
  test('is given in turn: a thousand who wait are served in the order in which they came', async () => {
    const served: number[] = [];
    await Promise.all(
      Array.from({ length: 1000 }, async (_, index) => {
        await database.selectFrom('city').select('name').execute();
        served.push(index);
      }),
    );
    expect(served).toEqual(Array.from({ length: 1000 }, (_, index) => index));
  });

  test('a transaction has it for itself until it ends, whichever way', async () => {
    let inside = false;
    const seen: boolean[] = [];
    const ends = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) =>
        database.transaction().execute(async (rows) => {
          seen.push(inside);
          inside = true;
          await rows
            .insertInto('city')
            .values({ name: `n${index}`, body: '{}', updated_at: index })
            .execute();
          await new Promise((resolve) => setTimeout(resolve, 1));
          inside = false;
          if (index % 2 === 1) throw new Error('taken back');
        }),
      ),
    );
    expect(seen).toEqual(Array.from({ length: 20 }, () => false));
    expect(ends.filter(({ status }) => status === 'rejected')).toHaveLength(10);
    expect(await names()).toEqual(Array.from({ length: 10 }, (_, index) => `n${index * 2}`));
  });

  test('a commit that is refused gives it back, too', async () => {
    await expect(
      database.transaction().execute(async (rows) => {
        await sql`pragma defer_foreign_keys = on`.execute(rows);
        await rows
          .insertInto('desired_states')
          .values({ server_id: 'nobody', generation: 1, document: '', signature: '' })
          .execute();
      }),
    ).rejects.toThrow(/FOREIGN KEY/);
    await expect(
      database.transaction().execute(async (rows) => {
        // SQLite has ended it by itself: there is nothing left to roll back.
        await sql`rollback`.execute(rows);
        throw new Error('too late');
      }),
    ).rejects.toThrow();
    await write('one');
    expect(await names()).toEqual(['one']);
  });

  test('a statement that is refused gives it back', async () => {
    await write('one');
    await expect(write('one')).rejects.toThrow(/UNIQUE/);
    await expect(sql`select name from nowhere`.execute(database)).rejects.toThrow(/nowhere/);
    await write('two');
    expect(await names()).toEqual(['one', 'two']);
  });
});

describe('the connection that reads', () => {
  const folder = mkdtempSync(join(tmpdir(), 'preau-two-'));
  let file: Database;
  let count = 0;
  beforeEach(async () => {
    count += 1;
    file = openDatabase(join(folder, `${count}.sqlite`));
    await migrate(file, false);
  });
  afterEach(() => file.destroy());
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const row = (name: string) => ({ name, body: '{}', updated_at: 1 });
  const read = async () =>
    (await file.selectFrom('city').select('name').orderBy('name').execute()).map(
      ({ name }) => name,
    );

  test('waits for no transaction, and sees nothing of it before it is committed', async () => {
    let goOn = () => {};
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const writing = file.transaction().execute(async (rows) => {
      await rows.insertInto('city').values(row('one')).execute();
      await held;
      expect(
        (await rows.selectFrom('city').select('name').execute()).map(({ name }) => name),
      ).toEqual(['one']);
    });
    expect(await read()).toEqual([]);
    const behind = file.insertInto('city').values(row('two')).execute();
    expect(await read()).toEqual([]);
    goOn();
    await Promise.all([writing, behind]);
    expect(await read()).toEqual(['one', 'two']);
  });

  test('writes nothing: what changes rows takes its turn, also when it answers with rows', async () => {
    await file
      .insertInto('city')
      .values([row('one'), row('two')])
      .execute();
    expect(
      await file
        .updateTable('city')
        .set({ updated_at: 2 })
        .where('name', '=', 'one')
        .returning('updated_at')
        .execute(),
    ).toEqual([{ updated_at: 2 }]);
    expect(
      (
        await sql<{ name: string }>`delete from city where name = 'two' returning name`.execute(
          file,
        )
      ).rows,
    ).toEqual([{ name: 'two' }]);
    expect((await file.deleteFrom('city').executeTakeFirst()).numDeletedRows).toBe(1n);
    expect(await read()).toEqual([]);
  });

  test('sees what was written just before, and tables that changed', async () => {
    for (let n = 0; n < 50; n += 1) {
      await file
        .insertInto('city')
        .values(row(`n${n}`))
        .execute();
      expect(await read()).toHaveLength(n + 1);
    }
    await sql`alter table city add column more text default 'x'`.execute(file);
    expect(await file.selectFrom('city').selectAll().where('name', '=', 'n1').execute()).toEqual([
      { ...row('n1'), more: 'x' },
    ]);
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
      const found = await database
        .selectFrom('city')
        .select('name')
        .where('name', 'in', [
          'one',
          ...Array.from({ length: length - 1 }, (_, index) => `other-${index}`),
        ])
        .execute();
      expect(found).toEqual([{ name: 'one' }]);
    }
    expect(await names()).toEqual(['one']);
    await write('two');
    expect(await names()).toEqual(['one', 'two']);
  });

  test('one text, many values, at once', async () => {
    await Promise.all(Array.from({ length: 50 }, (_, index) => write(`n${index}`)));
    const found = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        database
          .selectFrom('city')
          .select('name')
          .where('name', '=', `n${index}`)
          .executeTakeFirst(),
      ),
    );
    expect(found.map((row) => row?.name)).toEqual(
      Array.from({ length: 50 }, (_, index) => `n${index}`),
    );
  });
});
