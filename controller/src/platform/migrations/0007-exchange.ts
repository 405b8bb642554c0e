/** Files and printed pages of sessions, and the terms of rules about them. */
import { type Kysely, sql } from 'kysely';

export async function up(database: Kysely<unknown>): Promise<void> {
  const { schema } = database;
  await schema
    .alterTable('sessions')
    .addColumn('offered', 'text', (c) => c.notNull().defaultTo('[]'))
    .execute();
  await schema
    .createTable('transfers')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('session_id', 'text', (c) => c.notNull().references('sessions.id'))
    .addColumn('account_id', 'text', (c) => c.notNull().references('accounts.id'))
    .addColumn('server_id', 'text', (c) => c.notNull())
    .addColumn('direction', 'text', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('bytes', 'bigint', (c) => c.notNull())
    .addColumn('sha256', 'text')
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('failure_code', 'text')
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('updated_at', 'bigint', (c) => c.notNull())
    .execute();
  await schema.createIndex('transfers_of_session').on('transfers').column('session_id').execute();
  await schema
    .createIndex('transfers_of_server')
    .on('transfers')
    .columns(['server_id', 'state'])
    .execute();
  await schema.createIndex('transfers_by_age').on('transfers').column('created_at').execute();

  const told = await sql<{
    rule_id: string;
    version: number;
    body: string;
  }>`select rule_id, version, body from rule_versions`.execute(database);
  for (const { rule_id, version, body } of told.rows) {
    const rule = JSON.parse(body) as { how: Record<string, unknown> | null };
    if (rule.how === null) continue;
    const how = {
      clipboard: rule.how['clipboard'],
      files: 'none',
      printing: false,
      recording: false,
      ...rule.how,
    };
    await sql`update rule_versions set body = ${JSON.stringify({ ...rule, how })} where rule_id =
        ${rule_id} and version = ${version}`.execute(database);
  }
  // Rebuilt in the current format with the server's next desired state.
  await sql`update sites set policy_hash = null`.execute(database);
}
