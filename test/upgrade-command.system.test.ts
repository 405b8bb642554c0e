/** The upgrade of a city that runs from a checkout, by the script that a technician runs, as
 * docs/runbooks/upgrade.md says, with a real controller. systemd is played (dev/year/installation.ts). */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  appliedMigrations,
  migrationNames,
  openDatabase,
  releasedMigration,
} from '../controller/src/platform/database.ts';
import { Client } from '../dev/client.ts';
import { type Service, startRedis, until } from '../dev/services.ts';
import { type Installation, makeInstallation } from '../dev/year/installation.ts';
import { yearPassword } from '../dev/year/town.ts';
import { fillYearAt, rowsOf, yearSecret } from '../dev/year/year.ts';

let folder = '';
let redis: { service: Service; url: string; ready: () => boolean };
let city: Installation;
let old = '';

/** Plays version 0.1.0: it answers on the same port, and says which version it is. */
const oldService = `
  (await import('node:http')).createServer((_, answer) => answer.end('version 0.1.0'))
    .listen(Number(process.env['PREAU_PORT']), '127.0.0.1');
  process.on('SIGTERM', () => process.exit(0));`;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'preau-upgrade-command-'));
  redis = startRedis(join(folder, 'redis'));
  await until('Redis', redis.ready);
  city = await makeInstallation(folder, {
    PREAU_REDIS_URL: redis.url,
    PREAU_SECRET: yearSecret,
  });
  await fillYearAt(join(city.data, 'preau.sqlite'));
  old = city.addVersion('0.1.0', oldService);
  city.use(old);
  city.systemctl('start');
  await until('the old version', oldServes);
});
afterAll(async () => {
  city?.close();
  await redis.service.stop();
  rmSync(folder, { recursive: true, force: true });
});

const oldServes = async () => (await (await fetch(city.url)).text()) === 'version 0.1.0';
const database = async <T>(work: (file: ReturnType<typeof openDatabase>) => Promise<T>) => {
  const file = openDatabase(join(city.data, 'preau.sqlite'));
  return work(file).finally(() => file.destroy());
};
const lastMigration = () => database(async (file) => (await appliedMigrations(file)).at(-1));

test('a version whose migrations fail on the copy changes nothing: the old one never stops', async () => {
  // What 0010 adds is there already: somebody has been at the database.
  await database((file) => sql`create table restarts (id text)`.execute(file));
  const run = city.upgrade(city.addVersion('unfitting', null));
  expect(run.status).toBe(1);
  expect(run.stderr).toContain('MIGRATION_FAILED (migration 0010-asking');
  expect(run.stderr).toContain('nothing was changed');
  expect(run.stdout).not.toContain('Nobody could click');
  await until('the old version', oldServes);
  expect(city.current()).toBe(old);
  await database((file) => sql`drop table restarts`.execute(file));
  expect(await lastMigration()).toBe(releasedMigration);
  expect(existsSync(join(city.data, 'upgrade-trial'))).toBe(false);
});

test('a version that never becomes ready is left by itself, and the old one serves its own rows', async () => {
  const before = await database((file) => rowsOf(file, 'sessions'));
  const run = city.upgrade(city.addVersion('broken', 'process.exit(1);'), { readySeconds: 1 });
  expect(run.stderr).toContain('serves again, with its own database');
  expect(run.status).toBe(1);
  expect(city.current()).toBe(old);
  await until('the old version', oldServes);
  expect(await lastMigration()).toBe(releasedMigration);
  expect(await database((file) => rowsOf(file, 'sessions'))).toEqual(before);
});

test('an upgrade serves again within seconds, and --back returns with the rows of today', async () => {
  const next = city.addVersion('next', null);
  const run = city.upgrade(next);
  expect(run.stderr).toBe('');
  expect(run.status).toBe(0);
  expect(run.stdout).toContain(`Migrations done: ${migrationNames[9]}`);
  const [, gap] = /Nobody could click for (\d+) ms/.exec(run.stdout) ?? [];
  expect(Number(gap)).toBeLessThan(30_000);
  expect(city.current()).toBe(next);
  const technician = new Client(city.url);
  await technician.call('signIn', { body: { login: 'tech', password: yearPassword } });
  expect((await technician.call('listSites', {})).items).toHaveLength(27);
  await technician.call('createSiteGroup', { body: { name: 'Écoles du sud', siteIds: [] } });

  const back = city.upgrade(next, { back: true });
  expect(back.stderr).toBe('');
  expect(back.status).toBe(0);
  expect(city.current()).toBe(old);
  await until('the old version', oldServes);
  expect(await lastMigration()).toBe(releasedMigration);
  expect((await database((file) => rowsOf(file, 'site_groups'))).join()).toContain('Écoles du sud');
  expect(city.upgrade(next, { back: true }).stderr).toContain('There is no version to go back to');
});

test('the unit starts what the link names, as the script expects', () => {
  const unit = readFileSync(
    new URL('../packaging/linux/preau-controller.service', import.meta.url),
    'utf8',
  );
  const script = readFileSync(new URL('../packaging/linux/upgrade.sh', import.meta.url), 'utf8');
  expect(unit).toContain(
    'ExecStart=/opt/preau/current/node_modules/.bin/node /opt/preau/current/controller/src/main.ts',
  );
  expect(unit).toContain('EnvironmentFile=/etc/preau/controller.env');
  for (const word of ['/opt/preau}', 'preau-controller}', '/etc/preau/controller.env}'])
    expect(script).toContain(word);
});
