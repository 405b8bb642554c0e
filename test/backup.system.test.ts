/** Backups and restores by the commands alone, with the real age, tar and pg_dump: what is put back
 * is what was there, and whatever goes wrong leaves everything as it was. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { migrate, openDatabase } from '../controller/src/platform/database.ts';
import { sha256 } from '../controller/src/platform/secrets.ts';
import { insertSite, selectSites } from '../controller/src/sites/store.ts';
import { newBackupKey, preau } from './local-command.fixture.ts';
import { met, versionIn } from './met.ts';
import { type Postgres, startPostgres } from './postgres.fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'preau-backup-'));
const keyFile = join(folder, 'key.txt');
let key = '';
let postgres: Postgres;
beforeAll(async () => {
  key = await newBackupKey(keyFile);
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres?.stop();
  rmSync(folder, { recursive: true, force: true });
});

let data: string;
let backups: string;
let count = 0;
beforeEach(() => {
  count += 1;
  data = join(folder, `data-${count}`);
  backups = join(folder, `backups-${count}`);
  mkdirSync(data);
});

const settings = (more: Record<string, string> = {}) => ({
  PREAU_DATA: data,
  PREAU_BACKUP_KEY: key,
  PREAU_BACKUP_TO: backups,
  ...more,
});
const school = (name: string, uai: string) => ({
  uai,
  name,
  city: 'Valmont-sur-Orne',
  timeZone: 'Europe/Paris',
  holidayZone: 'B' as const,
});
async function withRows<T>(
  target: string,
  work: (rows: ReturnType<typeof openDatabase>) => Promise<T>,
): Promise<T> {
  const database = openDatabase(target);
  try {
    await migrate(database, target.startsWith('postgres'));
    return await work(database);
  } finally {
    await database.destroy();
  }
}
const addSchool = (target: string, name: string, uai: string) =>
  withRows(target, (rows) => insertSite(rows, school(name, uai), 1));
const schools = (target: string) =>
  withRows(target, async (rows) => (await selectSites(rows)).map(({ name }) => name).sort());
const sqlite = () => join(data, 'preau.sqlite');
const backUp = async (more: Record<string, string> = {}) => {
  const said = await preau(['backup'], settings(more));
  expect(said).toMatchObject({ code: 0, err: '' });
  expect(said.out).toMatch(/^Backed up as preau-\d{8}T\d{6}Z\.tar\.age: \d+ bytes, read back/);
  return join(backups, /preau-\S+\.age/.exec(said.out)?.[0] ?? '');
};
/** Everything in the data folder but locks, by content. */
const contents = () =>
  Object.fromEntries(
    readdirSync(data, { recursive: true, encoding: 'utf8' })
      .filter((name) => !/\.(lock|pid)(-journal)?$/.test(name) && !/-(wal|shm)$/.test(name))
      .filter((name) => statSync(join(data, name)).isFile())
      .map((name) => [name, sha256(readFileSync(join(data, name)))]),
  );

describe('SQLite', () => {
  test('a bare machine gets everything back, and is told what was lost', async () => {
    met('age', versionIn(spawnSync('age', ['--version'], { encoding: 'utf8' })), 'age --version');
    await addSchool(sqlite(), 'École un', '0610001A');
    const bytes = Buffer.alloc(300_000, 'package');
    const hash = sha256(bytes);
    mkdirSync(join(data, 'packages'));
    writeFileSync(join(data, 'packages', hash), bytes);
    const configuration = join(folder, 'preau.toml');
    writeFileSync(configuration, 'sign_in_hours = 9\n');
    const first = await backUp({ PREAU_CONFIG: configuration });
    const secret = readFileSync(join(data, 'secret'), 'utf8');
    // Nothing can be read without the key, not even a name.
    expect(readFileSync(first).includes('preau.sqlite')).toBe(false);
    expect(readdirSync(join(backups, 'files'))).toEqual([`${hash}.age`]);
    expect(readdirSync(data).filter((name) => name.startsWith('.backup'))).toEqual([]);

    data = join(folder, 'bare-machine');
    const said = await preau(['restore', '--key', keyFile], settings());
    expect(said).toMatchObject({ code: 0, err: '' });
    expect(said.out).toContain('Lost: what was changed after ');
    expect(await schools(sqlite())).toEqual(['École un']);
    expect(readFileSync(join(data, 'secret'), 'utf8')).toBe(secret);
    expect(statSync(join(data, 'secret')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(data, 'packages', hash)).equals(bytes)).toBe(true);
    const kept = readdirSync(data).find((name) => name.startsWith('settings-')) ?? '';
    expect(readdirSync(join(data, kept)).sort()).toEqual(['0-preau.toml', 'environment']);
    expect(readFileSync(join(data, kept, 'environment'), 'utf8')).toContain(
      `PREAU_BACKUP_KEY=${key}`,
    );
    // The secret that came back is the database's: it opens.
    expect((await preau(['backup'], settings())).code).toBe(0);
  });

  test('what is there is refused, and with --replace kept aside', async () => {
    await addSchool(sqlite(), 'École un', '0610001A');
    await backUp();
    await addSchool(sqlite(), 'École deux', '0610002B');
    const before = contents();
    const refused = await preau(['restore', '--key', keyFile], settings());
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('RESTORE_OVER_EXISTING');
    expect(refused.err).toContain('docs/runbooks/backup.md#restaurer');
    expect(contents()).toEqual(before);
    const said = await preau(['restore', '--key', keyFile, '--replace'], settings());
    expect(said).toMatchObject({ code: 0, err: '' });
    expect(await schools(sqlite())).toEqual(['École un']);
    const aside = /before is in (\S+)\.$/m.exec(said.out)?.[1] ?? '';
    expect(await schools(join(aside, 'preau.sqlite'))).toEqual(['École deux', 'École un']);
  });

  test('a wrong key, a truncated and a damaged backup each leave what was there', async () => {
    await addSchool(sqlite(), 'École un', '0610001A');
    const good = await backUp();
    const before = contents();
    const restore = (more: readonly string[], withKey = keyFile) =>
      preau(['restore', ...more, '--key', withKey, '--replace'], settings());
    const otherKey = join(folder, `other-${count}.txt`);
    await newBackupKey(otherKey);
    const wrong = await restore([good], otherKey);
    expect(wrong.code).toBe(1);
    expect(wrong.err).toContain('BACKUP_UNREADABLE');

    const bytes = readFileSync(good);
    const damaged = join(backups, 'preau-20990101T000000Z.tar.age');
    for (const size of [0, 100, Math.floor(bytes.length / 2), bytes.length - 1]) {
      writeFileSync(damaged, bytes);
      truncateSync(damaged, size);
      const said = await restore([damaged]);
      expect([size, said.code, said.err]).toEqual([
        size,
        1,
        expect.stringContaining('BACKUP_UNREADABLE'),
      ]);
    }
    bytes[Math.floor(bytes.length / 2)] = (bytes[Math.floor(bytes.length / 2)] ?? 0) ^ 1;
    writeFileSync(damaged, bytes);
    expect((await restore([damaged])).err).toContain('BACKUP_UNREADABLE');

    expect(contents()).toEqual(before);
    expect(readdirSync(data).filter((name) => name.startsWith('.restore'))).toEqual([]);
    expect(await schools(sqlite())).toEqual(['École un']);
  }, 180_000);

  test('a backup of a newer version is refused', async () => {
    await addSchool(sqlite(), 'École un', '0610001A');
    const unpacked = join(folder, `unpacked-${count}`);
    mkdirSync(unpacked);
    const newer = join(folder, 'newer.tar.age');
    const script = `set -e; age -d -i "${keyFile}" "$1" | tar -x -C "${unpacked}"
      sed -i 's/"migrations":\\[/&"9999-of-tomorrow",/; s/"version":"[^"]*"/"version":"9.9.9"/' \\
        "${unpacked}/manifest.json"
      tar -c -C "${unpacked}" . | age -r "${key}" > "${newer}"`;
    const made = spawnSync('sh', ['-c', script, 'sh', await backUp()], { encoding: 'utf8' });
    expect(made).toMatchObject({ status: 0, stderr: '' });
    const before = contents();
    const said = await preau(['restore', newer, '--key', keyFile, '--replace'], settings());
    expect(said.code).toBe(1);
    expect(said.err).toMatch(/BACKUP_NEWER \(.*version 9\.9\.9.*9999-of-tomorrow/);
    expect(contents()).toEqual(before);
  });

  test('a disk that is full in the middle leaves the earlier backup, and says so', async () => {
    await addSchool(sqlite(), 'École un', '0610001A');
    mkdirSync(backups);
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', backups]);
    try {
      const first = await backUp();
      const before = sha256(readFileSync(first));
      mkdirSync(join(data, 'packages'));
      const bytes = Buffer.alloc(3_000_000, 'p');
      writeFileSync(join(data, 'packages', sha256(bytes)), bytes);
      const said = await preau(['backup'], settings());
      expect(said.code).toBe(1);
      expect(said.err).toContain('DISK_FULL');
      expect(sha256(readFileSync(first))).toBe(before);
      expect(
        readdirSync(backups, { recursive: true, encoding: 'utf8' }).filter((name) =>
          /\.part$/.test(name),
        ),
      ).toEqual([]);
      expect(readdirSync(data).filter((name) => name.startsWith('.backup'))).toEqual([]);
    } finally {
      spawnSync('umount', [backups]);
    }
  });

  test('a disk that gives back something else is found out, and nothing stays', async () => {
    await addSchool(sqlite(), 'École un', '0610001A');
    await backUp();
    const before = readdirSync(backups);
    mkdirSync(join(data, 'packages'));
    const bytes = Buffer.alloc(300_000, 'p');
    writeFileSync(join(data, 'packages', sha256(bytes)), bytes);
    // Between writing and reading back, dd has the kernel forget the file: this one changes a byte.
    const bin = join(folder, `bin-${count}`);
    mkdirSync(bin);
    writeFileSync(
      join(bin, 'dd'),
      '#!/bin/sh\nprintf X | /bin/dd of="${1#if=}" conv=notrunc bs=1 seek=250000 status=none\n',
      { mode: 0o755 },
    );
    const said = await preau(
      ['backup'],
      settings({ PATH: `${bin}:${process.env['PATH'] ?? '/usr/bin:/bin'}` }),
    );
    expect(said.code).toBe(1);
    expect(said.err).toMatch(/BACKUP_FAILED.*others were read back/);
    expect(readdirSync(join(backups, 'files'))).toEqual([]);
    expect(readdirSync(backups).filter((name) => name !== 'files')).toEqual(before);
  });

  test('by commands of the town’s own; one that loses bytes is found out', async () => {
    await addSchool(sqlite(), 'École un', '0610001A');
    const store = join(folder, `store-${count}`);
    mkdirSync(store);
    const commands = {
      PREAU_BACKUP_TO: '',
      PREAU_BACKUP_COMMAND: `cat > "${store}/$(basename "$NAME")"`,
      PREAU_BACKUP_READ_COMMAND: `cat "${store}/$(basename "$NAME")"`,
    };
    const said = await preau(['backup'], settings(commands));
    expect(said).toMatchObject({ code: 0, err: '' });
    const name = readdirSync(store)[0] ?? '';
    const losing = {
      ...commands,
      PREAU_BACKUP_COMMAND: `head -c 1000 > "${store}/short"; cat > /dev/null`,
      PREAU_BACKUP_READ_COMMAND: `cat "${store}/short"`,
    };
    const found = await preau(['backup'], settings(losing));
    expect(found.code).toBe(1);
    expect(found.err).toMatch(/BACKUP_FAILED.*1000 others were read back/);
    data = join(folder, 'by-command');
    expect(await preau(['restore', name, '--key', keyFile], settings(commands))).toMatchObject({
      code: 0,
      err: '',
    });
    expect(await schools(sqlite())).toEqual(['École un']);
  });

  test('a lost or another secret is refused until it is accepted', async () => {
    await addSchool(sqlite(), 'École un', '0610001A');
    await backUp();
    const path = join(data, 'secret');
    const secret = readFileSync(path, 'utf8');
    rmSync(path);
    const missing = await preau(['backup'], settings());
    expect(missing.code).toBe(1);
    expect(missing.err).toContain('SECRET_MISSING');
    expect(existsSync(path)).toBe(false);
    writeFileSync(path, 'ab'.repeat(32));
    expect((await preau(['backup'], settings())).err).toContain('SECRET_OTHER');
    writeFileSync(path, secret);
    expect((await preau(['backup'], settings())).code).toBe(0);
    rmSync(path);
    const accepted = await preau(['accept-secret'], settings());
    expect(accepted).toMatchObject({ code: 0, err: '' });
    expect(accepted.out).toContain('Every server must be enrolled anew');
    expect((await preau(['backup'], settings())).code).toBe(0);
  });
});

test('PostgreSQL: backed up while it runs, put back over what is there in one transaction', async () => {
  const target = await postgres.newDatabase();
  const more = { PREAU_DATABASE_URL: target };
  await addSchool(target, 'École un', '0610001A');
  await backUp(more);
  await addSchool(target, 'École deux', '0610002B');
  const served = openDatabase(target);
  await selectSites(served);
  const inUse = await preau(['restore', '--key', keyFile, '--replace'], settings(more));
  expect(inUse.code).toBe(1);
  expect(inUse.err).toContain('DATA_FOLDER_IN_USE');
  await served.destroy();
  expect((await preau(['restore', '--key', keyFile], settings(more))).err).toContain(
    'RESTORE_OVER_EXISTING',
  );
  expect(await schools(target)).toEqual(['École deux', 'École un']);
  const said = await preau(['restore', '--key', keyFile, '--replace'], settings(more));
  expect(said).toMatchObject({ code: 0, err: '' });
  expect(await schools(target)).toEqual(['École un']);
  const aside = /before is in (\S+)\.$/m.exec(said.out)?.[1] ?? '';
  expect(existsSync(join(aside, 'database.dump'))).toBe(true);
  // A bare machine with an empty database.
  data = join(folder, 'bare-postgres');
  const empty = await postgres.newDatabase();
  expect(
    await preau(['restore', '--key', keyFile], settings({ PREAU_DATABASE_URL: empty })),
  ).toMatchObject({ code: 0, err: '' });
  expect(await schools(empty)).toEqual(['École un']);
});
