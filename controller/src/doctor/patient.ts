/** What the examinations look at. */
import type { ConfigFault, Environment } from '#src/config.ts';
import type { IdentityFault } from '#src/identity/settings.ts';
import type { ProviderSettings } from '#src/identity/settings-schema.ts';
import type { Database } from '#src/platform/database.ts';

export interface Patient {
  /** Where a setting is wrong, its default stands here. */
  config: Environment;
  faults: readonly (ConfigFault | IdentityFault)[];
  providers: readonly ProviderSettings[];
  now: number;
  /** Of the installed Préau. */
  version: string;
  /** The city's rows, to be read only. Throws NotLookedAt while the database cannot be used. */
  rows: () => Database;
}
