/** Servers are asked what an installation would do before it starts, and are restarted one after the
 * other. */
import type { Kysely } from 'kysely';

export async function up(database: Kysely<unknown>): Promise<void> {
  const { schema } = database;
  // Whether its agent answers questions; the agent's last `boot`, as JSON.
  await schema
    .alterTable('servers')
    .addColumn('answers', 'integer', (c) => c.notNull().defaultTo(0))
    .execute();
  await schema.alterTable('servers').addColumn('boot', 'text').execute();
  await schema
    .createTable('rollout_questions')
    .addColumn('rollout_id', 'text', (c) => c.notNull())
    .addColumn('server_id', 'text', (c) => c.notNull())
    .addColumn('key', 'text', (c) => c.notNull())
    .addColumn('asked', 'text', (c) => c.notNull())
    .addColumn('asked_at', 'bigint', (c) => c.notNull())
    .addColumn('answer', 'text')
    .addColumn('answered_at', 'bigint')
    .addColumn('considered', 'integer', (c) => c.notNull().defaultTo(0))
    .addPrimaryKeyConstraint('rollout_questions_key', ['rollout_id', 'server_id'])
    .execute();
  await schema
    .createIndex('questions_to_server')
    .on('rollout_questions')
    .columns(['server_id', 'answered_at'])
    .execute();
  await schema
    .createTable('restarts')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('server_id', 'text', (c) => c.notNull())
    .addColumn('site_id', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('boot_id', 'text', (c) => c.notNull())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('told_at', 'bigint')
    .addColumn('begun_at', 'bigint')
    .addColumn('ended_at', 'bigint')
    .addColumn('reason', 'text')
    .addColumn('created_by_name', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute();
  await schema
    .createIndex('restarts_of_server')
    .on('restarts')
    .columns(['server_id', 'created_at'])
    .execute();
  await schema
    .createIndex('restarts_by_state')
    .on('restarts')
    .columns(['state', 'site_id'])
    .execute();
}

/** Questions are asked again, and who planned a restart is told nothing: the older version can do
 * neither. */
export async function down(database: Kysely<unknown>): Promise<void> {
  const { schema } = database;
  await schema.dropTable('restarts').execute();
  await schema.dropTable('rollout_questions').execute();
  await schema.alterTable('servers').dropColumn('boot').execute();
  await schema.alterTable('servers').dropColumn('answers').execute();
}
