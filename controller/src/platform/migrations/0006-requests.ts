/** Requests for applications and their notification mails; the audit chain; what is kept about
 * people who have left. */
import { type Kysely, sql } from 'kysely';

export async function up(database: Kysely<unknown>, postgres: boolean): Promise<void> {
  const { schema } = database;
  await schema
    .alterTable('accounts')
    .addColumn('language', 'text', (c) => c.notNull().defaultTo('fr'))
    .execute();
  // Set: the person's data is erased. The row stays, because sessions and the audit refer to its
  // id.
  await schema.alterTable('accounts').addColumn('erased_at', 'bigint').execute();

  await schema
    .createTable('requests')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('site_id', 'text', (c) => c.notNull().references('sites.id'))
    .addColumn('account_id', 'text', (c) => c.notNull().references('accounts.id'))
    .addColumn('application_id', 'text', (c) => c.references('applications.id'))
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('purpose', 'text', (c) => c.notNull())
    .addColumn('link', 'text')
    .addColumn('wanted_by', 'text')
    .addColumn('wish', 'text', (c) => c.notNull())
    .addColumn('decision', 'text', (c) => c.notNull())
    .addColumn('decided_by', 'text')
    .addColumn('decided_at', 'bigint')
    .addColumn('reason', 'text')
    .addColumn('rule_id', 'text')
    .addColumn('rollout_id', 'text')
    .addColumn('problem', 'text')
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('updated_at', 'bigint', (c) => c.notNull())
    .addColumn('ready_at', 'bigint')
    .addColumn('news_at', 'bigint')
    .execute();
  await schema
    .createIndex('requests_by_site')
    .on('requests')
    .columns(['site_id', 'decision'])
    .execute();
  await schema.createIndex('requests_of_account').on('requests').column('account_id').execute();
  await schema
    .createTable('request_messages')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('request_id', 'text', (c) => c.notNull().references('requests.id'))
    .addColumn('account_id', 'text', (c) => c.notNull().references('accounts.id'))
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('text', 'text', (c) => c.notNull())
    .execute();
  await schema
    .createIndex('messages_of_request')
    .on('request_messages')
    .columns(['request_id', 'at'])
    .execute();
  // One row per notification and person, unique so that the same event is never notified twice. The
  // text is composed when it is sent.
  await schema
    .createTable('mail_outbox')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('account_id', 'text', (c) => c.notNull().references('accounts.id'))
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('about', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('attempts', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('next_at', 'bigint')
    .addColumn('sent_at', 'bigint')
    .addColumn('problem', 'text')
    .addUniqueConstraint('told_once', ['account_id', 'kind', 'about'])
    .execute();
  await schema
    .createIndex('mails_due')
    .on('mail_outbox')
    .column('next_at')
    .where(sql.ref('next_at'), 'is not', null)
    .execute();
  await schema
    .createTable('usage_months')
    .addColumn('month', 'text', (c) => c.notNull())
    .addColumn('site_id', 'text', (c) => c.notNull())
    .addColumn('application_id', 'text', (c) => c.notNull())
    .addColumn('sessions', 'integer', (c) => c.notNull())
    .addColumn('people', 'integer', (c) => c.notNull())
    .addPrimaryKeyConstraint('usage_months_key', ['month', 'site_id', 'application_id'])
    .execute();

  // Events are inserted without a position in the chain and linked after their commit:
  // docs/decisions/0017.
  await schema.alterTable('audit_events').addColumn('seq', 'bigint').execute();
  await schema.alterTable('audit_events').addColumn('hash', 'text').execute();
  await schema.alterTable('audit_events').addColumn('salts', 'text').execute();
  await schema.alterTable('audit_events').addColumn('marks', 'text').execute();
  await sql`create unique index audit_chained on audit_events (seq) where seq is not null`.execute(
    database,
  );
  await sql`create index audit_pending on audit_events (id) where seq is null`.execute(database);
  // `open`: what the current transaction may do to linked events, `erasure` or `retention`; null
  // again before it commits.
  await schema
    .createTable('audit_chain')
    .addColumn('id', 'integer', (c) => c.primaryKey())
    .addColumn('seq', 'bigint', (c) => c.notNull())
    .addColumn('hash', 'text', (c) => c.notNull())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('signature', 'text')
    .addColumn('removed_seq', 'bigint', (c) => c.notNull())
    .addColumn('removed_hash', 'text', (c) => c.notNull())
    .addColumn('removed_signature', 'text')
    .addColumn('open', 'text')
    .execute();
  const nothing = '0'.repeat(64);
  await sql`insert into audit_chain (id, seq, hash, at, removed_seq, removed_hash) values (1, 0,
      ${nothing}, 0, 0, ${nothing})`.execute(database);
  await keepEvents(database, postgres);
}

const always = ['id', 'at', 'action', 'actor_kind', 'actor_id', 'subject_id', 'site_id'];
const same = (columns: readonly string[]) =>
  columns.map((column) => `new.${column} is not distinct from old.${column}`).join(' and ');

/** Triggers that refuse to change or delete an event. The owner of the database can remove them,
 * but verifying the chain then reveals the change. */
async function keepEvents(database: Kysely<unknown>, postgres: boolean): Promise<void> {
  const may = (what: string) => `exists (select 1 from audit_chain where open = '${what}')`;
  const mayChange =
    `((old.seq is null and ${same([...always, 'actor_name', 'subject_name', 'details'])}) or ` +
    `(old.seq is not null and ${same([...always, 'seq', 'hash', 'marks'])} and ` +
    `${may('erasure')}))`;
  const mayDelete = `(old.seq is not null and ${may('retention')})`;
  if (postgres) {
    await sql
      .raw(
        'create function audit_event_changes() returns trigger language plpgsql as $$ begin ' +
          `if ${mayChange} then return new; end if; raise exception 'audit events are never ` +
          `changed'; end $$`,
      )
      .execute(database);
    await sql
      .raw(
        'create function audit_event_deletions() returns trigger language plpgsql as $$ begin ' +
          `if ${mayDelete} then return old; end if; raise exception 'audit events are never ` +
          `deleted'; end $$`,
      )
      .execute(database);
    await sql
      .raw(
        'create function audit_event_truncation() returns trigger language plpgsql as $$ ' +
          `begin raise exception 'audit events are never deleted'; end $$`,
      )
      .execute(database);
    await sql
      .raw(
        'create trigger audit_events_stay before update on audit_events for each row execute ' +
          'function audit_event_changes()',
      )
      .execute(database);
    await sql
      .raw(
        'create trigger audit_events_remain before delete on audit_events for each row ' +
          'execute function audit_event_deletions()',
      )
      .execute(database);
    await sql
      .raw(
        'create trigger audit_events_last before truncate on audit_events for each statement ' +
          'execute function audit_event_truncation()',
      )
      .execute(database);
    return;
  }
  await sql
    .raw(
      `create trigger audit_events_stay before update on audit_events when not ${mayChange} ` +
        `begin select raise(abort, 'audit events are never changed'); end`,
    )
    .execute(database);
  await sql
    .raw(
      `create trigger audit_events_remain before delete on audit_events when not ${mayDelete} ` +
        `begin select raise(abort, 'audit events are never deleted'); end`,
    )
    .execute(database);
}
