/** Home folders of erased people are erased from every server of the city, also from one that was
 * offline. */
import { type Kysely, sql } from 'kysely';

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
  // What was deleted before may still be in the file: the daily run rewrites it. A new city has
  // deleted nothing.
  await sql`
    insert into city (name, body, updated_at)
    select 'compaction', '{"due":true}', 0 where exists (select 1 from accounts)
  `.execute(database);
}
