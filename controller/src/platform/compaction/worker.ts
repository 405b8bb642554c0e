/** Runs in a thread of its own: rewrites a SQLite database without what was deleted. */
import SqliteDatabase from 'better-sqlite3';
import { serve } from '../heavy/serve.ts';
import { compaction } from './task.ts';

await serve(compaction, ({ path }) => {
  const database = new SqliteDatabase(path);
  try {
    database.exec('vacuum');
  } finally {
    database.close();
  }
  return null;
});
