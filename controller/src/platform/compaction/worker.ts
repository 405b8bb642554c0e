/** Runs in a thread of its own: rewrites a SQLite database without what was deleted. */
import { serve } from '../heavy/serve.ts';
import { rewrite } from './store.ts';
import { compaction } from './task.ts';

await serve(compaction, ({ path }) => {
  rewrite(path);
  return null;
});
