/** Codes are counted in a column of their own, so that one statement both counts and refuses. */
import type { Kysely } from 'kysely';

export async function up(database: Kysely<unknown>): Promise<void> {
  const { schema } = database;
  await schema
    .alterTable('sign_in_steps')
    .addColumn('tries', 'integer', (c) => c.notNull().defaultTo(0))
    .execute();
  await schema
    .createIndex('sign_in_steps_by_account')
    .on('sign_in_steps')
    .column('account_id')
    .execute();
}

export async function down(database: Kysely<unknown>): Promise<void> {
  const { schema } = database;
  await schema.dropIndex('sign_in_steps_by_account').execute();
  await schema.alterTable('sign_in_steps').dropColumn('tries').execute();
}
