/** Where a server's displays answer: the gateway connects to no other address. A server that was
 * enrolled before has none yet, and keeps the first that it reports. */
import { type Kysely, sql } from 'kysely';
import { putAside, takeBack } from './aside.ts';

export async function up(database: Kysely<unknown>): Promise<void> {
  await database.schema.alterTable('servers').addColumn('display', 'text').execute();
  await takeBack(database, 'displays', async (kept) => {
    await sql`update servers set display = kept.display from ${kept} as kept
      where kept.id = servers.id`.execute(database);
  });
}

/** Addresses that were confirmed are kept: they are not learnt anew from whoever reports first. */
export async function down(database: Kysely<unknown>): Promise<void> {
  await putAside(database, 'displays', sql`select id, display from servers`);
  await database.schema.alterTable('servers').dropColumn('display').execute();
}
