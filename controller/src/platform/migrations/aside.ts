/** What a way back must not lose although the older version does not know it: kept in tables of its
 * own, which that version never looks at, and put back when the city is upgraded again. */
import { type Kysely, type RawBuilder, sql } from 'kysely';

/** Keeps what the query finds as `aside_<name>`. */
export async function putAside(
  database: Kysely<unknown>,
  name: string,
  query: RawBuilder<unknown>,
): Promise<void> {
  await sql`create table ${sql.table(`aside_${name}`)} as ${query}`.execute(database);
}

/** Does the work with what was kept, and drops it; nothing when nothing was kept. */
export async function takeBack(
  database: Kysely<unknown>,
  name: string,
  work: (table: RawBuilder<unknown>) => Promise<unknown>,
): Promise<void> {
  const table = `aside_${name}`;
  const tables = await database.introspection.getTables();
  if (!tables.some((known) => known.name === table)) return;
  await work(sql.table(table));
  await database.schema.dropTable(table).execute();
}
