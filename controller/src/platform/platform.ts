/** The dependencies that verbs may request, such as `Pick<Platform, 'database' | 'clock'>`. Built
 * once, in controller.ts. */
import type { Environment } from '#src/config.ts';
import type { Wakeups } from '#src/wakeups.ts';
import type { Clock } from './clock.ts';
import type { Database } from './database.ts';
import type { HeavyWork } from './heavy/heavy-work.ts';
import type { Log } from './log.ts';
import type { Secrets } from './secrets.ts';

export interface Platform {
  config: Environment;
  database: Database;
  clock: Clock;
  log: Log;
  secrets: Secrets;
  wakeups: Wakeups;
  heavy: HeavyWork;
}
