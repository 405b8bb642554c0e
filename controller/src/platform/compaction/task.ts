/** The work of rewriting a SQLite database without what was deleted. */
import type { HeavyTask } from '../heavy/heavy-work.ts';

export const compaction: HeavyTask<{ path: string }, null> = {
  kind: 'database_compaction',
  worker: new URL('./worker.ts', import.meta.url),
};
