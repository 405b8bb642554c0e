/** Recordings of sessions' screens. Without foreign keys, because a recording outlives its session;
 * it is erased with its person's data. */
import type { Kysely } from 'kysely';

export async function up(database: Kysely<unknown>): Promise<void> {
  const { schema } = database;
  // Whether the page that holds the ticket has told the person about the recording.
  await schema
    .alterTable('tickets')
    .addColumn('recording', 'integer', (c) => c.notNull().defaultTo(0))
    .execute();
  await schema
    .createTable('recordings')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('session_id', 'text', (c) => c.notNull())
    .addColumn('account_id', 'text', (c) => c.notNull())
    .addColumn('site_id', 'text', (c) => c.notNull())
    .addColumn('application_id', 'text', (c) => c.notNull())
    .addColumn('started_at', 'bigint', (c) => c.notNull())
    .addColumn('ended_at', 'bigint')
    .addColumn('bytes', 'bigint', (c) => c.notNull())
    .addColumn('whole', 'integer', (c) => c.notNull())
    .execute();
  await schema
    .createIndex('recordings_by_age')
    .on('recordings')
    .columns(['started_at', 'id'])
    .execute();
}
