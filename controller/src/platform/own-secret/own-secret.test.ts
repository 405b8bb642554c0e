/** Which secret goes with which database, case by case. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Database, migrate, openDatabase } from '../database.ts';
import { acceptSecret, ownSecret } from './own-secret.ts';

let folder: string;
let database: Database;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'preau-own-secret-'));
  database = openDatabase(':memory:');
  await migrate(database, false);
});
afterEach(async () => {
  await database.destroy();
  rmSync(folder, { recursive: true });
});
const path = () => join(folder, 'secret');
const own = (given = '', isInUse = false) =>
  ownSecret({ PREAU_DATA: folder, PREAU_SECRET: given }, database, async () => isInUse);

test('a new city makes one, and it is the database’s from then on', async () => {
  const secret = await own();
  expect(readFileSync(path(), 'utf8')).toBe(secret.toString('hex'));
  expect(await own()).toEqual(secret);
  // The same, given by the settings.
  rmSync(path());
  expect(await own(secret.toString('hex'))).toEqual(secret);
});

test('a missing one is not replaced in silence', async () => {
  await own();
  rmSync(path());
  await expect(own()).rejects.toMatchObject({ code: 'SECRET_MISSING' });
  expect(existsSync(path())).toBe(false);
});

test('a database of 0.1.0 names no secret: with servers its file must be there', async () => {
  await expect(own('', true)).rejects.toMatchObject({ code: 'SECRET_MISSING' });
  expect(existsSync(path())).toBe(false);
  writeFileSync(path(), 'cd'.repeat(32));
  expect(await own('', true)).toEqual(Buffer.alloc(32, 0xcd));
  writeFileSync(path(), 'ab'.repeat(32));
  await expect(own('', true)).rejects.toMatchObject({ code: 'SECRET_OTHER' });
});

test('another one is refused until it is accepted', async () => {
  await own();
  await expect(own('ab'.repeat(32))).rejects.toMatchObject({ code: 'SECRET_OTHER' });
  await acceptSecret({ PREAU_DATA: folder, PREAU_SECRET: 'ab'.repeat(32) }, database);
  expect(await own('ab'.repeat(32))).toEqual(Buffer.alloc(32, 0xab));
  await expect(own()).rejects.toMatchObject({ code: 'SECRET_OTHER' });
});
