/** A town with a year of data moves from SQLite to a real PostgreSQL, and both are compared row by
 * row, by the commands that a technician types. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyChain } from '../controller/src/audit/chain.ts';
import {
  type Database,
  migrate,
  migrateTo,
  openDatabase,
  releasedMigration,
} from '../controller/src/platform/database.ts';
import { holdFolder } from '../controller/src/platform/own-folder.ts';
import { createSecrets } from '../controller/src/platform/secrets.ts';
import { root } from '../dev/services.ts';
import { fillYear, rowsOf, tablesOf, yearSecret } from '../dev/year/year.ts';
import { type Postgres, startPostgres } from './postgres.fixture.ts';

let folder = '';
let postgres: Postgres;
let address = '';
let source: Database;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'preau-move-'));
  mkdirSync(join(folder, 'data'));
  source = openDatabase(join(folder, 'data/preau.sqlite'));
  await fillYear(source, false);
  await migrate(source, false);
  // What is new since the year: a table without a row would prove nothing.
  for (const statement of [
    'insert into restarts (id, server_id, site_id, state, boot_id, at, created_by_name, ' +
      "created_at) values ('rst_1', 's', 'e', 'done', 'b', 1, 'Été', 2)",
    "insert into rollout_questions (rollout_id, server_id, key, asked, asked_at) values ('r', 's', 'k', '[]', 1)",
    "insert into erased_homes (number, home, asked_at) values (1, 'acc_1', 1)",
  ])
    await sql.raw(statement).execute(source);
  postgres = await startPostgres();
  address = await postgres.newDatabase();
});
afterAll(async () => {
  await source.destroy();
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
});

const preau = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'controller/src/main.ts'), 'move', ...args],
    {
      encoding: 'utf8',
      env: {
        PATH: process.env['PATH'] ?? '',
        PREAU_DATA: join(folder, 'data'),
        PREAU_PUBLIC_URL: 'https://preau.example',
        NODE_NO_WARNINGS: '1',
      },
    },
  );
  return { status, stdout, stderr };
};

describe('a move', () => {
  test('is refused while the controller runs, and to what is no empty database', async () => {
    const release = holdFolder(join(folder, 'data'));
    expect(preau('--to', address)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('DATA_FOLDER_IN_USE'),
    });
    release();
    const other = await postgres.newDatabase();
    const database = openDatabase(other);
    await sql`create table somebody_elses (id text)`.execute(database);
    await sql`insert into somebody_elses values ('x')`.execute(database);
    await database.destroy();
    const refused = preau('--to', other);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain('TARGET_NOT_EMPTY (table somebody_elses)');
    expect(refused.stderr).toContain('docs/runbooks/upgrade.md');
    expect(preau('--to', 'mysql://x').status).toBe(2);
  });

  test('is refused with a database of an older or a newer version', async () => {
    await migrateTo(source, false, releasedMigration);
    expect(preau('--to', address).stderr).toContain('DATABASE_OLDER');
    await migrate(source, false);
    await sql`insert into kysely_migration (name, timestamp) values ('9999-later', 'x')`.execute(
      source,
    );
    expect(preau('--to', address).stderr).toContain('DATABASE_NEWER (migrations 9999-later)');
    await sql`delete from kysely_migration where name = '9999-later'`.execute(source);
    await sql
      .raw(
        "insert into erased_homes (number, home, asked_at) values (1, 'acc_1', 1) on conflict do nothing",
      )
      .execute(source);
    await sql
      .raw(
        'insert into restarts (id, server_id, site_id, state, boot_id, at, created_by_name, ' +
          "created_at) values ('rst_1', 's', 'e', 'done', 'b', 1, 'Été', 2)",
      )
      .execute(source);
    await sql
      .raw(
        "insert into rollout_questions (rollout_id, server_id, key, asked, asked_at) values ('r', 's', 'k', '[]', 1)",
      )
      .execute(source);
  });

  test('that fails in the middle leaves no row, and can be begun again', async () => {
    // PostgreSQL takes no character 0 in a text.
    await sql`update sessions set language = 'f' || char(0) where id =
      (select max(id) from sessions)`.execute(source);
    const failed = preau('--to', address);
    expect(failed.status).toBe(1);
    const target = openDatabase(address);
    expect(await target.selectFrom('sites').select('id').execute()).toEqual([]);
    await target.destroy();
    await sql`update sessions set language = 'fr' where id =
      (select max(id) from sessions)`.execute(source);
  });

  test('moves every row of every table, and says how far it is', async () => {
    const moved = preau('--to', address);
    expect(moved.stderr).toBe('');
    expect(moved.status).toBe(0);
    expect(moved.stdout).toMatch(/^audit_events: 92\d\d rows\.$/m);
    const target = openDatabase(address);
    const tables = await tablesOf(source);
    expect(await tablesOf(target)).toEqual(tables);
    for (const table of tables) {
      const rows = await rowsOf(source, table);
      // A new table needs a row in the year, or above.
      expect([table, rows.length > 0]).toEqual([table, true]);
      expect([table, await rowsOf(target, table)]).toEqual([table, rows]);
    }
    const secrets = createSecrets(Buffer.from(yearSecret, 'hex'));
    const deps = { database: target, clock: { now: () => Date.now() }, secrets };
    expect(await verifyChain(deps)).toMatchObject({ intact: true });
    await target.destroy();
  });

  test('is compared row by row: equal, changed, missing, added', async () => {
    // The verification has linked events: they are the same again.
    await verifyChain({
      ...{ database: source, clock: { now: () => Date.now() } },
      secrets: createSecrets(Buffer.from(yearSecret, 'hex')),
    });
    const target = openDatabase(address);
    const head = preau('--compare', address);
    expect(head.stderr).toMatch(/^changed: audit_chain id=1$/m);
    await target.destroy();

    const second = await postgres.newDatabase();
    expect(preau('--to', second).status).toBe(0);
    const same = preau('--compare', second);
    expect(same.stdout).toMatch(/^All \d{5} rows are the same\.$/m);
    expect(same.status).toBe(0);
    const other = openDatabase(second);
    await other
      .updateTable('sites')
      .set({ name: 'Autre' })
      .where('name', '=', 'École Jules Verne')
      .execute();
    await other.deleteFrom('tickets').execute();
    await other
      .insertInto('usage_months')
      .values({ month: '1999-01', site_id: 'é', application_id: 'x', sessions: 1, people: 1 })
      .execute();
    const { id = '' } =
      (await other
        .selectFrom('sites')
        .select('id')
        .where('name', '=', 'Autre')
        .executeTakeFirst()) ?? {};
    await other.destroy();
    const differs = preau('--compare', second);
    expect(differs.status).toBe(1);
    expect(differs.stderr).toContain(`changed: sites id=${id}\n`);
    expect(differs.stderr.match(/^missing: tickets hash=/gm)).toHaveLength(3);
    expect(differs.stderr).toContain(
      'added: usage_months month=1999-01 site_id=é application_id=x\n',
    );
    expect(differs.stderr).toMatch(/^5 rows differ, of \d{5} compared\.$/m);
  });
});
