/** Rollouts over the fleet: targets and their orders, schedules, the city's settings; groups of
 * sites, labels and quarantine of servers, adding a server over SSH; files of the catalogue,
 * reviewed scripts, API tokens. */
import type { Kysely } from 'kysely';

export async function up(database: Kysely<unknown>): Promise<void> {
  const { schema } = database;
  await schema
    .createTable('rollouts')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    // `version` rises with each change (compare-and-set); `fence` rises with each evaluation, so
    // that an evaluator that was suspended cannot write.
    .addColumn('version', 'integer', (c) => c.notNull().defaultTo(1))
    .addColumn('fence', 'bigint', (c) => c.notNull().defaultTo(0))
    .addColumn('pause_reason', 'text')
    .addColumn('paused_at', 'bigint')
    .addColumn('note_fr', 'text')
    .addColumn('note_en', 'text')
    .addColumn('draft', 'text', (c) => c.notNull())
    .addColumn('plan', 'text', (c) => c.notNull())
    .addColumn('plan_entries', 'text', (c) => c.notNull())
    .addColumn('plan_hash', 'text', (c) => c.notNull())
    .addColumn('sites', 'integer', (c) => c.notNull())
    .addColumn('created_by', 'text')
    .addColumn('created_by_name', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('approved_by', 'text')
    .addColumn('approved_by_name', 'text')
    .addColumn('forced', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('start_at', 'bigint')
    .addColumn('started_at', 'bigint')
    .addColumn('ended_at', 'bigint')
    .addColumn('look_at', 'bigint')
    .addColumn('cancel_kind', 'text')
    .addColumn('rollback_wave', 'integer')
    .addColumn('schedule_id', 'text')
    .addColumn('superseded_by', 'text')
    .execute();
  await schema
    .createIndex('rollouts_by_state')
    .on('rollouts')
    .columns(['state', 'created_at'])
    .execute();
  await schema
    .createTable('rollout_waves')
    .addColumn('rollout_id', 'text', (c) => c.notNull().references('rollouts.id'))
    .addColumn('number', 'integer', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('spec', 'text', (c) => c.notNull())
    .addColumn('size', 'integer', (c) => c.notNull())
    .addColumn('opened_at', 'bigint')
    .addColumn('soak_until', 'bigint')
    .addColumn('closed_at', 'bigint')
    .addPrimaryKeyConstraint('rollout_waves_key', ['rollout_id', 'number'])
    .execute();
  await schema
    .createTable('rollout_targets')
    .addColumn('rollout_id', 'text', (c) => c.notNull().references('rollouts.id'))
    .addColumn('server_id', 'text', (c) => c.notNull().references('servers.id'))
    .addColumn('site_id', 'text', (c) => c.notNull())
    .addColumn('wave', 'integer', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('version', 'integer', (c) => c.notNull().defaultTo(1))
    .addColumn('action', 'text', (c) => c.notNull())
    .addColumn('attempt', 'integer', (c) => c.notNull().defaultTo(1))
    .addColumn('order_id', 'text')
    .addColumn('order_body', 'text')
    .addColumn('last_seq', 'bigint', (c) => c.notNull().defaultTo(0))
    .addColumn('lease_until', 'bigint')
    .addColumn('deadline_at', 'bigint', (c) => c.notNull())
    .addColumn('not_before', 'bigint')
    .addColumn('opens_at', 'bigint')
    .addColumn('reason', 'text')
    .addColumn('code', 'text')
    .addColumn('message', 'text')
    .addColumn('badge', 'text')
    .addColumn('items', 'text', (c) => c.notNull().defaultTo('[]'))
    .addColumn('before_set', 'text')
    .addColumn('bytes_done', 'bigint', (c) => c.notNull().defaultTo(0))
    .addColumn('bytes_total', 'bigint')
    .addColumn('offered_at', 'bigint')
    .addColumn('finished_at', 'bigint')
    .addColumn('updated_at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('rollout_targets_key', ['rollout_id', 'server_id'])
    .execute();
  await schema
    .createIndex('rollout_targets_of_server')
    .on('rollout_targets')
    .columns(['server_id', 'state'])
    .execute();
  await schema
    .createIndex('rollout_targets_by_order')
    .on('rollout_targets')
    .column('order_id')
    .execute();
  // Counters change in the same transaction as the target, so a recount always equals them.
  await schema
    .createTable('rollout_counts')
    .addColumn('rollout_id', 'text', (c) => c.notNull().references('rollouts.id'))
    .addColumn('wave', 'integer', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('n', 'integer', (c) => c.notNull())
    .addPrimaryKeyConstraint('rollout_counts_key', ['rollout_id', 'wave', 'state'])
    .execute();
  await schema
    .createTable('rollout_logs')
    .addColumn('rollout_id', 'text', (c) => c.notNull())
    .addColumn('server_id', 'text', (c) => c.notNull())
    .addColumn('log', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('rollout_logs_key', ['rollout_id', 'server_id'])
    .execute();
  // Reports that came too late or out of order change nothing; they are stored for inspection.
  await schema
    .createTable('rollout_evidence')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('rollout_id', 'text', (c) => c.notNull())
    .addColumn('server_id', 'text', (c) => c.notNull())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('text', 'text', (c) => c.notNull())
    .execute();
  await schema
    .createIndex('rollout_evidence_of')
    .on('rollout_evidence')
    .columns(['rollout_id', 'server_id'])
    .execute();
  await schema
    .createTable('install_history')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('application_id', 'text', (c) => c.notNull())
    .addColumn('version_id', 'text', (c) => c.notNull())
    .addColumn('server_id', 'text', (c) => c.notNull())
    .addColumn('bytes', 'bigint')
    .addColumn('ms', 'bigint', (c) => c.notNull())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .execute();
  await schema
    .createIndex('install_history_of')
    .on('install_history')
    .columns(['application_id', 'at'])
    .execute();
  await schema
    .createTable('rollout_schedules')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('body', 'text', (c) => c.notNull())
    .addColumn('paused', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('next_at', 'bigint')
    .addColumn('last_rollout_id', 'text')
    .addColumn('last_problem', 'text')
    .addColumn('created_by', 'text')
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute();
  await schema
    .createTable('city')
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('body', 'text', (c) => c.notNull())
    .addColumn('updated_at', 'bigint', (c) => c.notNull())
    .execute();

  await schema
    .createTable('site_groups')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('name', 'text', (c) => c.notNull().unique())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute();
  await schema
    .createTable('site_group_members')
    .addColumn('group_id', 'text', (c) => c.notNull().references('site_groups.id'))
    .addColumn('site_id', 'text', (c) => c.notNull().references('sites.id'))
    .addPrimaryKeyConstraint('site_group_members_key', ['group_id', 'site_id'])
    .execute();
  await schema
    .alterTable('servers')
    .addColumn('labels', 'text', (c) => c.notNull().defaultTo('[]'))
    .execute();
  await schema.alterTable('servers').addColumn('draining_since', 'bigint').execute();
  await schema.alterTable('servers').addColumn('quarantined_at', 'bigint').execute();
  // Earlier runs of the agent, and how often each has reported after a later run: repeated reports
  // reveal a second live copy of the server.
  await schema
    .alterTable('servers')
    .addColumn('past_epochs', 'text', (c) => c.notNull().defaultTo('[]'))
    .execute();
  await schema
    .alterTable('servers')
    .addColumn('silent_told', 'integer', (c) => c.notNull().defaultTo(0))
    .execute();
  await schema
    .createTable('server_additions')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('site_id', 'text', (c) => c.notNull().references('sites.id'))
    .addColumn('server_name', 'text', (c) => c.notNull())
    .addColumn('host', 'text', (c) => c.notNull())
    .addColumn('port', 'integer', (c) => c.notNull())
    .addColumn('login', 'text', (c) => c.notNull())
    .addColumn('host_key', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('log', 'text', (c) => c.notNull())
    .addColumn('code_hash', 'text')
    .addColumn('server_id', 'text')
    .addColumn('failure_code', 'text')
    .addColumn('alive_until', 'bigint')
    .addColumn('created_by', 'text')
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('ended_at', 'bigint')
    .execute();

  await schema.alterTable('applications').addColumn('seats', 'integer').execute();
  await schema
    .alterTable('application_versions')
    .addColumn('requires', 'text', (c) => c.notNull().defaultTo('[]'))
    .execute();
  await schema.alterTable('application_versions').addColumn('estimate', 'text').execute();
  await schema
    .createTable('package_files')
    .addColumn('sha256', 'text', (c) => c.primaryKey())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('size', 'bigint', (c) => c.notNull())
    .addColumn('created_by', 'text')
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute();
  await schema
    .createTable('scripts')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('name', 'text', (c) => c.notNull().unique())
    .addColumn('install', 'text', (c) => c.notNull())
    .addColumn('remove', 'text')
    .addColumn('created_by', 'text')
    .addColumn('created_by_name', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('reviewed_by', 'text')
    .addColumn('reviewed_by_name', 'text')
    .addColumn('reviewed_at', 'bigint')
    .addColumn('signature', 'text')
    .execute();
  await schema
    .createTable('api_tokens')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('token_hash', 'text', (c) => c.notNull().unique())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('account_id', 'text', (c) => c.notNull().references('accounts.id'))
    .addColumn('scope', 'text', (c) => c.notNull())
    .addColumn('site_ids', 'text')
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .addColumn('last_used_at', 'bigint')
    .addColumn('revoked_at', 'bigint')
    .execute();
}
