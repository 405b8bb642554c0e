/** Opens the database of a city, for its controller and for the commands of its machine. */
import { mkdirSync } from 'node:fs';
import { finishPutting } from './backups/put-in-place.ts';
import type { Environment } from './config.ts';
import {
  appliedMigrations,
  type Database,
  databaseTarget,
  isSqlite,
  migrate,
  mustNotBeNewer,
  mustNotBeOlder,
  openDatabase,
} from './platform/database.ts';
import { ownSecret } from './platform/own-secret/own-secret.ts';
import { countServers } from './servers/desired/store.ts';

/** Who opens the city: the controller upgrades its database; a command of the city's machine leaves
 * an older one as it is, because the version before may be serving it. */
type Opening = 'controller' | 'command';

/** Opens the city's database as `openDatabaseOf`, and reads its secret. Refuses with SECRET_MISSING
 * and SECRET_OTHER too. */
export async function openCity(
  config: Environment,
  by: Opening,
): Promise<{ database: Database; applied: string[]; secret: Buffer }> {
  const opened = await openDatabaseOf(config, by);
  try {
    const isInUse = async () => (await countServers(opened.database)) > 0;
    return { ...opened, secret: await ownSecret(config, opened.database, isInUse) };
  } catch (error) {
    await opened.database.destroy();
    throw error;
  }
}

/** Opens the city's database and brings it up to date; `applied` names the migrations that ran.
 * Refuses with DATABASE_NEWER, and a command's with DATABASE_OLDER. */
export async function openDatabaseOf(
  config: Environment,
  by: Opening,
): Promise<{ database: Database; applied: string[] }> {
  mkdirSync(config.PREAU_DATA, { recursive: true, mode: 0o700 });
  finishPutting(config.PREAU_DATA);
  const target = databaseTarget(config);
  // A migration may take minutes, and what serves people gives up after seconds.
  const patient = openDatabase(target, true);
  try {
    const before = await appliedMigrations(patient);
    mustNotBeNewer(before);
    // One without any migration is new, and nobody serves it.
    if (by === 'command' && before.length > 0) mustNotBeOlder(before);
    const applied = await migrate(patient, !isSqlite(patient));
    if (isSqlite(patient)) return { database: patient, applied };
    await patient.destroy();
    return { database: openDatabase(target), applied };
  } catch (error) {
    await patient.destroy();
    throw error;
  }
}
