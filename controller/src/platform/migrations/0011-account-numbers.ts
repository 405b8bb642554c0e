/** Every account has a number: the user id of the person's files on every server of the city. It
 * lies above the numbers that servers have chosen themselves, and is never given twice. */
import { type Kysely, sql } from 'kysely';

const first = 800_001;

export async function up(database: Kysely<unknown>): Promise<void> {
  const { schema } = database;
  await schema.alterTable('accounts').addColumn('number', 'integer').execute();
  await sql`update accounts set number = numbered.number from (
      select id, ${sql.lit(first - 1)} + row_number() over (order by created_at, id) as number
      from accounts) as numbered where numbered.id = accounts.id`.execute(database);
  await schema
    .createIndex('one_account_per_number')
    .on('accounts')
    .column('number')
    .unique()
    .execute();
  // The highest number of the accounts will not do: an account may be deleted, and its files stay.
  await schema
    .createTable('account_numbers')
    .addColumn('id', 'integer', (c) => c.primaryKey())
    .addColumn('next', 'integer', (c) => c.notNull())
    .execute();
  await sql`insert into account_numbers (id, next)
      select 1, ${sql.lit(first)} + count(*) from accounts`.execute(database);
}
