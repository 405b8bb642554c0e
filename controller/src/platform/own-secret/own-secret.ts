/** A database and its secret belong together: with another secret no server obeys, and nothing
 * sealed can be read. So none is made beside a database that had one. */
import { AppError } from '@preau/contract/errors.ts';
import type { Environment } from '#src/config.ts';
import { systemClock } from '../clock.ts';
import type { Database } from '../database.ts';
import { fingerprintOf, hasSecret, loadSecret } from '../secrets.ts';
import { saveFingerprint, selectFingerprint } from './store.ts';

type Where = Pick<Environment, 'PREAU_DATA' | 'PREAU_SECRET'>;

/** Returns the secret of this database; makes one for a new city. `isInUse`: whether a database that
 * names no secret, as those of 0.1.0, has servers all the same. Refuses with SECRET_MISSING and
 * SECRET_OTHER. */
export async function ownSecret(
  config: Where,
  database: Database,
  isInUse: () => Promise<boolean>,
): Promise<Buffer> {
  const known = await selectFingerprint(database);
  if (!hasSecret(config.PREAU_DATA, config.PREAU_SECRET) && (known !== null || (await isInUse())))
    throw new AppError('SECRET_MISSING');
  const secret = loadSecret(config.PREAU_DATA, config.PREAU_SECRET);
  const fingerprint = fingerprintOf(secret);
  // Another controller may start at the same moment: whose row stands is what counts.
  if (known === null) await saveFingerprint(database, fingerprint, systemClock.now(), false);
  if ((await selectFingerprint(database)) !== fingerprint) throw new AppError('SECRET_OTHER');
  return secret;
}

/** From now on the database belongs to the secret that is there; if there is none, one is made. */
export async function acceptSecret(config: Where, database: Database): Promise<void> {
  const secret = loadSecret(config.PREAU_DATA, config.PREAU_SECRET);
  await saveFingerprint(database, fingerprintOf(secret), systemClock.now(), true);
}
