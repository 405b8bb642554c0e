/** Whole examinations of folders that are really broken: nothing hangs, throws or is changed. */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { chainEvents } from '#src/audit/chain.ts';
import { parseAsFarAsRight } from '#src/config.ts';
import { createSecrets } from '#src/platform/secrets.ts';
import { makeCity } from '#src/testing.fixture.ts';
import { examine, type Part } from './doctor.ts';
import { openToRead } from './store.ts';

let folder: string;
const closers: (() => unknown)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'preau-doctor-'));
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
});

const file = () => join(folder, 'preau.sqlite');
const secret = '07'.repeat(32);

/** A city in the folder, closed again, with the secret that has signed what is in it. */
async function settle(): Promise<void> {
  const city = await makeCity(file(), { PREAU_DATA: folder });
  await chainEvents(city.platform);
  await city.close();
  writeFileSync(join(folder, 'secret'), secret, { mode: 0o600 });
}

/** What is found in these parts. */
async function found(parts: readonly Part[], settings: Record<string, string> = {}) {
  const { config, faults } = parseAsFarAsRight(
    // Nobody listens on these.
    {
      PREAU_DATA: folder,
      PREAU_REDIS_URL: 'redis://127.0.0.1:9',
      PREAU_GUACD_PORT: '9',
      ...settings,
    },
    {},
  );
  let opened: ReturnType<typeof openToRead> | undefined;
  const all = await examine({
    config,
    faults,
    providers: [],
    now: 1_800_000_000_000,
    version: '0.1.0',
    rows: () => {
      opened ??= openToRead(file());
      return opened;
    },
  });
  await opened?.destroy();
  return all.filter(({ part }) => parts.includes(part)).map(({ code }) => code);
}

/** Names, modes and contents of a folder. */
const stateOf = (path: string): string[] =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const at = join(entry.parentPath, entry.name);
      return `${at} ${createHash('sha256').update(readFileSync(at)).digest('hex')}`;
    })
    .sort();

const kept: Part[] = ['folder', 'database', 'secret', 'audit', 'packages', 'servers', 'rollouts'];
const unlooked = 'NOT_LOOKED_AT';

describe('a data folder', () => {
  test('that is well: nothing is found, and nothing is changed', async () => {
    await settle();
    const before = stateOf(folder);
    expect(await found(['database', 'secret', 'audit', 'packages', 'rollouts'])).toEqual([]);
    expect(stateOf(folder)).toEqual(before);
  });

  test('that is not there is not made', async () => {
    rmSync(folder, { recursive: true });
    expect(await found(kept)).toEqual([
      ...['FOLDER_MISSING', 'DATABASE_MISSING', 'SECRET_MISSING'],
      ...[unlooked, unlooked, unlooked, unlooked],
    ]);
    expect(readdirSync(tmpdir())).not.toContain(folder.split('/').at(-1));
  });

  test('of a file that is no database', async () => {
    writeFileSync(file(), 'not a database, however long it is. '.repeat(500));
    expect(await found(['database', 'servers'])).toEqual(['DATABASE_DAMAGED', unlooked]);
  });

  test('with pages of the database overwritten', async () => {
    await settle();
    const bytes = readFileSync(file());
    for (let page = 8; page < bytes.length / 4096; page += 1)
      bytes.fill(0xa5, page * 4096 + 8, page * 4096 + 900);
    writeFileSync(file(), bytes);
    expect(await found(['database'])).toContain('DATABASE_DAMAGED');
  });

  test('with a database of a newer version, of an older one, and of half a one', async () => {
    await settle();
    const changed = async (sql: string) => {
      const { default: SqliteDatabase } = await import('better-sqlite3');
      const whole = join(folder, 'whole');
      copyFileSync(file(), whole);
      const open = new SqliteDatabase(file());
      open.exec(sql);
      open.close();
      const codes = await found(['database']);
      copyFileSync(whole, file());
      return codes;
    };
    expect(
      await changed(`insert into kysely_migration values ('9999-later', '2027-01-01')`),
    ).toEqual(['DATABASE_NEWER']);
    expect(await changed(`delete from kysely_migration where name >= '0014'`)).toEqual([
      'DATABASE_OLDER',
    ]);
    expect(await changed('drop table restarts')).toEqual(['DATABASE_HALF']);
    expect(await changed('alter table servers drop column clock_skew_ms')).toEqual([
      'DATABASE_HALF',
    ]);
    expect(await found(['database'])).toEqual([]);
  });

  test('with a secret for everybody, another one, half of one, none', async () => {
    await settle();
    const path = join(folder, 'secret');
    chmodSync(path, 0o644);
    expect(await found(['secret'])).toEqual(['SECRET_OPEN']);
    writeFileSync(path, '08'.repeat(32));
    chmodSync(path, 0o600);
    expect(await found(['secret', 'audit'])).toEqual(['SECRET_OTHER', 'AUDIT_BROKEN']);
    writeFileSync(path, '07'.repeat(31));
    expect(await found(['secret'])).toEqual(['SECRET_MALFORMED']);
    rmSync(path);
    expect(await found(['secret', 'audit'])).toEqual(['SECRET_MISSING', unlooked]);
    expect(readdirSync(folder)).not.toContain('secret');
    expect(await found(['secret'], { PREAU_SECRET: secret })).toEqual([]);
  });

  test('with open modes', async () => {
    chmodSync(folder, 0o755);
    expect(await found(['folder'])).toContain('FOLDER_OPEN');
    chmodSync(folder, 0o700);
    expect(await found(['folder'])).not.toContain('FOLDER_OPEN');
  });

  test('where a package is missing, and where one is cut short', async () => {
    await settle();
    const [whole, cut] = ['a'.repeat(64), 'b'.repeat(64)];
    const { default: SqliteDatabase } = await import('better-sqlite3');
    const open = new SqliteDatabase(file());
    const insert = open.prepare(
      'insert into package_files (sha256, name, size, created_by, created_at) values (?, ?, 5, null, 0)',
    );
    for (const sha256 of [whole, cut]) insert.run(sha256, 'paquet.deb');
    open.close();
    mkdirSync(join(folder, 'packages'));
    writeFileSync(join(folder, 'packages', whole), '12345');
    expect(await found(['packages'])).toEqual(['PACKAGES_MISSING']);
    writeFileSync(join(folder, 'packages', cut), '123');
    expect(await found(['packages'])).toEqual(['PACKAGES_MISSING']);
    writeFileSync(join(folder, 'packages', cut), '12345');
    expect(await found(['packages'])).toEqual([]);
  });

  test('whose audit was changed in the file', async () => {
    await settle();
    const { default: SqliteDatabase } = await import('better-sqlite3');
    const open = new SqliteDatabase(file());
    open.exec(
      open
        .prepare(
          `select group_concat('drop trigger ' || name, ';') as s from sqlite_master where type = 'trigger'`,
        )
        .pluck()
        .get() as string,
    );
    open.exec(`update audit_events set action = 'site.removed' where seq = 2`);
    open.close();
    expect(await found(['audit'])).toEqual(['AUDIT_BROKEN']);
  });
});

describe('services', () => {
  /** Accepts, and says nothing or this. */
  const listen = async (say: string | null): Promise<number> => {
    const server: Server = createServer((socket) => {
      socket.on('error', () => undefined);
      if (say !== null) socket.end(say);
      closers.push(() => socket.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closers.push(() => server.close());
    const at = server.address();
    return typeof at === 'object' && at !== null ? at.port : 0;
  };

  test('that refuse', async () => {
    expect(
      await found(['redis', 'guacd', 'mail', 'machine', 'address'], {
        PREAU_PORT: '9',
        PREAU_SMTP_URL: 'smtp://127.0.0.1:9',
        PREAU_PUBLIC_URL: 'https://127.0.0.1:9',
      }),
    ).toEqual([
      ...['CONTROLLER_STOPPED', 'REDIS_UNREACHABLE', 'GUACD_UNREACHABLE'],
      ...['ADDRESS_UNREACHABLE', 'MAIL_UNREACHABLE'],
    ]);
  });

  test('that accept and never answer hold nobody up', { timeout: 60_000 }, async () => {
    const port = String(await listen(null));
    expect(
      await found(['redis', 'guacd', 'mail', 'machine', 'address'], {
        PREAU_PORT: port,
        PREAU_GUACD_PORT: port,
        PREAU_REDIS_URL: `redis://127.0.0.1:${port}`,
        PREAU_SMTP_URL: `smtp://127.0.0.1:${port}`,
        PREAU_PUBLIC_URL: `https://127.0.0.1:${port}`,
      }),
    ).toEqual([
      ...['PORT_TAKEN', 'REDIS_UNREACHABLE', 'GUACD_UNREACHABLE'],
      ...['ADDRESS_UNREACHABLE', 'MAIL_UNREACHABLE'],
    ]);
  });

  test('that are somebody else’s', async () => {
    const port = String(await listen('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));
    expect(
      await found(['machine', 'address'], {
        PREAU_PORT: port,
        PREAU_PUBLIC_URL: `http://127.0.0.1:${port}`,
      }),
    ).toEqual(['PORT_TAKEN', 'ADDRESS_ELSEWHERE']);
  });
});

test('every fault of the settings is found, and the rest is looked at with what is right', async () => {
  await settle();
  expect(
    await found(['configuration', 'database'], { PREAU_PORT: 'x', PREAU_HUMOUR: 'good' }),
  ).toEqual(['CONFIGURATION_FAULT', 'CONFIGURATION_FAULT']);
});

test('the secret of the test is the one that the city is made with', () => {
  expect(createSecrets(Buffer.from(secret, 'hex')).controllerKey).toBe(
    createSecrets(Buffer.alloc(32, 7)).controllerKey,
  );
});
