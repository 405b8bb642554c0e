/** The night's backup is made once, by one controller, at its hour. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type City, makeCity } from '#src/testing.fixture.ts';
import { backUpWhenDue, checkBackup } from './nightly.ts';
import { ProgramFailed } from './programs.ts';
import { saveBackupState, selectBackupState } from './store.ts';

const hour = 3_600_000;
let city: City;
beforeEach(async () => {
  city = await makeCity(':memory:', {
    PREAU_BACKUP_KEY: `age1${'q'.repeat(58)}`,
    PREAU_BACKUP_TO: '/nowhere',
    PREAU_BACKUP_HOUR: '2',
  });
  city.time.at = new Date('2026-12-01T12:00:00').getTime();
});
afterEach(() => city.close());

/** As the command does. */
const made = async () => {
  const { database, clock } = city.platform;
  const state = await selectBackupState(database, clock.now());
  await saveBackupState(database, { ...state, doneAt: clock.now() });
};

test('once a night, whichever of two controllers asks first', async () => {
  expect(await backUpWhenDue(city.platform, made)).toBe('not due');
  city.time.at = new Date('2026-12-02T01:59:59').getTime();
  expect(await backUpWhenDue(city.platform, made)).toBe('not due');
  city.time.at = new Date('2026-12-02T02:00:03').getTime();
  let runs = 0;
  const run = async () => {
    runs += 1;
    await made();
  };
  const both = await Promise.all([
    backUpWhenDue(city.platform, run),
    backUpWhenDue(city.platform, run),
  ]);
  expect(both.sort()).toEqual(['done', 'not due']);
  expect(runs).toBe(1);
  city.time.at += 20 * hour;
  expect(await backUpWhenDue(city.platform, run)).toBe('not due');
  city.time.at += 4 * hour;
  expect(await backUpWhenDue(city.platform, run)).toBe('done');
});

test('one that fails is not tried again all night long', async () => {
  await backUpWhenDue(city.platform, made);
  city.time.at = new Date('2026-12-02T02:00:03').getTime();
  const fail = async () => {
    throw new ProgramFailed('age', 'no space');
  };
  expect(await backUpWhenDue(city.platform, fail)).toBe('failed');
  city.time.at += hour;
  expect(await backUpWhenDue(city.platform, made)).toBe('not due');
  city.time.at += 24 * hour;
  expect(await backUpWhenDue(city.platform, made)).toBe('done');
});

test('without a key nothing is made, and health says so after a day', async () => {
  const config = { ...city.platform.config, PREAU_BACKUP_KEY: '' };
  const deps = { ...city.platform, config };
  const check = checkBackup(deps);
  expect(await check.look()).toEqual({ state: 'ok' });
  city.time.at += 25 * hour;
  expect(await backUpWhenDue(deps, made)).toBe('not due');
  expect(await check.look()).toMatchObject({ state: 'degraded', code: 'BACKUP_NOT_CONFIGURED' });
});
