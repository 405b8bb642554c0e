/** SQL that rewrites a SQLite database, on a connection of its own. */
import SqliteDatabase from 'better-sqlite3';

export function rewrite(path: string): void {
  const database = new SqliteDatabase(path);
  try {
    database.exec('vacuum');
  } finally {
    database.close();
  }
}
