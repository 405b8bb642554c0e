// biome-ignore-all lint/suspicious/noTemplateCurlyInString: sources that are read, not templates
/** Each table belongs to one noun. Only its owner writes it, and others read it only when their
 * noun comes later: SQL keeps the order that imports keep. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Tables } from '../controller/src/platform/tables.ts';
import { nouns } from './nouns.ts';
import { computed, type Use, usesIn } from './sql-uses.ts';

const owners: Readonly<Record<keyof Tables, string>> = {
  city: 'platform',
  health: 'platform',
  audit_events: 'audit',
  audit_chain: 'audit',
  sites: 'sites',
  site_groups: 'sites',
  site_group_members: 'sites',
  accounts: 'accounts',
  account_numbers: 'accounts',
  groups: 'accounts',
  group_members: 'accounts',
  sign_ins: 'accounts',
  api_tokens: 'accounts',
  applications: 'applications',
  application_versions: 'applications',
  icons: 'applications',
  package_files: 'applications',
  scripts: 'applications',
  directories: 'identity',
  totp_secrets: 'identity',
  recovery_codes: 'identity',
  passkeys: 'identity',
  sign_in_steps: 'identity',
  account_photos: 'identity',
  badges: 'classes',
  picture_passwords: 'classes',
  rule_versions: 'rules',
  policies: 'rules',
  servers: 'servers',
  enrolment_codes: 'servers',
  desired_states: 'servers',
  erased_homes: 'servers',
  server_applications: 'servers',
  server_additions: 'servers',
  restarts: 'servers',
  sessions: 'sessions',
  tickets: 'sessions',
  seat_queue: 'sessions',
  recordings: 'sessions',
  transfers: 'sessions',
  rollouts: 'rollouts',
  rollout_waves: 'rollouts',
  rollout_targets: 'rollouts',
  rollout_counts: 'rollouts',
  rollout_logs: 'rollouts',
  rollout_evidence: 'rollouts',
  rollout_questions: 'rollouts',
  rollout_schedules: 'rollouts',
  install_history: 'rollouts',
  requests: 'requests',
  request_messages: 'requests',
  mail_outbox: 'requests',
  usage_months: 'privacy',
};

/** What breaks the order today. An entry that is no longer needed must be removed. */
// biome-ignore format: a table
const exceptions: readonly (Use & { noun: string; why: string })[] = [
  // ---- a noun writes what it does not own
  { noun: 'identity', does: 'writes', table: 'accounts', why: 'a directory adds, changes and disables people' },
  { noun: 'identity', does: 'writes', table: 'groups', why: 'a directory adds groups' },
  { noun: 'identity', does: 'writes', table: 'group_members', why: 'a directory says who is in a group' },
  { noun: 'classes', does: 'writes', table: 'accounts', why: 'the September import changes and disables pupils' },
  { noun: 'classes', does: 'writes', table: 'groups', why: 'a class is a group' },
  { noun: 'classes', does: 'writes', table: 'group_members', why: 'pupils move from class to class' },
  { noun: 'rollouts', does: 'writes', table: 'city', why: 'keeps the settings of rollouts in a row of its own' },
  { noun: 'backups', does: 'writes', table: 'city', why: 'keeps how backups went in a row of its own' },
  { noun: 'privacy', does: 'writes', table: 'city', why: 'keeps the settings of privacy in rows of its own' },
  { noun: 'privacy', does: 'writes', table: 'accounts', why: 'erasing takes the names out of the account' },
  { noun: 'privacy', does: 'writes', table: 'directories', why: 'erasing takes the names out of the last reading' },
  { noun: 'privacy', does: 'writes', table: 'sessions', why: 'erasing takes the address out of sessions' },
  { noun: 'privacy', does: 'writes', table: 'requests', why: 'erasing takes the words out of requests' },
  { noun: 'privacy', does: 'writes', table: 'request_messages', why: 'erasing takes the words out of requests' },
  { noun: 'privacy', does: 'writes', table: 'restarts', why: 'erasing takes the name out of restarts' },
  { noun: 'privacy', does: 'writes', table: computed, why: 'erasing meets every table that names an account' },
  { noun: 'platform', does: 'writes', table: computed, why: 'a move to PostgreSQL copies every table' },
  // ---- a noun reads what comes after it
  { noun: 'sites', does: 'reads', table: 'accounts', why: 'the list of schools counts people' },
  { noun: 'applications', does: 'reads', table: 'server_applications', why: 'the catalogue counts where a version is, and keeps its files' },
  { noun: 'applications', does: 'reads', table: 'install_history', why: 'the catalogue estimates how long installing takes' },
  { noun: 'servers', does: 'reads', table: 'sessions', why: 'a desired state has sessions, and a server has so many places left' },
  { noun: 'servers', does: 'reads', table: 'transfers', why: 'a desired state has the files on their way' },
  { noun: 'servers', does: 'reads', table: 'rollout_targets', why: 'a desired state has the orders of rollouts' },
  { noun: 'servers', does: 'reads', table: 'rollout_questions', why: 'a desired state has the questions of plans' },
  { noun: 'platform', does: 'reads', table: computed, why: 'a move to PostgreSQL looks at every table' },
  { noun: 'doctor', does: 'reads', table: computed, why: 'counts the rows of every table, and asks whether it is whole' },
  { noun: 'privacy', does: 'reads', table: computed, why: 'what is held of a person is in every table that names an account' },
];

const source = fileURLToPath(new URL('../controller/src/', import.meta.url));
const tables = Object.keys(owners);
const order = ['platform', ...nouns];
const stores = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((path) =>
  /(^|\/)store\.ts$/.test(path),
);

const isInOrder = (noun: string, { does, table }: Use): boolean => {
  const owner = new Map<string, string>(Object.entries(owners)).get(table);
  if (owner === undefined) return false;
  if (does === 'writes') return owner === noun;
  return order.indexOf(owner) <= order.indexOf(noun);
};
const nameOf = ({ noun, does, table }: Use & { noun: string }) => `${noun} ${does} ${table}`;

const against = new Set(
  stores.flatMap((path) => {
    const noun = path.split('/')[0] ?? '';
    return usesIn(readFileSync(join(source, path), 'utf8'), tables)
      .filter((use) => !isInOrder(noun, use))
      .map((use) => nameOf({ noun, ...use }));
  }),
);

describe('tables', () => {
  test('every store belongs to a noun, and every owner is one', () => {
    expect(stores.length).toBeGreaterThan(15);
    const folders = stores.map((path) => path.split('/')[0] ?? '');
    expect(folders.filter((folder) => !order.includes(folder))).toEqual([]);
    expect(Object.values(owners).filter((owner) => !order.includes(owner))).toEqual([]);
  });
  test('only the owner writes a table, and others read it only downward', () => {
    const listed = new Set(exceptions.map(nameOf));
    expect([...against].filter((name) => !listed.has(name)).sort()).toEqual([]);
  });
  test('every exception is still needed, and listed once', () => {
    const names = exceptions.map(nameOf);
    expect(names.filter((name) => !against.has(name))).toEqual([]);
    expect(names.length).toBe(new Set(names).size);
  });
});

describe('what a source reads and writes', () => {
  // biome-ignore format: a table
  const cases: [name: string, source: string, uses: string[]][] = [
    ['a query', "rows.selectFrom('sites as s').select('id')", ['reads sites']],
    ['a join', "q.innerJoin('sites as s', 's.id', 'x').leftJoin('servers', 'a', 'b')", ['reads sites', 'reads servers']],
    ['a query inside another', "q.select((e) => e.selectFrom('sites as s').as('n'))", ['reads sites']],
    ['several tables', "rows.selectFrom(['sites', 'servers as v'])", ['reads sites', 'reads servers']],
    ['a query as a table', "rows.selectFrom((e) => e.selectFrom('sites').as('s'))", ['reads sites']],
    ['the three ways to write', "r.insertInto('sites'); r.updateTable('servers'); r.deleteFrom('city')", ['writes city', 'writes servers', 'writes sites']],
    ['SQL that reads', 'sql`select 1 from sites s join "servers" v on true`', ['reads sites', 'reads servers']],
    ['SQL that writes', 'sql`insert into sites (id) select id from servers`; sql`update city set a = 1`; sql`delete from icons`', ['reads servers', 'writes city', 'writes icons', 'writes sites']],
    ['parts of a query are no tables', 'sql<Row>`with recent as (select 1 from sites) select 1 from recent`', ['reads sites']],
    ['a table put into SQL', "sql`select 1 from ${sql.table('sites')}`", ['reads sites']],
    ['a loop over names', "for (const table of ['sites', 'servers'] as const) rows.deleteFrom(table)", ['writes servers', 'writes sites']],
    ['a parameter that is a union', "const f = (table: 'sites' | 'city') => rows.selectFrom(table)", ['reads city', 'reads sites']],
    ['a computed name', 'rows.deleteFrom(nameOf[kind])', ['writes (computed)']],
    ['a computed name in SQL', 'sql`update ${sql.table(name)} set a = 1`', ['writes (computed)']],
    ['other arrays', "Array.from('sites')", []],
    ['words in comments and strings', "// selectFrom('sites')\nconst text = \"deleteFrom('sites')\"", []],
  ];
  test.each(cases)('%s', (_name, text, uses) => {
    const found = usesIn(text, tables).map(({ does, table }) => `${does} ${table}`);
    expect([...new Set(found)].sort()).toEqual([...uses].sort());
  });
});
