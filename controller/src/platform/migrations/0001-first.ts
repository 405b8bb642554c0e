/** The first tables. Written with the query builder so that SQLite and PostgreSQL get the same
 * tables; only the type of icon bytes differs. */
import { type Kysely, sql } from 'kysely';

export async function up(database: Kysely<unknown>, postgres: boolean): Promise<void> {
  const { schema } = database;
  await schema
    .createTable('sites')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('uai', 'text', (c) => c.notNull().unique())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('city', 'text', (c) => c.notNull())
    .addColumn('time_zone', 'text', (c) => c.notNull())
    .addColumn('holiday_zone', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute();
  await schema
    .createTable('servers')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('site_id', 'text', (c) => c.notNull().references('sites.id'))
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('roles', 'text', (c) => c.notNull())
    .addColumn('public_key', 'text', (c) => c.notNull().unique())
    .addColumn('generation', 'bigint', (c) => c.notNull().defaultTo(0))
    .addColumn('applied_generation', 'bigint', (c) => c.notNull().defaultTo(0))
    .addColumn('epoch', 'text')
    .addColumn('seq', 'bigint', (c) => c.notNull().defaultTo(0))
    .addColumn('last_seen_at', 'bigint')
    .addColumn('health', 'text')
    .addColumn('inventory', 'text')
    .addColumn('failed_steps', 'text', (c) => c.notNull().defaultTo('[]'))
    .addColumn('max_sessions', 'integer', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('retired_at', 'bigint')
    .execute();
  await schema.createIndex('servers_by_site').on('servers').column('site_id').execute();
  await schema
    .createTable('enrolment_codes')
    .addColumn('hash', 'text', (c) => c.primaryKey())
    .addColumn('site_id', 'text', (c) => c.notNull().references('sites.id'))
    .addColumn('server_name', 'text', (c) => c.notNull())
    .addColumn('created_by', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .addColumn('used_at', 'bigint')
    .addColumn('server_id', 'text')
    .execute();
  await schema
    .createTable('desired_states')
    .addColumn('server_id', 'text', (c) => c.primaryKey().references('servers.id'))
    .addColumn('generation', 'bigint', (c) => c.notNull())
    .addColumn('document', 'text', (c) => c.notNull())
    .addColumn('signature', 'text', (c) => c.notNull())
    .execute();
  await schema
    .createTable('applications')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('slug', 'text', (c) => c.notNull().unique())
    .addColumn('name_fr', 'text', (c) => c.notNull())
    .addColumn('name_en', 'text', (c) => c.notNull())
    .addColumn('description_fr', 'text', (c) => c.notNull())
    .addColumn('description_en', 'text', (c) => c.notNull())
    .addColumn('category', 'text', (c) => c.notNull())
    .addColumn('icon_hash', 'text')
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute();
  await schema
    .createTable('application_versions')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('application_id', 'text', (c) => c.notNull().references('applications.id'))
    .addColumn('version', 'text', (c) => c.notNull())
    .addColumn('recipes', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addUniqueConstraint('one_row_per_version', ['application_id', 'version'])
    .execute();
  await schema
    .createTable('icons')
    .addColumn('hash', 'text', (c) => c.primaryKey())
    .addColumn('png', postgres ? 'bytea' : 'blob', (c) => c.notNull())
    .execute();
  await schema
    .createTable('server_applications')
    .addColumn('server_id', 'text', (c) => c.notNull().references('servers.id'))
    .addColumn('application_id', 'text', (c) => c.notNull().references('applications.id'))
    .addColumn('version_id', 'text', (c) => c.notNull())
    .addColumn('wanted', 'integer', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('version', 'text')
    .addColumn('error', 'text')
    .addColumn('asked_at', 'bigint', (c) => c.notNull())
    .addColumn('updated_at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('server_applications_key', ['server_id', 'application_id'])
    .execute();
  await schema
    .createTable('accounts')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('login', 'text', (c) => c.notNull().unique())
    .addColumn('display_name', 'text', (c) => c.notNull())
    .addColumn('role', 'text', (c) => c.notNull())
    .addColumn('site_id', 'text', (c) => c.references('sites.id'))
    .addColumn('password_hash', 'text')
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute();
  await schema.createIndex('accounts_by_site').on('accounts').column('site_id').execute();
  await schema
    .createTable('groups')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('site_id', 'text', (c) => c.references('sites.id'))
    .execute();
  await schema
    .createTable('group_members')
    .addColumn('group_id', 'text', (c) => c.notNull().references('groups.id'))
    .addColumn('account_id', 'text', (c) => c.notNull().references('accounts.id'))
    .addPrimaryKeyConstraint('group_members_key', ['group_id', 'account_id'])
    .execute();
  await schema.createIndex('groups_of_account').on('group_members').column('account_id').execute();
  await schema
    .createTable('sign_ins')
    .addColumn('token_hash', 'text', (c) => c.primaryKey())
    .addColumn('account_id', 'text', (c) => c.notNull().references('accounts.id'))
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .execute();
  await schema
    .createTable('publication_rules')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('effect', 'text', (c) => c.notNull())
    .addColumn('application_id', 'text', (c) => c.references('applications.id'))
    .addColumn('category', 'text')
    .addColumn('audience_kind', 'text', (c) => c.notNull())
    .addColumn('audience_id', 'text')
    .addColumn('site_id', 'text', (c) => c.references('sites.id'))
    .addColumn('created_by', 'text')
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute();
  await schema
    .createTable('sessions')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('account_id', 'text', (c) => c.notNull().references('accounts.id'))
    .addColumn('application_id', 'text', (c) => c.notNull().references('applications.id'))
    .addColumn('server_id', 'text', (c) => c.notNull().references('servers.id'))
    .addColumn('site_id', 'text', (c) => c.notNull().references('sites.id'))
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('language', 'text', (c) => c.notNull())
    .addColumn('attach_serial', 'integer', (c) => c.notNull().defaultTo(1))
    .addColumn('attachment_serial', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('attachment', 'text')
    .addColumn('tunnel_seen_at', 'bigint')
    .addColumn('started_at', 'bigint', (c) => c.notNull())
    .addColumn('deadline_at', 'bigint')
    .addColumn('ready_at', 'bigint')
    .addColumn('opened_at', 'bigint')
    .addColumn('grace_until', 'bigint')
    .addColumn('ended_at', 'bigint')
    .addColumn('end_reason', 'text')
    .addColumn('failure_code', 'text')
    .execute();
  await schema
    .createIndex('sessions_of_account')
    .on('sessions')
    .columns(['account_id', 'started_at'])
    .execute();
  await schema
    .createIndex('sessions_of_server')
    .on('sessions')
    .columns(['server_id', 'state'])
    .execute();
  // At most one live session per person and application: the database refuses a second one even
  // when requests race.
  await schema
    .createIndex('one_live_session')
    .on('sessions')
    .columns(['account_id', 'application_id'])
    .unique()
    .where(sql.ref('state'), 'in', ['starting', 'ready', 'active', 'disconnected'])
    .execute();
  await schema
    .createTable('tickets')
    .addColumn('hash', 'text', (c) => c.primaryKey())
    .addColumn('session_id', 'text', (c) => c.notNull().references('sessions.id'))
    .addColumn('account_id', 'text', (c) => c.notNull())
    .addColumn('serial', 'integer', (c) => c.notNull())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .addColumn('used_at', 'bigint')
    .execute();
  await schema
    .createTable('audit_events')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('action', 'text', (c) => c.notNull())
    .addColumn('actor_kind', 'text', (c) => c.notNull())
    .addColumn('actor_id', 'text')
    .addColumn('actor_name', 'text', (c) => c.notNull())
    .addColumn('subject_id', 'text')
    .addColumn('subject_name', 'text', (c) => c.notNull())
    .addColumn('site_id', 'text')
    .addColumn('details', 'text', (c) => c.notNull())
    .execute();
}
