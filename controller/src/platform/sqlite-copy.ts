/** A copy of a SQLite database as it is at one moment, while others use it. */
import SqliteDatabase from 'better-sqlite3';

/** On this thread: only for a process of its own, or while nobody is served. */
export async function copySqlite(path: string, copy: string): Promise<void> {
  const source = new SqliteDatabase(path, { readonly: true, fileMustExist: true });
  try {
    // In one step: with several, each write of others would make it begin again.
    await source.backup(copy, { progress: () => 0x7fff_ffff });
  } finally {
    source.close();
  }
}
