/** Versions may be withdrawn from the catalogue. A withdrawn version keeps its row for the servers
 * that have it; its number may be used again. */
import { type Kysely, sql } from 'kysely';

export async function up(database: Kysely<unknown>): Promise<void> {
  const { schema } = database;
  // SQLite cannot drop a constraint, so the table is recreated. No foreign key refers to it.
  await schema.alterTable('application_versions').renameTo('application_versions_before').execute();
  await schema
    .createTable('application_versions')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('application_id', 'text', (c) => c.notNull().references('applications.id'))
    .addColumn('version', 'text', (c) => c.notNull())
    .addColumn('recipes', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('requires', 'text', (c) => c.notNull().defaultTo('[]'))
    .addColumn('estimate', 'text')
    .addColumn('withdrawn_at', 'bigint')
    .execute();
  await sql`insert into application_versions (id, application_id, version, recipes, created_at,
      requires, estimate) select id, application_id, version, recipes, created_at, requires,
      estimate from application_versions_before`.execute(database);
  await schema.dropTable('application_versions_before').execute();
  await schema
    .createIndex('one_row_per_version_offered')
    .on('application_versions')
    .columns(['application_id', 'version'])
    .unique()
    .where(sql.ref('withdrawn_at'), 'is', null)
    .execute();
  await schema
    .createIndex('versions_of')
    .on('application_versions')
    .columns(['application_id', 'created_at'])
    .execute();
}
