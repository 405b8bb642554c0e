/** A locked, replaced or deleted database file: writers wait off the event loop, readers go on, and
 * nothing is written where nobody will find it. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import SqliteDatabase from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Database, migrate, openDatabase } from './database.ts';
import { failureOf } from './failures.ts';
import { together } from './together.ts';

let folder: string;
let path: string;
let database: Database;
let other: SqliteDatabase.Database;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'preau-sqlite-'));
  path = join(folder, 'preau.sqlite');
  database = openDatabase(path);
  await migrate(database, false);
  other = new SqliteDatabase(path);
});
afterEach(async () => {
  other.close();
  await database.destroy();
  rmSync(folder, { recursive: true });
});

const group = (id: string) => ({ id, name: id, created_at: 0 });
const write = (id: string) => database.insertInto('site_groups').values(group(id)).execute();
const names = async () =>
  (await database.selectFrom('site_groups').select('id').orderBy('id').execute()).map(
    ({ id }) => id,
  );

function lockFor(ms: number): void {
  other.exec('begin immediate');
  setTimeout(() => other.exec('rollback'), ms);
}

/** The longest standstill of the event loop while `work` runs, in ms. */
async function standstillOf(work: () => Promise<unknown>): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  await work();
  delay.disable();
  return delay.max / 1e6;
}

test('a lock held for a second is waited for, and the event loop runs on meanwhile', async () => {
  lockFor(1000);
  const standstill = await standstillOf(() =>
    Promise.all([
      write('alone'),
      database.transaction().execute(async (rows) => {
        // Reads first, then writes: a deferred transaction would be refused at once.
        await rows.selectFrom('site_groups').selectAll().execute();
        await rows.insertInto('site_groups').values(group('in-a-transaction')).execute();
      }),
      together(database, (rows) =>
        rows.insertInto('site_groups').values(group('together')).execute(),
      ),
    ]),
  );
  expect(await names()).toEqual(['alone', 'in-a-transaction', 'together']);
  expect(standstill).toBeLessThan(250);
});

test('reads go on while another process writes', async () => {
  await write('before');
  other.exec('begin exclusive');
  const started = performance.now();
  expect(await names()).toEqual(['before']);
  expect(performance.now() - started).toBeLessThan(500);
  other.exec('rollback');
});

test('a lock that stays is refused with BUSY for all who wait, after one time of waiting', async () => {
  other.exec('begin immediate');
  const started = performance.now();
  const waiting = Array.from({ length: 20 }, (_, index) =>
    index % 2 === 0
      ? write(`alone-${index}`)
      : together(database, (rows) =>
          rows
            .insertInto('site_groups')
            .values(group(`together-${index}`))
            .execute(),
        ),
  );
  const ends = await Promise.allSettled(waiting);
  const tookMs = performance.now() - started;
  other.exec('rollback');
  expect(
    ends.map((end) => (end.status === 'rejected' ? failureOf(end.reason)?.code : 'done')),
  ).toEqual(Array(20).fill('BUSY'));
  expect(tookMs).toBeGreaterThan(4500);
  expect(tookMs).toBeLessThan(12_000);
  await write('afterwards');
  expect(await names()).toEqual(['afterwards']);
});

test('nothing is written to a deleted file, and a file that is back serves again', async () => {
  await write('before');
  const aside = join(folder, 'aside');
  for (const suffix of ['', '-wal', '-shm']) renameSync(path + suffix, aside + suffix);
  await pause(250);
  await expect(write('lost')).rejects.toSatisfy(
    (error) => failureOf(error)?.code === 'DATABASE_UNAVAILABLE',
  );
  for (const suffix of ['', '-wal', '-shm']) renameSync(aside + suffix, path + suffix);
  await pause(250);
  await write('after');
  expect(await names()).toEqual(['after', 'before']);
});

test('a file that was damaged and is restored serves without a restart', async () => {
  await write('before');
  other.pragma('wal_checkpoint(truncate)');
  const copy = join(folder, 'copy');
  await other.backup(copy);
  rmSync(path);
  writeFileSync(path, Buffer.alloc(65_536, 'not a database '));
  await pause(250);
  await expect(write('lost')).rejects.toSatisfy(
    (error) => failureOf(error)?.code === 'DATABASE_BROKEN',
  );
  for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true });
  renameSync(copy, path);
  await pause(250);
  await write('after');
  expect(await names()).toEqual(['after', 'before']);
});
