/** Where a server's displays answer: the gateway connects to no other address. A server that was
 * enrolled before has none yet, and keeps the first that it reports. */
import type { Kysely } from 'kysely';

export async function up(database: Kysely<unknown>): Promise<void> {
  await database.schema.alterTable('servers').addColumn('display', 'text').execute();
}
