/** A support bundle of a city in which every text is a name: none of them is in it. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import SqliteDatabase from 'better-sqlite3';
import { extract } from 'tar-stream';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseConfig } from '#src/config.ts';
import { createLog } from '#src/platform/log.ts';
import { makeCity } from '#src/testing.fixture.ts';
import { reduceLine, writeBundle } from './bundle.ts';
import { examine } from './doctor.ts';
import { logWords } from './log-words.ts';
import type { Patient } from './patient.ts';
import { openToRead } from './store.ts';

let folder: string;
/** Everything that must not be in the bundle. */
const planted: string[] = [];
let bundle: ReadonlyMap<string, string>;
let filled: ReadonlyMap<string, readonly string[]>;

/** A text that occurs nowhere else. */
const plant = (about: string): string => {
  const word = `zq${planted.length}Ünal-${about}`;
  planted.push(word);
  return word;
};

/** One row for each table, in which every text column holds a text of its own; JSON and plain, so
 * that whoever parses finds it too. Returns the columns by table. */
function fill(path: string): Map<string, string[]> {
  const file = new SqliteDatabase(path);
  file.pragma('foreign_keys = OFF');
  file.pragma('ignore_check_constraints = ON');
  const columns = new Map<string, string[]>();
  const tables = file
    .prepare(`select name from sqlite_master where type = 'table' and name not like 'sqlite_%'`)
    .pluck()
    .all() as string[];
  const triggers = file
    .prepare(`select name from sqlite_master where type = 'trigger'`)
    .pluck()
    .all();
  for (const name of triggers) file.exec(`drop trigger "${String(name)}"`);
  for (const table of tables) {
    const found = file.pragma(`table_info("${table}")`) as { name: string; type: string }[];
    columns.set(table, found.map(({ name }) => name).sort());
    if (table.startsWith('kysely')) continue;
    for (const form of [0, 1]) {
      const values = found.map(({ name, type }, index) => {
        if (/int|real|num/i.test(type)) return 1000 + form * 100 + index;
        const word = plant(`${table}.${name}`);
        const text =
          form === 0
            ? word
            : JSON.stringify({ [word]: word, agentVersion: word, host: word, diskFreeMiB: word });
        return /blob/i.test(type) ? Buffer.from(text) : text;
      });
      const marks = found.map(() => '?').join(', ');
      file.prepare(`insert or replace into "${table}" values (${marks})`).run(...values);
    }
  }
  // Somebody has added a table of their own, and a column.
  file.exec(
    `create table "${plant('table')}" (a text); alter table sites add column "${plant('column')}" text`,
  );
  file.close();
  return columns;
}

/** Lines as the controller writes them, with names wherever a line has room for them. */
function fillLog(path: string): void {
  const lines: string[] = [];
  const log = createLog('debug', { write: (line: string) => lines.push(line) });
  const error = Object.assign(new Error(plant('message'), { cause: new Error(plant('cause')) }), {
    code: plant('code'),
    syscall: plant('syscall'),
  });
  error.name = plant('name');
  log.error(
    { err: error, who: plant('field'), part: plant('part'), failure: plant('failure') },
    plant('words'),
  );
  log.error({ part: 'redis', failure: 'REDIS_UNAVAILABLE', why: plant('why') }, 'does not work');
  log.info({ part: 'redis' }, 'works again');
  lines.push(plant('no JSON at all'), JSON.stringify({ msg: plant('no time') }));
  lines.push(`controller-1  | ${lines[1] ?? ''}`);
  writeFileSync(path, lines.map((line) => line.trimEnd()).join('\n'));
}

async function unpack(path: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const reader = extract();
  reader.on('entry', (header, stream, next) => {
    const parts: Buffer[] = [];
    stream.on('data', (part) => parts.push(part as Buffer));
    stream.on('end', () => {
      files.set(header.name, Buffer.concat(parts).toString());
      next();
    });
  });
  await new Promise<void>((resolve, reject) => {
    reader.on('finish', resolve);
    reader.on('error', reject);
    Readable.from([gunzipSync(readFileSync(path))]).pipe(reader);
  });
  return files;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'preau-bundle-'));
  const data = join(folder, 'preau.sqlite');
  const city = await makeCity(data, { PREAU_DATA: folder });
  planted.push(...['Victor-Hugo', 'serveur-1', 'referente', 'tuxpaint', '0380001A']);
  await city.close();
  filled = fill(data);
  const secret = 'c0ffee'.repeat(10) + 'c0ff';
  writeFileSync(join(folder, 'secret'), secret, { mode: 0o600 });
  planted.push(secret, Buffer.from(secret, 'hex').toString('base64url'), folder);
  fillLog(join(folder, 'log'));
  const word = (about: string) => plant(about).replace('Ü', 'u').replaceAll('.', '-');
  const host = (about: string) => {
    const name = `${word(about)}.example`.toLowerCase();
    planted.push(name);
    return name;
  };
  const config = parseConfig({
    PREAU_DATA: folder,
    PREAU_PUBLIC_URL: `https://${host('public')}`,
    PREAU_REDIS_URL: `redis://:${word('password')}@127.0.0.1:9`,
    PREAU_GUACD_HOST: '127.0.0.1',
    PREAU_GUACD_PORT: '9',
    PREAU_SMTP_URL: `smtp://user:${word('mail')}@127.0.0.1:9`,
    PREAU_MAIL_FROM: `preau@${host('sender')}`,
    PREAU_IDENTITY: join(folder, word('identity')),
    PREAU_CONSOLE: join(folder, word('console')),
  });
  let opened: ReturnType<typeof openToRead> | undefined;
  const patient: Patient = {
    config,
    faults: [{ name: word('setting'), value: word('value'), expected: word('expected') }],
    providers: [],
    now: 1_800_003_600_000,
    version: '0.1.0',
    rows: () => {
      opened ??= openToRead(data);
      return opened;
    },
  };
  const found = await examine(patient);
  const path = join(folder, 'bundle.tar.gz');
  await writeBundle({ patient, found, path, log: join(folder, 'log') });
  await opened?.destroy();
  expect(statSync(path).mode & 0o777).toBe(0o600);
  await expect(writeBundle({ patient, found, path, log: null })).rejects.toThrow('EEXIST');
  bundle = await unpack(path);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('holds exactly the files that are named', () => {
  expect([...bundle.keys()].sort()).toEqual(
    ['database', 'findings', 'log', 'servers', 'settings', 'units', 'versions'].map(
      (name) => `preau-support/${name}.json`,
    ),
  );
  for (const text of bundle.values()) expect(text).not.toContain('"failed": true');
});

test('every column of every table was filled, as the types name them', () => {
  const typed = new Map<string, string[]>();
  for (const name of ['tables', 'rollout-tables']) {
    const path = fileURLToPath(new URL(`../platform/${name}.ts`, import.meta.url));
    const source = ts.createSourceFile(
      path,
      readFileSync(path, 'utf8'),
      ts.ScriptTarget.Latest,
      true,
    );
    for (const statement of source.statements)
      if (ts.isInterfaceDeclaration(statement))
        for (const table of statement.members)
          if (
            ts.isPropertySignature(table) &&
            table.type !== undefined &&
            ts.isTypeLiteralNode(table.type)
          )
            typed.set(
              table.name.getText(),
              table.type.members.flatMap((column) => column.name?.getText() ?? []).sort(),
            );
  }
  expect(typed.size).toBeGreaterThan(40);
  for (const [table, columns] of typed)
    expect([table, filled.get(table)]).toEqual([table, columns]);
  expect(planted.length).toBeGreaterThan(400);
});

test('no name, login, mail, address, secret or token is in any byte of it', () => {
  const all = [...bundle].map(([name, text]) => name + text).join('\n');
  expect(planted.filter((word) => all.includes(word))).toEqual([]);
  expect(all).not.toMatch(/zq\d+/i);
});

describe('says what helps', () => {
  const read = (name: string) =>
    JSON.parse(bundle.get(`preau-support/${name}.json`) ?? '') as never;
  test('findings without their words', () => {
    const findings = read('findings') as { part: string; code: string }[];
    expect(findings.map(({ code }) => code)).toEqual(
      expect.arrayContaining(['REDIS_UNREACHABLE', 'GUACD_UNREACHABLE', 'SERVERS_SILENT']),
    );
    expect(Object.keys(findings[0] ?? {}).sort()).toEqual(['code', 'counts', 'level', 'part']);
  });
  test('settings: numbers, and whether the others are set', () => {
    expect((read('settings') as { settings: Record<string, unknown> }).settings).toMatchObject({
      PREAU_PORT: 8080,
      PREAU_PUBLIC_URL: 'set',
      PREAU_SECRET: 'default',
    });
  });
  test('tables with their rows, and how many were added', () => {
    const told = read('database') as {
      tables: Record<string, { rows: number; added: number }>;
      addedTables: number;
    };
    expect(told.tables['sites']).toEqual({ rows: 3, missing: [], added: 1 });
    expect(told.addedTables).toBe(1);
  });
  test('what did not work and since when', () => {
    const log = read('log') as Record<string, unknown>[];
    expect(log).toHaveLength(4);
    expect(log[0]).toMatchObject({ level: 50 });
    const [first] = (log[0]?.['at'] ?? []) as string[];
    expect(first).toMatch(/^controller\/src\/doctor\/bundle\.test\.ts:\d+$/);
    expect(log[1]).toMatchObject({
      part: 'redis',
      failure: 'REDIS_UNAVAILABLE',
      msg: 'does not work',
    });
    expect(log[3]).toEqual(log[1]);
  });
  test('a line that is none is left out', () => {
    expect(reduceLine('Node.js v24')).toBe(null);
    expect(reduceLine('{"time":"x","level":30}')).toBe(null);
  });
});

test('the words that log lines may keep are those of the source', () => {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const words = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      const { name, expression } = node.expression;
      const [, message] = node.arguments;
      if (
        /^(debug|info|warn|error|fatal|trace)$/.test(name.text) &&
        /(^|\.)log$/.test(expression.getText()) &&
        message !== undefined &&
        ts.isStringLiteralLike(message)
      )
        words.add(message.text);
    }
    ts.forEachChild(node, visit);
  };
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' }))
    if (/(?<!\.(test|cases|fixture))\.ts$/.test(name))
      visit(
        ts.createSourceFile(
          name,
          readFileSync(join(root, name), 'utf8'),
          ts.ScriptTarget.Latest,
          true,
        ),
      );
  expect([...words].sort()).toEqual([...logWords].sort());
});
