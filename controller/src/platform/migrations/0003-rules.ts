/** Complete access rules: who (directory attributes too), where, when and how, with every version
 * kept; the policy documents of agents; where accounts come from, and which schools a technician
 * looks after; queues for licence seats. */
import { type Kysely, sql } from 'kysely';

interface OldRule {
  id: string;
  effect: string;
  application_id: string | null;
  category: string | null;
  audience_kind: string;
  audience_id: string | null;
  site_id: string | null;
  created_by: string | null;
  created_at: number;
}

/** Converts an old rule to the current format. */
function bodyOf(rule: OldRule): string {
  const id = rule.audience_id;
  const audience =
    rule.audience_kind === 'person'
      ? { kind: 'person', accountId: id }
      : rule.audience_kind === 'group'
        ? { kind: 'group', groupId: id }
        : rule.audience_kind === 'role'
          ? { kind: 'role', role: id }
          : { kind: 'everyone' };
  return JSON.stringify({
    effect: rule.effect,
    target:
      rule.application_id === null
        ? { kind: 'category', category: rule.category }
        : { kind: 'application', applicationId: rule.application_id },
    audience,
    place: rule.site_id === null ? { kind: 'everywhere' } : { kind: 'site', siteId: rule.site_id },
    client: null,
    when: null,
    how: null,
    note: null,
  });
}

export async function up(database: Kysely<unknown>): Promise<void> {
  const { schema } = database;
  await schema
    .createTable('rule_versions')
    .addColumn('rule_id', 'text', (c) => c.notNull())
    .addColumn('version', 'integer', (c) => c.notNull())
    .addColumn('body', 'text', (c) => c.notNull())
    // In force from `since` until `until`; answers about the past are read from here.
    .addColumn('since', 'bigint', (c) => c.notNull())
    .addColumn('until', 'bigint')
    .addColumn('changed_by', 'text')
    .addColumn('changed_by_name', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('rule_versions_key', ['rule_id', 'version'])
    .execute();
  await schema.createIndex('rules_in_force').on('rule_versions').column('until').execute();
  const old = await sql<
    OldRule & { changed_by_name: string | null }
  >`select r.*, a.display_name as changed_by_name from publication_rules r left join accounts
      a on a.id = r.created_by`.execute(database);
  for (const rule of old.rows) {
    await sql`insert into rule_versions (rule_id, version, body, since, until, changed_by, changed_by_name)
      values (${rule.id}, 1, ${bodyOf(rule)}, ${Number(rule.created_at)}, null,
        ${rule.created_by}, ${rule.changed_by_name ?? '?'})`.execute(database);
  }
  await schema.dropTable('publication_rules').execute();

  await schema
    .createTable('policies')
    .addColumn('hash', 'text', (c) => c.primaryKey())
    .addColumn('document', 'text', (c) => c.notNull())
    .addColumn('used_until', 'bigint')
    .execute();
  await schema
    .alterTable('sites')
    .addColumn('settings', 'text', (c) =>
      c.notNull().defaultTo('{"networks":[],"closures":[],"badgeHours":[]}'),
    )
    .execute();
  await schema.alterTable('sites').addColumn('policy_hash', 'text').execute();
  // The generation that contained the newest rules, and since when it has been wanted.
  await schema
    .alterTable('servers')
    .addColumn('policy_generation', 'integer', (c) => c.notNull().defaultTo(0))
    .execute();
  await schema.alterTable('servers').addColumn('policy_asked_at', 'bigint').execute();
  await schema
    .alterTable('applications')
    .addColumn('labels', 'text', (c) => c.notNull().defaultTo('[]'))
    .execute();

  await schema
    .alterTable('accounts')
    .addColumn('provider', 'text', (c) => c.notNull().defaultTo('local'))
    .execute();
  await schema.alterTable('accounts').addColumn('external_id', 'text').execute();
  await schema.alterTable('accounts').addColumn('mail', 'text').execute();
  await schema
    .alterTable('accounts')
    .addColumn('attributes', 'text', (c) => c.notNull().defaultTo('{}'))
    .execute();
  // Set: the account may no longer sign in. It is kept because rules, sessions and the audit refer
  // to it.
  await schema.alterTable('accounts').addColumn('disabled_at', 'bigint').execute();
  await schema.alterTable('accounts').addColumn('site_ids', 'text').execute();
  await schema
    .createIndex('accounts_by_provider')
    .on('accounts')
    .columns(['provider', 'external_id'])
    .unique()
    .execute();
  await schema
    .alterTable('groups')
    .addColumn('provider', 'text', (c) => c.notNull().defaultTo('local'))
    .execute();
  await schema.alterTable('groups').addColumn('external_id', 'text').execute();
  await schema
    .createIndex('groups_by_provider')
    .on('groups')
    .columns(['provider', 'external_id'])
    .unique()
    .execute();

  await schema.alterTable('sessions').addColumn('address', 'text').execute();
  await schema.alterTable('sessions').addColumn('ends_at', 'bigint').execute();
  await schema.alterTable('sessions').addColumn('ends_because', 'text').execute();
  await schema.alterTable('sessions').addColumn('touched_at', 'bigint').execute();
  await schema
    .createTable('seat_queue')
    .addColumn('application_id', 'text', (c) => c.notNull().references('applications.id'))
    .addColumn('account_id', 'text', (c) => c.notNull().references('accounts.id'))
    .addColumn('site_id', 'text', (c) => c.notNull())
    .addColumn('since', 'bigint', (c) => c.notNull())
    .addColumn('seen_at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('seat_queue_key', ['application_id', 'account_id'])
    .execute();
}
