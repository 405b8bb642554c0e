/** Every case against every database: SQLite in a file, and a PostgreSQL of our own. */
import { randomUUID } from 'node:crypto';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accessCases } from '#src/access/access.cases.ts';
import { searchAudiences } from '#src/accounts/audiences/store.ts';
import { insertAccounts, insertGroup, selectPerson } from '#src/accounts/store.ts';
import { actorOfToken, createToken, revokeToken } from '#src/accounts/tokens/tokens.ts';
import { exportCatalogue, importCatalogue } from '#src/applications/catalogue.ts';
import { saveIcon, selectIcon } from '#src/applications/icons/store.ts';
import { selectApplications, upsertApplication } from '#src/applications/store.ts';
import { chainCases } from '#src/audit/chain.cases.ts';
import { insertAuditEvent, selectAuditEvents } from '#src/audit/store.ts';
import { application, person } from '#src/builders.fixture.ts';
import { yearCases } from '#src/classes/year.cases.ts';
import { machineTextCases } from '#src/edge/machine-text.cases.ts';
import { selectSitesOf } from '#src/edge/sites-of.ts';
import { privacyCases } from '#src/privacy/privacy.cases.ts';
import { requestCases } from '#src/requests/requests.cases.ts';
import { rolloutCases } from '#src/rollouts/rollouts.cases.ts';
import { withdrawCases } from '#src/rollouts/withdraw.cases.ts';
import { withNames } from '#src/rules/names/store.ts';
import { selectRules } from '#src/rules/store.ts';
import { selectCandidates, selectServers } from '#src/servers/fleet/store.ts';
import { restartCases } from '#src/servers/restarts/restarts.cases.ts';
import { serverCases } from '#src/servers/servers.cases.ts';
import { exchangeCases } from '#src/sessions/exchange/exchange.cases.ts';
import { launchCases } from '#src/sessions/launch.cases.ts';
import { launch } from '#src/sessions/launch.ts';
import { licenceCases } from '#src/sessions/licence.cases.ts';
import { recordingCases } from '#src/sessions/recordings/recordings.cases.ts';
import { countLiveBySite, selectSessionRows } from '#src/sessions/store.ts';
import { countPeopleBySite } from '#src/sites/store.ts';
import { makeCity } from '#src/testing.fixture.ts';
import { met } from '../../../test/met.ts';
import { type Postgres, startPostgres } from '../../../test/postgres.fixture.ts';
import { migrate, openDatabase } from './database.ts';
import * as withdrawal from './migrations/0009-withdrawal.ts';
import * as accountNumbers from './migrations/0011-account-numbers.ts';

interface Dialect {
  name: 'SQLite' | 'PostgreSQL';
  start: () => Promise<void>;
  newTarget: () => Promise<string>;
  /** Brought up to date already: a copy, because the way there takes longer than most cases. */
  newCurrent: () => Promise<string>;
  stop: () => Promise<void>;
}

let folder = '';
let postgres: Postgres;
let pattern: Promise<string> | undefined;
const prepared = new Map<string, Promise<string>>();
/** Migrated once, and closed. */
function current(target: string, isPostgres: boolean): Promise<string> {
  const known =
    prepared.get(target) ??
    (async () => {
      const database = openDatabase(target);
      await migrate(database, isPostgres);
      await database.destroy();
      return target;
    })();
  prepared.set(target, known);
  return known;
}
const all = [
  '0001-first',
  '0002-rollouts',
  '0003-rules',
  '0004-identity',
  '0005-classes',
  '0006-requests',
  '0007-exchange',
  '0008-recordings',
  '0009-withdrawal',
  '0010-asking',
  '0011-account-numbers',
  '0012-attempts',
  '0013-erased-homes',
  '0014-health',
  '0015-displays',
];
const dialects: Dialect[] = [
  {
    name: 'SQLite',
    start: async () => {
      folder = mkdtempSync(join(tmpdir(), 'preau-sqlite-'));
      const version = new Database(':memory:').prepare('select sqlite_version()').pluck().get();
      met('sqlite', String(version), 'select sqlite_version()');
    },
    newTarget: async () => join(folder, `${randomUUID()}.sqlite`),
    newCurrent: async () => {
      const target = join(folder, `${randomUUID()}.sqlite`);
      copyFileSync(await current(join(folder, 'current.sqlite'), false), target);
      return target;
    },
    stop: async () => rmSync(folder, { recursive: true, force: true }),
  },
  {
    name: 'PostgreSQL',
    start: async () => {
      postgres = await startPostgres();
    },
    newTarget: () => postgres.newDatabase(),
    newCurrent: async () => {
      pattern ??= postgres.newDatabase();
      return postgres.newDatabase(await current(await pattern, true));
    },
    stop: () => postgres.stop(),
  },
];

for (const dialect of dialects) {
  const city = async (settings?: Record<string, string>) =>
    makeCity(await dialect.newCurrent(), settings);
  const isPostgres = dialect.name === 'PostgreSQL';

  describe(dialect.name, () => {
    beforeAll(dialect.start);
    afterAll(dialect.stop);

    describe('migrations', () => {
      test('run once, and again is a no-op', async () => {
        const target = await dialect.newTarget();
        const database = openDatabase(target);
        expect(await migrate(database, isPostgres)).toEqual(all);
        expect(await migrate(database, isPostgres)).toEqual([]);
        await database.destroy();
        const again = openDatabase(target);
        expect(await migrate(again, isPostgres)).toEqual([]);
        await again.destroy();
      });
      test('keep the catalogue as it was', async () => {
        const { platform, close } = await city();
        const before = await exportCatalogue(platform);
        await withdrawal.up(platform.database as unknown as Parameters<typeof withdrawal.up>[0]);
        expect(await exportCatalogue(platform)).toEqual(before);
        await close();
      });
      test('number the people who are there already, in the order in which they came', async () => {
        const { platform, time, close } = await city();
        const { database } = platform;
        const people = () =>
          database.selectFrom('accounts').select(['id', 'number']).orderBy('number').execute();
        const before = await people();
        await insertAccounts(database, [person('late')], time.at + 1);
        await sql`drop index one_account_per_number`.execute(database);
        await sql`alter table accounts drop column number`.execute(database);
        await sql`drop table account_numbers`.execute(database);
        await accountNumbers.up(database as unknown as Parameters<typeof accountNumbers.up>[0]);
        const after = await people();
        expect(after.map(({ number }) => number)).toEqual(after.map((_, index) => 800_001 + index));
        expect(new Set(after.slice(0, -1).map(({ id }) => id))).toEqual(
          new Set(before.map(({ id }) => id)),
        );
        await insertAccounts(database, [person('later')], time.at);
        expect((await people()).at(-1)?.number).toBe(800_001 + after.length);
        await close();
      });
      test('are run by one of four controllers that start at once', async () => {
        const target = await dialect.newTarget();
        const databases = Array.from({ length: isPostgres ? 4 : 1 }, () => openDatabase(target));
        const results = await Promise.all(
          databases.map((database) => migrate(database, isPostgres)),
        );
        expect(results.flat()).toEqual(all);
        for (const database of databases) await database.destroy();
      });
      test.runIf(isPostgres)('connections cut by the server are replaced', async () => {
        const target = await dialect.newTarget();
        const [database, other] = [openDatabase(target), openDatabase(target)];
        await sql`select 1`.execute(database);
        await sql`select pg_terminate_backend(pid) from pg_stat_activity where datname =
            current_database() and pid <> pg_backend_pid()`.execute(other);
        await new Promise((resolve) => setTimeout(resolve, 50));
        expect((await sql<{ one: number }>`select 1 as one`.execute(database)).rows).toEqual([
          { one: 1 },
        ]);
        await Promise.all([database.destroy(), other.destroy()]);
      });
      test('the database is the one we think it is', async () => {
        const database = openDatabase(await dialect.newTarget());
        const version = isPostgres
          ? await sql<{ v: string }>`select version() as v`.execute(database)
          : await sql<{ v: string }>`select 'SQLite ' || sqlite_version() as v`.execute(database);
        expect(version.rows[0]?.v).toMatch(isPostgres ? /^PostgreSQL (15|17)\./ : /^SQLite 3/);
        await database.destroy();
      });
    });

    describe('stores', () => {
      test('instants and large numbers are numbers', async () => {
        const { platform, time, site, agent, pupil, applications, close } = await city();
        await launch(platform, pupil, { application: 'tuxpaint', language: 'fr' });
        const [server] = await selectServers(platform.database, time.at, site.id);
        expect(server).toMatchObject({
          id: agent.actor.id,
          lastSeenAt: time.at,
          liveSessions: 1,
          maxSessions: 60,
          generation: 7,
          health: 'online',
        });
        expect(
          await selectCandidates(platform.database, site.id, applications.tuxpaint.id),
        ).toEqual([
          {
            serverId: agent.actor.id,
            lastSeenAt: time.at,
            roles: ['execution'],
            draining: false,
            restarting: false,
            installed: true,
            liveSessions: 1,
            maxSessions: 60,
          },
        ]);
        expect(
          (await selectCandidates(platform.database, site.id, applications.gimp.id))[0]?.installed,
        ).toBe(false);
        expect(await countLiveBySite(platform.database)).toEqual(new Map([[site.id, 1]]));
        expect(await countPeopleBySite(platform.database)).toEqual(new Map([[site.id, 3]]));
        expect(
          (await selectApplications(platform.database, { slug: 'tuxpaint' }))[0]?.installedOn,
        ).toBe(1);
        expect(await selectSessionRows(platform.database, { state: 'live', limit: 10 })).toEqual([
          expect.objectContaining({
            personName: 'lea',
            siteName: site.name,
            serverName: 'serveur-1',
            startedAt: time.at,
          }),
        ]);
        expect(await selectSessionRows(platform.database, { state: 'over', limit: 10 })).toEqual(
          [],
        );
        await close();
      });

      test('what was measured is learnt: last 200, medians, 95 of 100', async () => {
        const { platform, applications, close } = await city();
        const { id } = applications.gimp;
        await platform.database
          .insertInto('install_history')
          .values(
            [
              ...Array.from({ length: 50 }, () => ({ ms: 9_000_000, bytes: 1 })),
              ...Array.from({ length: 200 }, (_, index) => ({
                ms: (index + 1) * 600,
                bytes: index % 2 === 0 ? index * 1000 : null,
              })),
            ].map((entry, index) => ({
              id: `his_${index}`,
              application_id: id,
              version_id: 'v',
              server_id: 's',
              at: index,
              ...entry,
            })),
          )
          .execute();
        expect(
          (await selectApplications(platform.database)).find((application) => application.id === id)
            ?.estimate,
        ).toEqual({ bytes: 98_000, minutes: 1, p95Ms: 114_000, samples: 200 });
        await close();
      });

      test('a token opens what it may, until it is revoked', async () => {
        const { platform, technician, site, agent, close } = await city();
        const { token, secret } = await createToken(platform, technician, {
          name: 'script',
          scope: 'technician',
          siteIds: [site.id],
          days: 1,
        });
        expect(await actorOfToken(platform, secret)).toMatchObject({
          id: technician.id,
          role: 'technician',
          token: { readOnly: false, siteIds: [site.id] },
        });
        expect(
          await selectSitesOf(platform.database, [
            agent.actor.id,
            site.id,
            `srv_${'x'.repeat(22)}`,
          ]),
        ).toEqual([site.id]);
        await revokeToken(platform, technician, token.id);
        await expect(actorOfToken(platform, secret)).rejects.toMatchObject({
          code: 'TOKEN_REFUSED',
        });
        await close();
      });

      test('a catalogue comes in, in any order, and goes out again', async () => {
        const { platform, technician, close } = await city();
        const list = [
          application('jeu', { requires: ['moteur'] }),
          application('moteur'),
          application('gimp', { version: '2.0' }),
        ];
        expect(
          (await importCatalogue(platform, technician, { dryRun: false, applications: list })).map(
            ({ result }) => result,
          ),
        ).toEqual(['added', 'added', 'version_added']);
        expect((await exportCatalogue(platform)).applications).toEqual(
          expect.arrayContaining(list),
        );
        await close();
      });

      test('the newest version of an application counts; the same one twice is not added', async () => {
        const { platform, time, close } = await city();
        expect(
          await upsertApplication(platform.database, application('tuxpaint'), time.at),
        ).toMatchObject({ added: false });
        expect(
          await upsertApplication(
            platform.database,
            application('tuxpaint', { version: '2.0' }),
            time.at + 1,
          ),
        ).toMatchObject({ added: true });
        expect(
          (await selectApplications(platform.database, { slug: 'tuxpaint' })).map(
            (each) => each.version,
          ),
        ).toEqual(['2.0']);
        await close();
      });

      test('icons are bytes, kept once', async () => {
        const { platform, applications, close } = await city();
        const png = Buffer.from([0x89, 0, 255, 0x0a, 0x5c]);
        await saveIcon(platform.database, applications.gimp.id, 'hash', png);
        await saveIcon(platform.database, applications.tuxpaint.id, 'hash', png);
        expect(Buffer.from((await selectIcon(platform.database, 'hash')) ?? [])).toEqual(png);
        expect(await selectIcon(platform.database, 'other')).toBeUndefined();
        await close();
      });

      test('people and groups are found whatever the case; wildcards are only text', async () => {
        const { platform, time, site, close } = await city();
        const [id = ''] = await insertAccounts(
          platform.database,
          [person('zoe.martin', { displayName: 'Zoe Martin', siteId: site.id })],
          time.at,
        );
        const groupId = await insertGroup(
          platform.database,
          { kind: 'class', name: 'CM2 A', siteId: site.id },
          [id],
        );
        expect(
          (await searchAudiences(platform.database, 'MARTIN')).people.map((person) => person.login),
        ).toEqual(['zoe.martin']);
        expect(
          (await searchAudiences(platform.database, 'cm2')).groups.map((group) => group.name),
        ).toEqual([`CM2 A, ${site.name}`]);
        expect((await searchAudiences(platform.database, 'z%e')).people).toEqual([]);
        expect(
          await selectPerson(platform.database, { id, role: 'pupil', siteId: site.id }),
        ).toEqual({ id, role: 'pupil', siteId: site.id, groupIds: [groupId], attributes: {} });
        await close();
      });

      test('rules carry the names of what they name', async () => {
        const { platform, close } = await city();
        expect(
          (await withNames(platform.database, await selectRules(platform.database)))
            .map((rule) => [rule.targetName, rule.audienceName])
            .sort(),
        ).toEqual([
          ['gimp', 'everyone'],
          ['tuxpaint', 'everyone'],
        ]);
        await close();
      });

      test('audit pages follow each other without gap or repetition', async () => {
        const { platform, time, close } = await city();
        for (let at = 0; at < 30; at += 1) {
          await insertAuditEvent(platform.database, {
            at: time.at + Math.floor(at / 10),
            action: 'site.created',
            actorKind: 'job',
            actorId: null,
            actorName: 'Paging',
            subjectId: null,
            subjectName: String(at),
            siteId: null,
            details: { at },
          });
        }
        const seen: string[] = [];
        for (let before: string | null = null; ; ) {
          const page: Awaited<ReturnType<typeof selectAuditEvents>> = await selectAuditEvents(
            platform.database,
            { before, limit: 7, search: 'pAGing' },
          );
          seen.push(...page.map((event) => event.subjectName));
          before = page.at(-1)?.id ?? null;
          if (page.length < 7) break;
        }
        expect(seen).toHaveLength(30);
        expect(new Set(seen).size).toBe(30);
        expect(seen.map((name) => Math.floor(Number(name) / 10))).toEqual([
          ...Array<number>(10).fill(2),
          ...Array<number>(10).fill(1),
          ...Array<number>(10).fill(0),
        ]);
        await close();
      });

      test('one live session per person and application, whoever writes', async () => {
        const { platform, pupil, close } = await city();
        const { session } = await launch(platform, pupil, {
          application: 'tuxpaint',
          language: 'fr',
        });
        const row = await platform.database
          .selectFrom('sessions')
          .selectAll()
          .where('id', '=', session.id)
          .executeTakeFirstOrThrow();
        await expect(
          platform.database
            .insertInto('sessions')
            .values({ ...row, id: `ses_${'x'.repeat(22)}` })
            .execute(),
        ).rejects.toThrow(/unique/i);
        await platform.database
          .insertInto('sessions')
          .values({ ...row, id: `ses_${'x'.repeat(22)}`, state: 'ended' })
          .execute();
        await close();
      });

      test('numbers of people are given once: to many at once, and never again', async () => {
        const { platform, time, close } = await city();
        const { database } = platform;
        const numbers = async () =>
          (await database.selectFrom('accounts').select('number').execute()).map(
            ({ number }) => number ?? 0,
          );
        await Promise.all(
          ['a', 'b', 'c', 'd'].map((letter) =>
            insertAccounts(
              database,
              Array.from({ length: 20 }, (_, at) => person(`${letter}${at}`)),
              time.at,
            ),
          ),
        );
        const given = await numbers();
        expect(Math.min(...given)).toBe(800_001);
        expect(new Set(given).size).toBe(given.length);
        const last = Math.max(...given);
        await database.deleteFrom('accounts').where('number', '=', last).execute();
        await insertAccounts(database, [person('next')], time.at);
        expect(await numbers()).toContain(last + 1);
        await close();
      });

      test('a transaction that fails leaves nothing', async () => {
        const { platform, time, close } = await city();
        await expect(
          platform.database.transaction().execute(async (rows) => {
            await insertAccounts(rows, [person('ghost', { displayName: 'Ghost' })], time.at);
            throw new Error('no');
          }),
        ).rejects.toThrow('no');
        expect((await searchAudiences(platform.database, 'ghost')).people).toEqual([]);
        await close();
      });
    });

    // On SQLite these run among the unit tests, one file for each noun.
    if (isPostgres) {
      // Each in a describe of its own: what one opens before its cases is not opened before the
      // others'.
      describe('launch', () => launchCases(city));
      describe('licence', () => licenceCases(city));
      describe('exchange', () => exchangeCases(city));
      describe('recording', () => recordingCases(city));
      describe('access', () => accessCases(() => city()));
      describe('rollout', () => rolloutCases(() => city()));
      describe('machine text', () => machineTextCases(() => city()));
      describe('chain', () => chainCases(() => city()));
      describe('request', () => requestCases(city));
      describe('withdrawing', () => withdrawCases(city));
      describe('year', () => yearCases(() => city()));
      describe('privacy', () => privacyCases(() => city()));
      describe('servers', () => serverCases(dialect.newCurrent));
      describe('restarts', () => restartCases(() => city()));
    }
  });
}
