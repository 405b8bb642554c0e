/** Keeps a second controller away from the data folder of a city on SQLite: two of them would answer
 * for one another, and neither would hear the other's changes. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '@preau/contract/errors.ts';
import SqliteDatabase from 'better-sqlite3';

/** Holds the folder until the returned function is called, or the process ends, however it ends:
 * SQLite's lock is the operating system's. `backup`: only against another backup, while the
 * controller runs. Refuses with DATA_FOLDER_IN_USE. */
export function holdFolder(
  folder: string,
  what: 'controller' | 'backup' = 'controller',
): () => void {
  const holder = join(folder, `${what}.pid`);
  const lock = new SqliteDatabase(join(folder, `${what}.lock`), { timeout: 0 });
  try {
    lock.exec('begin exclusive');
  } catch (cause) {
    lock.close();
    if ((cause as NodeJS.ErrnoException).code !== 'SQLITE_BUSY') throw cause;
    throw new AppError('DATA_FOLDER_IN_USE', { folder, ...readHolder(holder) }, { cause });
  }
  writeFileSync(holder, String(process.pid));
  return () => {
    rmSync(holder, { force: true });
    lock.close();
  };
}

function readHolder(path: string): { pid?: number } {
  try {
    const pid = Number(readFileSync(path, 'utf8'));
    return Number.isInteger(pid) && pid > 0 ? { pid } : {};
  } catch {
    return {};
  }
}
