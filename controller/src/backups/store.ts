/** What the database knows of its backups, and what only backups ask of it. */
import { sql } from 'kysely';
import type { Rows } from '#src/platform/database.ts';

export interface BackupState {
  /** When the city was first seen without a backup; epoch ms. */
  since: number;
  /** The last one that was stored and read back. */
  doneAt: number | null;
  /** The last one that failed, and why. */
  failedAt: number | null;
  why: string | null;
}

const name = 'backup';

export async function selectBackupState(rows: Rows, now: number): Promise<BackupState> {
  const row = await rows
    .selectFrom('city')
    .select('body')
    .where('name', '=', name)
    .executeTakeFirst();
  if (row !== undefined) return JSON.parse(row.body) as BackupState;
  const fresh: BackupState = { since: now, doneAt: null, failedAt: null, why: null };
  await rows
    .insertInto('city')
    .values({ name, body: JSON.stringify(fresh), updated_at: 0 })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute();
  return fresh;
}

export async function saveBackupState(rows: Rows, state: BackupState): Promise<void> {
  await rows
    .updateTable('city')
    .set({ body: JSON.stringify(state) })
    .where('name', '=', name)
    .execute();
}

/** True for the one controller that is to make the backup that has been due since `due`. */
export async function claimBackup(rows: Rows, due: number, now: number): Promise<boolean> {
  const done = await rows
    .updateTable('city')
    .set({ updated_at: now })
    .where('name', '=', name)
    .where('updated_at', '<', due)
    .executeTakeFirst();
  return Number(done.numUpdatedRows) === 1;
}

/** Names and ids of servers in service. */
export async function selectServerNames(rows: Rows): Promise<{ id: string; name: string }[]> {
  return rows
    .selectFrom('servers')
    .select(['id', 'name'])
    .where('retired_at', 'is', null)
    .orderBy('name')
    .execute();
}

/** PostgreSQL: whether a controller or anything else of Préau is connected besides the caller. */
export async function isServed(rows: Rows): Promise<boolean> {
  const found = await sql<{ n: number }>`
    select count(*)::int as n from pg_stat_activity
    where application_name = 'preau' and datname = current_database()
      and pid <> pg_backend_pid()`.execute(rows);
  return (found.rows[0]?.n ?? 0) > 0;
}

/** PostgreSQL: whether there is a city in the database. */
export async function hasCity(rows: Rows): Promise<boolean> {
  const found = await sql<{ n: number }>`
    select count(*)::int as n from information_schema.tables
    where table_schema = current_schema() and table_name = 'kysely_migration'`.execute(rows);
  return (found.rows[0]?.n ?? 0) > 0;
}
