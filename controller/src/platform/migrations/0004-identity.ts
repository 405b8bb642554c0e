/** Sign-in through several providers: second factors, passkeys, unfinished sign-in steps, the
 * provider of a sign-in, and the last synchronisation of directories. */
import type { Kysely } from 'kysely';

export async function up(database: Kysely<unknown>, postgres: boolean): Promise<void> {
  const { schema } = database;
  const bytes = postgres ? 'bytea' : 'blob';
  await schema
    .createTable('totp_secrets')
    .addColumn('account_id', 'text', (c) =>
      c.primaryKey().references('accounts.id').onDelete('cascade'),
    )
    .addColumn('sealed', 'text', (c) => c.notNull())
    // Null until a code has proved that the authenticator app has the secret.
    .addColumn('confirmed_at', 'bigint')
    // The period of the last accepted code: codes of this and earlier periods are refused.
    .addColumn('last_period', 'bigint', (c) => c.notNull().defaultTo(0))
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute();
  await schema
    .createTable('recovery_codes')
    .addColumn('hash', 'text', (c) => c.primaryKey())
    .addColumn('account_id', 'text', (c) =>
      c.notNull().references('accounts.id').onDelete('cascade'),
    )
    .execute();
  await schema
    .createIndex('recovery_codes_by_account')
    .on('recovery_codes')
    .column('account_id')
    .execute();
  await schema
    .createTable('passkeys')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('credential_id', 'text', (c) => c.notNull().unique())
    .addColumn('account_id', 'text', (c) =>
      c.notNull().references('accounts.id').onDelete('cascade'),
    )
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('public_key', 'text', (c) => c.notNull())
    .addColumn('counter', 'bigint', (c) => c.notNull())
    .addColumn('transports', 'text', (c) => c.notNull().defaultTo('[]'))
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('last_used_at', 'bigint')
    .execute();
  await schema.createIndex('passkeys_by_account').on('passkeys').column('account_id').execute();
  // A step of an unfinished sign-in: a correct password, a passkey challenge, or a redirect to a
  // provider. Deleted when used.
  await schema
    .createTable('sign_in_steps')
    .addColumn('hash', 'text', (c) => c.primaryKey())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('account_id', 'text')
    .addColumn('body', 'text', (c) => c.notNull())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .execute();
  await schema
    .createIndex('sign_in_steps_by_expiry')
    .on('sign_in_steps')
    .column('expires_at')
    .execute();
  await schema
    .alterTable('sign_ins')
    .addColumn('provider', 'text', (c) => c.notNull().defaultTo('local'))
    .execute();
  for (const name of ['provider_subject', 'provider_session', 'id_token'] as const)
    await schema.alterTable('sign_ins').addColumn(name, 'text').execute();
  await schema
    .createIndex('sign_ins_by_provider')
    .on('sign_ins')
    .columns(['provider', 'provider_session'])
    .execute();
  await schema.createIndex('sign_ins_by_account').on('sign_ins').column('account_id').execute();
  // Set: an administrator chose the role, which overrides the provider.
  await schema
    .alterTable('accounts')
    .addColumn('role_by_hand', 'integer', (c) => c.notNull().defaultTo(0))
    .execute();
  await schema
    .createTable('account_photos')
    .addColumn('account_id', 'text', (c) =>
      c.primaryKey().references('accounts.id').onDelete('cascade'),
    )
    .addColumn('jpeg', bytes as 'blob', (c) => c.notNull())
    .execute();
  await schema
    .createTable('directories')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('last_at', 'bigint')
    .addColumn('last_good_at', 'bigint')
    .addColumn('next_at', 'bigint', (c) => c.notNull().defaultTo(0))
    .addColumn('running_until', 'bigint', (c) => c.notNull().defaultTo(0))
    .addColumn('problem', 'text')
    .addColumn('differences', 'text', (c) => c.notNull())
    .addColumn('vanished_names', 'text', (c) => c.notNull().defaultTo('[]'))
    .addColumn('plan_hash', 'text')
    .execute();
}
