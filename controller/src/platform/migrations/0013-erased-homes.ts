/** Home folders of erased people are erased from every server of the city, also from one that was
 * offline. */
import { type Kysely, sql } from 'kysely';
import { putAside, takeBack } from './aside.ts';

export async function up(database: Kysely<unknown>): Promise<void> {
  const { schema } = database;
  // `number` counts up without gaps. `home` is an account's id, but no `account_id`: the row stays
  // when everything else of the account goes.
  await schema
    .createTable('erased_homes')
    .addColumn('number', 'integer', (c) => c.primaryKey())
    .addColumn('home', 'text', (c) => c.notNull().unique())
    .addColumn('asked_at', 'bigint', (c) => c.notNull())
    .execute();
  // The number up to which a server has erased them.
  await schema
    .alterTable('servers')
    .addColumn('homes_erased', 'integer', (c) => c.notNull().defaultTo(0))
    .execute();
  await takeBack(database, 'erased_homes', async (kept) => {
    await sql`insert into erased_homes (number, home, asked_at)
      select number, home, asked_at from ${kept}`.execute(database);
  });
  await takeBack(database, 'homes_erased', async (kept) => {
    await sql`update servers set homes_erased = kept.homes_erased from ${kept} as kept
      where kept.id = servers.id`.execute(database);
  });
  // What was deleted before may still be in the file: the daily run rewrites it. A new city has
  // deleted nothing.
  await sql`
    insert into city (name, body, updated_at)
    select 'compaction', '{"due":true}', 0 where exists (select 1 from accounts)
  `.execute(database);
}

/** Which homes are still to be erased is kept: the promise to erase them stays. */
export async function down(database: Kysely<unknown>): Promise<void> {
  const { schema } = database;
  await sql`delete from city where name = 'compaction'`.execute(database);
  await putAside(database, 'erased_homes', sql`select number, home, asked_at from erased_homes`);
  await putAside(database, 'homes_erased', sql`select id, homes_erased from servers`);
  await schema.alterTable('servers').dropColumn('homes_erased').execute();
  await schema.dropTable('erased_homes').execute();
}
