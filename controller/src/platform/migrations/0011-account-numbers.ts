/** Every account has a number: the user id of the person's files on every server of the city. It
 * lies above the numbers that servers have chosen themselves, and is never given twice. */
import { type Kysely, sql } from 'kysely';
import { putAside, takeBack } from './aside.ts';

const first = 800_001;

export async function up(database: Kysely<unknown>): Promise<void> {
  const { schema } = database;
  await schema.alterTable('accounts').addColumn('number', 'integer').execute();
  // A city that went back and is upgraded again: whoever had a number keeps it, and a number that
  // was given is given to nobody else.
  let next = first;
  await takeBack(database, 'account_numbers', async (kept) => {
    await sql`update accounts set number = kept.number from ${kept} as kept
      where kept.id = accounts.id`.execute(database);
  });
  await takeBack(database, 'next_number', async (kept) => {
    const { rows } = await sql<{ next: number }>`select next from ${kept}`.execute(database);
    next = Number(rows[0]?.next ?? first);
  });
  await sql`update accounts set number = numbered.number from (
      select id, ${sql.lit(next - 1)} + row_number() over (order by created_at, id) as number
      from accounts where number is null) as numbered
      where numbered.id = accounts.id`.execute(database);
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
      select 1, case when max(number) >= ${sql.lit(next)} then max(number) + 1
      else ${sql.lit(next)} end from accounts`.execute(database);
}

/** Numbers are kept: files on the schools' servers belong to them. */
export async function down(database: Kysely<unknown>): Promise<void> {
  const { schema } = database;
  await putAside(
    database,
    'account_numbers',
    sql`select id, number from accounts where number is not null`,
  );
  await putAside(database, 'next_number', sql`select next from account_numbers`);
  await schema.dropTable('account_numbers').execute();
  await schema.dropIndex('one_account_per_number').execute();
  await schema.alterTable('accounts').dropColumn('number').execute();
}
