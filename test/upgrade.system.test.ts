/** A town with a year of version 0.1.0 is upgraded to this version, used, taken back, and upgraded
 * again, on SQLite and on PostgreSQL, and compared row by row each time. The way of commands around
 * it is docs/runbooks/upgrade.md. */
import { createHash, sign } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { api, type RouteName } from '@preau/contract/api.ts';
import type { DesiredState } from '@preau/contract/desired-state.ts';
import { agentCallText } from '@preau/contract/enrolment.ts';
import type { Route } from '@preau/contract/route.ts';
import { plainRule } from '@preau/contract/rule.ts';
import { type Kysely, sql } from 'kysely';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Environment, parseConfig } from '../controller/src/config.ts';
import { type Controller, startController } from '../controller/src/controller.ts';
import {
  appliedMigrations,
  type Database,
  migrate,
  migrateTo,
  migrationNames,
  openDatabase,
  releasedMigration,
} from '../controller/src/platform/database.ts';
import { tryMigrations } from '../controller/src/platform/upgrading/upgrade.ts';
import { Client } from '../dev/client.ts';
import { type Service, startRedis, until } from '../dev/services.ts';
import { signInOf } from '../dev/year/life.ts';
import { idOf, serverKey, yearEnd, yearPassword } from '../dev/year/town.ts';
import { fillYear, rowsOf, tablesOf, type Year, yearSecret } from '../dev/year/year.ts';
import { type Postgres, startPostgres } from './postgres.fixture.ts';

/** What the migrations after 0.1.0 change; whatever is not named here stays as it was. */
const newColumns: Readonly<Record<string, readonly string[]>> = {
  servers: ['answers', 'boot', 'homes_erased', 'clock_skew_ms', 'display'],
  accounts: ['number'],
  sign_in_steps: ['tries'],
};
const newTables = ['account_numbers', 'erased_homes', 'health', 'restarts', 'rollout_questions'];
/** Rows that a migration writes into a table of the version before. */
const newRows: Readonly<Record<string, readonly string[]>> = { city: ['"compaction"'] };
/** What using the city for a moment writes into rows that were there before. */
const written: Readonly<Record<string, string>> = {
  servers: 'reports, and the next generation',
  desired_states: 'the next generation of a server',
  sites: 'the hash of its rules',
  policies: 'rules that are no longer in force',
  sessions: 'those that ran are looked after',
  tickets: 'used and old ones',
  transfers: 'old ones',
  audit_events: 'events that were to be linked',
  audit_chain: 'its new head',
  city: 'stamps',
  rollouts: 'the one that runs, and its fence',
  rollout_waves: 'those of the one that runs',
  rollout_targets: 'those of the one that runs',
  rollout_counts: 'those of the one that runs',
  sign_in_steps: 'steps that are over',
  sign_ins: 'sign-ins that are over',
  seat_queue: 'places that nobody asks for any more',
  mail_outbox: 'mails that are sent or tried',
  directories: 'readings that are due',
  requests: 'what became ready',
  api_tokens: 'when they were last used',
};

let folder = '';
let redis: { service: Service; url: string; ready: () => boolean };
let postgres: Postgres;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'preau-upgrade-'));
  redis = startRedis(join(folder, 'redis'));
  postgres = await startPostgres();
  await until('Redis', redis.ready);
});
afterAll(async () => {
  await redis.service.stop();
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
});

type Rows = Map<string, string[]>;
async function everyRow(
  database: Database,
  tables: readonly string[],
  omit: Readonly<Record<string, readonly string[]>> = {},
): Promise<Rows> {
  const found: Rows = new Map();
  for (const table of tables) found.set(table, await rowsOf(database, table, omit[table]));
  return found;
}
const without = (rows: Rows, added: typeof newRows): Rows =>
  new Map(
    [...rows].map(([table, all]) => [
      table,
      all.filter((row) => !(added[table] ?? []).some((mark) => row.includes(mark))),
    ]),
  );
/** Tables whose rows differ, with the first row that does. */
const differences = (before: Rows, after: Rows): Record<string, string> =>
  Object.fromEntries(
    [...before].flatMap(([table, rows]) => {
      const other = after.get(table) ?? [];
      if (rows.length === other.length && rows.every((row, at) => row === other[at])) return [];
      const known = new Set(other);
      return [[table, rows.find((row) => !known.has(row)) ?? `${other.length} rows`]];
    }),
  );

/** Counts on from the end of the year: leases and sessions are as they were then. */
const clock = (() => {
  const began = Date.now();
  return { now: () => yearEnd + Date.now() - began };
})();

const schemas = ((): Record<string, TSchema> => {
  interface Kept {
    parts: unknown[];
  }
  const kept = JSON.parse(
    readFileSync(new URL('agent-0.1.0.schemas.json', import.meta.url), 'utf8'),
  ) as Kept & Record<string, unknown>;
  const whole = (part: unknown): unknown => {
    if (Array.isArray(part)) return part.map(whole);
    if (part === null || typeof part !== 'object') return part;
    const { '@': number } = part as { '@'?: number };
    if (typeof number === 'number') return whole(kept.parts[number]);
    return Object.fromEntries(Object.entries(part).map(([name, value]) => [name, whole(value)]));
  };
  return whole({ ...kept, parts: [] }) as Record<string, TSchema>;
})();
const oldState = Compile(schemas['desiredState'] ?? { not: {} });
const oldSigned = Compile(schemas['signedState'] ?? { not: {} });
const oldReport = Compile(schemas['report'] ?? { not: {} });

/** An agent of version 0.1.0: it knows nothing that came later. */
function oldAgent(url: string, server: number) {
  const call = async (method: string, path: string, body?: object): Promise<unknown> => {
    const text = body === undefined ? null : JSON.stringify(body);
    const bodyHash = text === null ? '' : createHash('sha256').update(text).digest('hex');
    const at = clock.now();
    const signed = agentCallText({ at, method, path, bodyHash });
    const signature = sign(null, Buffer.from(signed), serverKey(server)).toString('base64url');
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Preau ${idOf('srv', server)} ${at} ${signature}`,
        ...(text === null ? {} : { 'content-type': 'application/json' }),
      },
      ...(text === null ? {} : { body: text }),
    });
    const answer: unknown = await response.json();
    if (!response.ok) throw new Error(`${path}: ${JSON.stringify(answer)}`);
    return answer;
  };
  let seq = 0;
  return {
    /** Throws what the old agent's own schema says of it. */
    readState: async (): Promise<DesiredState> => {
      const answer = await call('GET', '/api/agent/desired-state');
      expect(oldSigned.Errors(answer)).toEqual([]);
      const state: unknown = JSON.parse((answer as { document: string }).document);
      expect(oldState.Errors(state)).toEqual([]);
      return state as DesiredState;
    },
    report: async (more: object): Promise<unknown> => {
      seq += 1;
      const report = {
        ...{ protocol: 3, epoch: 'e'.repeat(22), seq, generation: 401 },
        health: {
          ...{ cpu: 0.1, cores: 4, memoryUsedMiB: 1, memoryTotalMiB: 8000, diskFreeMiB: 1 },
          ...{ sessions: 0, displaysReady: 2, uptimeSeconds: 1 },
        },
        inventory: {
          ...{ hostname: 'srv', system: 'Debian 12', kernel: '6.1', agentVersion: '0.1.0' },
          ...{ platform: 'linux', packages: 1, chosen: [], cache: null },
        },
        ...{ applications: [], sessions: [], failedSteps: [], orders: [], transfers: [] },
        ...more,
      };
      expect(oldReport.Errors(report)).toEqual([]);
      return call('POST', '/api/agent/report', report);
    },
  };
}

/** Reads without parameters that a technician may make, and that ask nothing of somebody else. */
const reads = Object.entries<Route>(api)
  .filter(
    ([, route]) =>
      route.method === 'GET' &&
      route.params === undefined &&
      ['technician', 'administrator', 'signedIn'].includes(route.caller),
  )
  .map(([name]) => name as RouteName);

describe.each(['SQLite', 'PostgreSQL'] as const)('%s', (dialect) => {
  const isPostgres = dialect === 'PostgreSQL';
  let config: Environment;
  let database: Database;
  let year: Year;
  let tables: string[];
  let before: Rows;
  let controller: Controller | undefined;

  beforeAll(async () => {
    const data = join(folder, dialect);
    const target = isPostgres ? await postgres.newDatabase() : join(folder, `${dialect}.sqlite`);
    config = parseConfig({
      PREAU_PORT: '0',
      PREAU_DATA: data,
      PREAU_REDIS_URL: redis.url,
      PREAU_SECRET: yearSecret,
      PREAU_LOG_LEVEL: 'error',
      ...(isPostgres ? { PREAU_DATABASE_URL: target } : {}),
    });
    mkdirSync(data);
    database = openDatabase(isPostgres ? target : join(data, 'preau.sqlite'));
    year = await fillYear(database, isPostgres);
    tables = await tablesOf(database);
    before = await everyRow(database, tables);
  });
  afterAll(async () => {
    await controller?.close();
    await database?.destroy();
  });

  test('the year has rows in every table of version 0.1.0', async () => {
    expect([...before].filter(([, rows]) => rows.length === 0).map(([table]) => table)).toEqual([]);
    expect(before.get('sites')).toHaveLength(27);
    expect(before.get('accounts')?.length).toBeGreaterThan(1000);
    expect(before.get('sessions')?.length).toBeGreaterThan(4000);
    expect(await appliedMigrations(database)).toEqual(
      migrationNames.filter((name) => name <= releasedMigration),
    );
  });

  test('a migration that fails in the middle changes nothing', async () => {
    const failing = {
      '9999-fails': {
        up: async (rows: Kysely<unknown>) => {
          await rows.schema.createTable('half_done').addColumn('id', 'text').execute();
          await rows.schema.dropTable('tickets').execute();
          throw new Error('no space left');
        },
      },
    };
    await expect(migrate(database, isPostgres, failing)).rejects.toThrow(/^MIGRATION_FAILED/);
    expect(await tablesOf(database)).toEqual(tables);
    expect(differences(before, await everyRow(database, tables))).toEqual({});
    expect((await appliedMigrations(database)).at(-1)).toBe(releasedMigration);
  });

  test('migrations that are tried change nothing', async () => {
    const place = { folder: config.PREAU_DATA, address: config.PREAU_DATABASE_URL };
    expect(await tryMigrations(place)).toEqual(
      migrationNames.filter((name) => name > releasedMigration),
    );
    expect(await tablesOf(database)).toEqual(tables);
    expect(differences(before, await everyRow(database, tables))).toEqual({});
  });

  test('upgraded, every row is as it was but for what is named', async () => {
    const after = migrationNames.filter((name) => name > releasedMigration);
    expect(await migrate(database, isPostgres)).toEqual(after);
    expect(await tablesOf(database)).toEqual([...tables, ...newTables].sort());
    const rows = await everyRow(database, tables, newColumns);
    expect(differences(before, without(rows, newRows))).toEqual({});
    // Everybody has a number, and nobody shares one.
    const numbers = await database.selectFrom('accounts').select('number').execute();
    expect(new Set(numbers.map(({ number }) => number)).size).toBe(before.get('accounts')?.length);
  });

  test('taken back unused, every row is as it was; upgraded again, everybody has their number', async () => {
    const numbersOf = () =>
      database.selectFrom('accounts').select(['id', 'number']).orderBy('id').execute();
    const numbers = await numbersOf();
    await database
      .insertInto('erased_homes')
      .values({ number: 1, home: 'acc_x', asked_at: 1 })
      .execute();
    await database.updateTable('servers').set({ display: '10.1.0.9', homes_erased: 1 }).execute();
    await migrateTo(database, isPostgres, releasedMigration);
    expect(differences(before, await everyRow(database, tables))).toEqual({});
    // Somebody comes while the older version runs, whose account is older than everybody's.
    await sql`insert into accounts (id, login, display_name, role, created_at)
      values ('acc_late', 'late', 'Late', 'teacher', 1)`.execute(database);
    await migrate(database, isPostgres);
    const highest = Math.max(...numbers.map(({ number }) => number ?? 0));
    expect(await numbersOf()).toEqual(
      expect.arrayContaining([...numbers, { id: 'acc_late', number: highest + 1 }]),
    );
    expect(await database.selectFrom('account_numbers').select('next').execute()).toEqual([
      { next: highest + 2 },
    ]);
    expect(await database.selectFrom('erased_homes').selectAll().execute()).toHaveLength(1);
    expect(
      await database.selectFrom('servers').select(['display', 'homes_erased']).distinct().execute(),
    ).toEqual([{ display: '10.1.0.9', homes_erased: 1 }]);
    expect((await tablesOf(database)).filter((name) => name.startsWith('aside_'))).toEqual([]);
    await database.deleteFrom('accounts').where('id', '=', 'acc_late').execute();
    await database.deleteFrom('erased_homes').execute();
    await database.updateTable('servers').set({ display: null, homes_erased: 0 }).execute();
  });

  test('everything is read through today’s API', async () => {
    controller = await startController(config, clock);
    const administrator = new Client(controller.url);
    administrator.cookie = `preau_sign_in=${signInOf('admin')}`;
    const refused: string[] = [];
    for (const name of reads) {
      const { path } = api[name];
      const response = await fetch(`${controller.url}${path}`, {
        headers: { cookie: administrator.cookie },
      });
      // 400: a parameter is missing.
      if (response.status >= 500 || response.status === 401) {
        const text = await response.text();
        refused.push(`${name}: ${response.status} ${text.slice(0, 300)}`);
      } else await response.arrayBuffer();
    }
    expect(reads.length).toBeGreaterThan(30);
    expect(refused).toEqual([]);

    // Somebody who is not signed in, with a password hash of a year ago.
    const technician = new Client(controller.url);
    await technician.call('signIn', { body: { login: 'tech', password: yearPassword } });
    await expect(
      new Client(controller.url).call('signIn', { body: { login: 'tech', password: 'other' } }),
    ).rejects.toThrow(/SIGN_IN_REFUSED/);
    const sites = await technician.call('listSites', {});
    expect(sites.items).toHaveLength(27);
    const { items: rules } = await technician.call('listRules', { query: {} });
    expect(rules).toHaveLength(11);
    expect(rules.filter(({ version }) => version === 2)).toHaveLength(4);
    const verdict = await technician.call('verifyAudit', { query: {} });
    expect(verdict).toMatchObject({ intact: true, broken: null });
    expect(verdict.events).toBeGreaterThanOrEqual(before.get('audit_events')?.length ?? 0);
    const usage = await technician.call('readUsage', {
      query: { from: '2026-01', until: '2026-10' },
    });
    expect(usage.items.length).toBeGreaterThan(100);
    const rollout = await technician.call('readRollout', { params: { id: idOf('rol', 3) } });
    expect(rollout).toMatchObject({
      state: expect.stringMatching(/^completed/),
      plan: { refusals: [] },
    });
    const targets = await technician.call('listTargets', {
      params: { id: idOf('rol', 3) },
      query: {},
    });
    expect(targets.items).toHaveLength(28);
  });

  test('an agent of version 0.1.0 works with it, and the city is used', async () => {
    const { url = '' } = controller ?? {};
    const agent = oldAgent(url, 0);
    const first = await agent.readState();
    expect(first.applications).toHaveLength(12);
    await agent.report({ generation: first.generation });

    const technician = new Client(url);
    await technician.call('signIn', { body: { login: 'tech', password: yearPassword } });
    await technician.call('createRule', {
      body: {
        effect: 'allow',
        target: { kind: 'category', category: 'music' },
        audience: { kind: 'everyone' },
        ...plainRule,
      },
    });
    const pupil = new Client(url);
    await pupil.call('signIn', { body: { login: 'leo.petit', password: yearPassword } });
    const { session } = await pupil.call('launchSession', {
      body: { application: 'gimp', language: 'fr' },
    });
    const second = await agent.readState();
    expect(second.generation).toBeGreaterThan(first.generation);
    expect(second.sessions.map(({ sessionId }) => sessionId)).toContain(session.id);
    await agent.report({
      generation: second.generation,
      sessions: [
        {
          ...{ sessionId: session.id, state: 'ready', openedAt: null, offered: [] },
          attachment: {
            ...{ serial: 1, host: '127.0.0.1', port: 3389, username: 'preau-1' },
            password: 'one-use-password-00000001',
          },
        },
      ],
    });
    expect(await pupil.call('readSession', { params: { id: session.id } })).toMatchObject({
      state: 'ready',
    });

    const id = (
      await technician.call('createRollout', {
        body: {
          ...JSON.parse(
            String(year.tables.find(({ table }) => table === 'rollouts')?.rows[0]?.['draft']),
          ),
          name: 'Après la mise à jour',
        },
      })
    ).id;
    expect(await technician.call('readRollout', { params: { id } })).toMatchObject({ id });
    const servers = await technician.call('listServers', { query: {} });
    expect(servers.items.find(({ id: known }) => known === idOf('srv', 0))).toMatchObject({
      agentVersion: '0.1.0',
      health: 'online',
    });
    expect(await technician.call('verifyAudit', { query: {} })).toMatchObject({ intact: true });
  });

  test('taken back after use, today’s rows stay, and the rest is as it was', async () => {
    await controller?.close();
    controller = undefined;
    await migrateTo(database, isPostgres, releasedMigration);
    const after = await everyRow(database, tables);
    const lost = [...before].filter(([table, rows]) => {
      const known = new Set(after.get(table));
      return !rows.every((row) => known.has(row));
    });
    expect(lost.map(([table]) => table).filter((table) => written[table] === undefined)).toEqual(
      [],
    );
    for (const table of ['sessions', 'rule_versions', 'rollouts', 'audit_events'])
      expect(after.get(table)?.length).toBeGreaterThan(before.get(table)?.length ?? 0);
    await migrate(database, isPostgres);
    expect(await everyRow(database, ['sessions', 'rule_versions', 'audit_events'])).toEqual(
      new Map(['sessions', 'rule_versions', 'audit_events'].map((name) => [name, after.get(name)])),
    );
  });
});
