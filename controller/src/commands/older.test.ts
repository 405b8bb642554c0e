import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Environment, parseConfig } from '#src/config.ts';
import { openCity } from '#src/open-city.ts';
import {
  appliedMigrations,
  databaseTarget,
  migrateTo,
  openDatabase,
  releasedMigration,
} from '#src/platform/database.ts';
import { acceptSecretCommand } from './accept-secret.ts';
import { backup } from './backup.ts';
import { resetSecondFactor } from './reset-second-factor.ts';

let config: Environment;

beforeEach(async () => {
  const PREAU_DATA = mkdtempSync(join(tmpdir(), 'preau-older-'));
  config = parseConfig({ PREAU_DATA });
  const database = openDatabase(databaseTarget(config));
  await migrateTo(database, false, releasedMigration);
  await database.destroy();
});
afterEach(() => rmSync(config.PREAU_DATA, { recursive: true }));

const lastMigration = async () => {
  const database = openDatabase(databaseTarget(config));
  try {
    return (await appliedMigrations(database)).at(-1);
  } finally {
    await database.destroy();
  }
};

test.each([
  ['backup', () => backup.run(config, [])],
  ['reset-second-factor', () => resetSecondFactor.run(config, ['lea'])],
  ['accept-secret', () => acceptSecretCommand.run(config, [])],
  ['create-administrator', () => openCity(config, 'command')],
] as const)('%s leaves a database of the version before as it is', async (_, command) => {
  await expect(command()).rejects.toMatchObject({ code: 'DATABASE_OLDER' });
  expect(await lastMigration()).toBe(releasedMigration);
});

test('the controller brings it up to date', async () => {
  const { database, applied } = await openCity(config, 'controller');
  await database.destroy();
  expect(applied).not.toEqual([]);
  expect(await lastMigration()).toBe(applied.at(-1));
});
