/** The same as dependencies.system.test.ts, with PostgreSQL: stopped, frozen, its connections cut,
 * full, a standby. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { failureOf } from '../controller/src/platform/failures.ts';
import { until } from '../dev/services.ts';
import { allAre, allOk, type FailingCity, openFailingCity } from './dependencies.fixture.ts';
import { type Postgres, startPostgres } from './postgres.fixture.ts';

let folder: string;
let postgres: Postgres;
let address: string;
let city: FailingCity;

const begin = async (options?: Parameters<typeof startPostgres>[0]) => {
  postgres = await startPostgres(options);
  address = await postgres.newDatabase();
  city = await openFailingCity(address, { PREAU_DATA: folder, PREAU_GUACD_PORT: '1' });
};
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'preau-failing-'));
});
afterEach(async () => {
  await city.close().catch(() => undefined);
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
});

const ask = async (sql: string) => {
  const client = new pg.Client({ connectionString: address });
  client.on('error', () => undefined);
  await client.connect();
  await client.query(sql);
  await client.end();
};
/** An upload has written its file before the database refuses its row. */
const wellAgain = async () => {
  await until('the city', async () => (await city.call('list')).status === 200, 30_000);
  expect(await city.codes()).toEqual(allOk);
  expect(await city.part('database')).toMatch(/: ok$/);
};

test('stopped: DATABASE_UNAVAILABLE at once; started again: all well', async () => {
  await begin();
  const before = await city.counts();
  await postgres.crash();
  expect(await city.codes()).toEqual(allAre('DATABASE_UNAVAILABLE'));
  expect(await city.part('database')).toBe('503 down: down DATABASE_UNAVAILABLE');
  await postgres.restart();
  await until('the city', async () => (await city.call('list')).status === 200, 30_000);
  expect(await city.counts()).toEqual(before);
  await wellAgain();
});

test('connections cut in the middle: one refusal at most, then all well', async () => {
  await begin();
  // One person who launches more often is asked to slow down.
  const working = Promise.all(
    Array.from({ length: 20 }, (_, at) => city.codes(at < 8 ? ['launch', 'list'] : ['list'])),
  );
  await ask(
    'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() ' +
      'and backend_type = $$client backend$$',
  );
  const codes = new Set((await working).flatMap((each) => Object.values(each)));
  codes.delete('ok');
  codes.delete('DATABASE_UNAVAILABLE');
  expect([...codes]).toEqual([]);
  await wellAgain();
});

test('a connection that is cut between two statements ends its transaction, not the process', async () => {
  await begin();
  const { database } = city.city.platform;
  const work = database.transaction().execute(async (rows) => {
    await rows.updateTable('accounts').set({ display_name: 'half' }).execute();
    await ask(
      'select pg_terminate_backend(pid) from pg_stat_activity where state = $$idle in transaction$$',
    );
    await new Promise((resolve) => setTimeout(resolve, 300));
    await rows.updateTable('accounts').set({ display_name: 'done' }).execute();
  });
  await expect(work).rejects.toSatisfy(
    (error) => failureOf(error)?.code === 'DATABASE_UNAVAILABLE',
  );
  const names = await database.selectFrom('accounts').select('display_name').execute();
  expect(names.map((row) => row.display_name)).not.toContain('half');
  await wellAgain();
});

test('frozen: refused in bounded time, without a half-done write, and all well when it goes on', async () => {
  await begin();
  const before = await city.counts();
  postgres.freeze();
  const started = performance.now();
  expect(await city.codes()).toEqual(allAre('DATABASE_UNAVAILABLE'));
  expect(performance.now() - started).toBeLessThan(70_000);
  expect(await city.part('database')).toBe('503 down: down DATABASE_UNAVAILABLE');
  postgres.thaw();
  await until('the city', async () => (await city.call('list')).status === 200, 30_000);
  expect((await city.counts()).sessions).toBe(before.sessions);
  await wellAgain();
});

test('too many connections: BUSY with Retry-After', async () => {
  await begin({ settings: ['max_connections=20', 'superuser_reserved_connections=0'] });
  const held: pg.Client[] = [];
  const takeAll = async () => {
    for (let count = 0; count < 20; count += 1) {
      const client = new pg.Client({ connectionString: address });
      client.on('error', () => undefined);
      const took = await client.connect().then(
        () => true,
        () => false,
      );
      if (took) held.push(client);
    }
  };
  await takeAll();
  // The city's idle connections are cut, and find no place any more.
  await held[0]?.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $$preau$$',
  );
  await takeAll();
  expect(await city.call('launch')).toMatchObject({ status: 503, code: 'BUSY', retryAfter: '5' });
  for (const client of held) await client.end();
  await wellAgain();
});

test('its disk is full: DISK_FULL, lists go on, and all well when there is room', async () => {
  await begin({ megabytes: 140 });
  const before = await city.counts();
  postgres.fill();
  // Pages that exist have room for a few rows.
  for (let more = 0; more < 400 && (await city.codes(['signIn']))['signIn'] === 'ok'; more += 1);
  const told = await city.codes(['signIn', 'list']);
  expect(told).toEqual({ signIn: 'DISK_FULL', list: 'ok' });
  expect((await city.counts()).files).toBe(before.files);
  postgres.makeRoom();
  await wellAgain();
});

test('a standby, which only reads: DATABASE_READ_ONLY', async () => {
  await begin();
  await ask('alter database city_1 set default_transaction_read_only = on');
  await ask(
    'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() ' +
      'and application_name = $$preau$$',
  );
  await until('new connections', async () => (await city.call('list')).status === 200, 10_000);
  expect(await city.codes()).toEqual({ ...allAre('DATABASE_READ_ONLY'), list: 'ok' });
  expect(await city.part('database')).toBe('503 down: down DATABASE_READ_ONLY');
  const client = new pg.Client({ connectionString: address });
  await client.connect();
  await client.query('set default_transaction_read_only = off');
  await client.query('alter database city_1 reset default_transaction_read_only');
  await client.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() ' +
      'and application_name = $$preau$$',
  );
  await client.end();
  await wellAgain();
});

test('two transactions that wait for each other: both are done', async () => {
  await begin();
  const { database } = city.city.platform;
  const rename = (ids: readonly string[], name: string) =>
    database.transaction().execute(async (rows) => {
      for (const id of ids) {
        await rows
          .updateTable('accounts')
          .set({ display_name: name })
          .where('id', '=', id)
          .execute();
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    });
  const [a, b] = [city.city.pupil.id, city.city.teacher.id];
  await Promise.all([rename([a, b], 'one'), rename([b, a], 'two')]);
  const names = await database
    .selectFrom('accounts')
    .select('display_name')
    .where('id', 'in', [a, b])
    .execute();
  expect(new Set(names.map((row) => row.display_name)).size).toBe(1);
});
