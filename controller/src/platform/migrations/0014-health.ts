/** What a look at the database writes, and how far a server's clock is off. */
import { type Kysely, sql } from 'kysely';

export async function up(database: Kysely<unknown>): Promise<void> {
  const { schema } = database;
  await schema
    .createTable('health')
    .addColumn('id', 'integer', (c) => c.primaryKey())
    .addColumn('looked_at', 'bigint', (c) => c.notNull())
    .execute();
  await sql`insert into health (id, looked_at) values (1, 0)`.execute(database);
  // Its clock minus the city's, in ms, while that is too much; null: it is right, or not known.
  await schema.alterTable('servers').addColumn('clock_skew_ms', 'bigint').execute();
}

export async function down(database: Kysely<unknown>): Promise<void> {
  const { schema } = database;
  await schema.alterTable('servers').dropColumn('clock_skew_ms').execute();
  await schema.dropTable('health').execute();
}
