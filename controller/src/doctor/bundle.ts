/** The support bundle: what somebody who helps needs to know, and nothing of any person. It is made
 * of what is named here, never by deleting from everything: numbers, and words that stand in this
 * program. No text of a row, a setting or a log line is copied as it is. */
import { createReadStream, existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { arch, constants, cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { errorCodes } from '@preau/contract/errors.ts';
import { pack } from 'tar-stream';
import { settings } from '#src/config.ts';
import { appliedMigrations } from '#src/platform/database.ts';
import { within } from '#src/platform/deadlines.ts';
import type { Finding } from './doctor.ts';
import { findings } from './findings.ts';
import { logWords } from './log-words.ts';
import type { Patient } from './patient.ts';
import { gatherRedis } from './redis.ts';
import { readJson } from './servers.ts';
import {
  countRows,
  expectedSchema,
  readSchema,
  selectPostgres,
  selectServerFacts,
  selectSqliteVersion,
} from './store.ts';

interface BundleRequest {
  patient: Patient;
  found: readonly Finding[];
  /** A file that must not exist yet. */
  path: string;
  /** A file of log lines; `-` is standard input; null: none. */
  log: string | null;
}

export async function writeBundle(request: BundleRequest): Promise<void> {
  await writeFile(request.path, await makeBundle(request), { flag: 'wx', mode: 0o600 });
}

/** The names are those of the files inside. */
const sections = {
  'versions.json': versionsOf,
  'settings.json': async ({ patient }) => settingsOf(patient),
  'findings.json': async ({ found }) =>
    found.map(({ part, code, counts = {} }) => ({
      part,
      code,
      level: findings[code].level,
      counts,
    })),
  'database.json': databaseOf,
  'servers.json': serversOf,
  'log.json': async ({ log }) => (log === null ? [] : await logOf(log)),
  'units.json': unitsOf,
} as const satisfies Record<string, (request: BundleRequest) => Promise<unknown>>;

const sectionMs = 60_000;

async function makeBundle(request: BundleRequest): Promise<Buffer> {
  const tar = pack();
  for (const [name, make] of Object.entries(sections)) {
    // Part of an installation may be broken: the rest is told nevertheless, without the reason's words.
    const value = await within<unknown>(sectionMs, make(request)).catch(() => ({ failed: true }));
    tar.entry({ name: `preau-support/${name}` }, `${JSON.stringify(value, null, 2)}\n`);
  }
  tar.finalize();
  const parts: Buffer[] = [];
  for await (const part of tar) parts.push(part as Buffer);
  return gzipSync(Buffer.concat(parts));
}

/** Only what looks like a version: digits and dots. */
const version = (text: string | undefined): string | null =>
  /^\d{1,6}(\.\d{1,6}){0,4}/.exec(text ?? '')?.[0] ?? null;

async function versionsOf({ patient }: BundleRequest) {
  const system = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const redis = await gatherRedis(patient.config.PREAU_REDIS_URL).catch(() => null);
  const isPostgres = patient.config.PREAU_DATABASE_URL !== '';
  const attempt = <T>(work: () => Promise<T>) => within(5000, work()).catch(() => null);
  const sqlite = isPostgres ? null : await attempt(() => selectSqliteVersion(patient.rows()));
  const postgres = isPostgres ? await attempt(() => selectPostgres(patient.rows())) : null;
  return {
    preau: version(patient.version),
    node: version(process.versions.node),
    debian: /^ID=debian$/m.test(system)
      ? version(/^VERSION_ID="?([\d.]+)/m.exec(system)?.[1])
      : null,
    kernel: version(release()),
    processor: ['x64', 'arm64'].includes(arch()) ? arch() : 'other',
    cores: cpus().length,
    memoryMiB: Math.round(totalmem() / 1_048_576),
    redis: version(redis?.info['redis_version']),
    sqlite: version(sqlite ?? undefined),
    postgres: postgres?.version ?? null,
  };
}

/** What may be told of each setting: its value, for numbers and words of a fixed list; of addresses,
 * names and secrets only whether they are set. */
const told: Readonly<Record<keyof typeof settings, 'value' | 'whether'>> = {
  PREAU_HOST: 'whether',
  PREAU_PORT: 'value',
  PREAU_PUBLIC_URL: 'whether',
  PREAU_TRUSTED_PROXIES: 'whether',
  PREAU_DATA: 'whether',
  PREAU_CONSOLE: 'whether',
  PREAU_AGENT_FILES: 'whether',
  PREAU_DATABASE_URL: 'whether',
  PREAU_REDIS_URL: 'whether',
  PREAU_GUACD_HOST: 'whether',
  PREAU_GUACD_PORT: 'value',
  PREAU_SECRET: 'whether',
  PREAU_LOG_LEVEL: 'value',
  PREAU_IDENTITY: 'whether',
  PREAU_SIGN_IN_HOURS: 'value',
  PREAU_GRACE_SECONDS: 'value',
  PREAU_STANDBY_DISPLAYS: 'value',
  PREAU_SMTP_URL: 'whether',
  PREAU_MAIL_FROM: 'whether',
  PREAU_EXCHANGE_MIB: 'value',
  PREAU_BACKUP_KEY: 'whether',
  PREAU_BACKUP_TO: 'whether',
  PREAU_BACKUP_COMMAND: 'whether',
  PREAU_BACKUP_READ_COMMAND: 'whether',
  PREAU_BACKUP_HOUR: 'value',
  PREAU_BACKUP_KEEP_DAYS: 'value',
  PREAU_PACKAGE_MIB: 'value',
  PREAU_MAX_SESSIONS: 'value',
  PREAU_PERSON_SESSIONS: 'value',
};

function settingsOf({ config, faults, providers }: Patient) {
  const names = Object.keys(told) as (keyof typeof settings)[];
  const set = names.map((name) => {
    const value = config[name];
    if (told[name] === 'value') return [name, value];
    return [name, String(value) === (settings[name].default ?? '') ? 'default' : 'set'];
  });
  const count = (kind: string) => providers.filter((one) => one.kind === kind).length;
  return {
    settings: Object.fromEntries(set) as Record<string, unknown>,
    providers: { ldap: count('ldap'), oidc: count('oidc'), cas: count('cas') },
    faults: faults.length,
  };
}

async function databaseOf({ patient }: BundleRequest) {
  const rows = patient.rows();
  const { schema: ours, migrations } = await expectedSchema();
  const found = await readSchema(rows);
  const applied = await appliedMigrations(rows).catch((): string[] => []);
  const tables: Record<string, unknown> = {};
  // Only what this version makes: a table that somebody has added may be called like a person.
  for (const [table, columns] of ours) {
    const there = found.get(table);
    tables[table] =
      there === undefined
        ? null
        : {
            rows: await within(10_000, countRows(rows, table)).catch(() => null),
            missing: columns.filter((column) => !there.includes(column)),
            added: there.filter((column) => !columns.includes(column)).length,
          };
  }
  return {
    migrations: {
      applied: migrations.filter((name) => applied.includes(name)),
      missing: migrations.filter((name) => !applied.includes(name)),
      unknown: applied.filter((name) => !migrations.includes(name)).length,
    },
    addedTables: [...found.keys()].filter((table) => !ours.has(table)).length,
    tables,
  };
}

async function serversOf({ patient }: BundleRequest) {
  const facts = await selectServerFacts(patient.rows());
  const number = (value: unknown) => (typeof value === 'number' ? value : null);
  return facts.map((server, index) => {
    const health = readJson(server.health);
    const { agentVersion } = readJson(server.inventory);
    return {
      number: index + 1,
      silentMs: server.lastSeenAt === null ? null : patient.now - Number(server.lastSeenAt),
      generation: number(server.generation),
      appliedGeneration: number(server.appliedGeneration),
      clockSkewMs: number(server.clockSkewMs),
      agent: version(typeof agentVersion === 'string' ? agentVersion : undefined),
      diskFreeMiB: number(health['diskFreeMiB']),
      memoryTotalMiB: number(health['memoryTotalMiB']),
      cores: number(health['cores']),
      sessions: number(health['sessions']),
    };
  });
}

const mostLines = 2000;
const codes: ReadonlySet<unknown> = new Set(errorCodes);
const systemErrors: ReadonlySet<unknown> = new Set(Object.keys(constants.errno));
const parts: ReadonlySet<unknown> = new Set([
  ...['database', 'disk', 'gateway', 'redis', 'queue', 'clock', 'loop', 'backup'],
]);
const root = fileURLToPath(new URL('../../..', import.meta.url));

/** The last lines, each reduced to words of this program: also the history of what did not work. */
async function logOf(path: string): Promise<unknown[]> {
  const input = path === '-' ? process.stdin : createReadStream(path);
  const kept: unknown[] = [];
  for await (const line of createInterface({ input })) {
    const reduced = reduceLine(line);
    if (reduced === null) continue;
    kept.push(reduced);
    if (kept.length > mostLines) kept.shift();
  }
  return kept;
}

/** Null for what is not a line of the log. Containers put their name in front. */
export function reduceLine(line: string): Record<string, unknown> | null {
  const said = readJson(line.slice(Math.max(line.indexOf('{'), 0)));
  const { time, level, msg, part, failure, err } = said;
  if (typeof time !== 'number' || typeof level !== 'number') return null;
  const error = typeof err === 'object' && err !== null ? { ...err } : {};
  const { kind, stack } = error as Record<string, unknown>;
  const fields = {
    msg: typeof msg === 'string' && logWords.has(msg) ? msg : undefined,
    part: parts.has(part) ? part : undefined,
    failure: codes.has(failure) ? failure : undefined,
    kind: codes.has(kind) || systemErrors.has(kind) ? kind : undefined,
    at: typeof stack === 'string' ? placesIn(stack) : undefined,
  };
  return { time, level, ...fields };
}

/** Lines of our own code: a file counts when this installation has it. */
function placesIn(stack: string): string[] {
  return [...stack.matchAll(/\b((?:controller|contract)\/src\/[\w./-]+\.ts):(\d+)/g)]
    .filter(([, file = '']) => !file.includes('..') && existsSync(join(root, file)))
    .map(([, file, line]) => `${file}:${line}`)
    .slice(0, 12);
}

const units = [
  ...['preau-controller', 'preau', 'preau-agent', 'redis-server', 'guacd', 'nginx', 'docker'],
  ...['postgresql', 'postgresql@15-main', 'postgresql@17-main', 'chrony', 'systemd-timesyncd'],
];

/** Those of the system that run, as the kernel's control groups tell; null: there is no systemd. */
async function unitsOf(): Promise<Record<string, boolean> | null> {
  const slice = '/sys/fs/cgroup/system.slice';
  const found = await readdir(slice).catch(() => null);
  if (found === null) return null;
  const running = new Set([
    ...found,
    ...(await readdir(join(slice, 'system-postgresql.slice')).catch(() => [])),
  ]);
  return Object.fromEntries(units.map((name) => [name, running.has(`${name}.service`)]));
}
